"""The journal's order of work: backlog behind fresh requests, times with fractions, finished keys out of the way."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("backlog", sa.Boolean, nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name in ("mysql", "mariadb"):
        op.alter_column("journal", "due_at", type_=mysql.DATETIME(fsp=6), existing_nullable=False)
    op.create_index("ix_journal_updated_at", "journal", ["updated_at"])
    op.execute("UPDATE journal SET due_at = '9999-01-01 00:00:00.000000' WHERE generation = done_generation")
