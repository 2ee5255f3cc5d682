"""Limits of quotas that were set at the top."""

import sqlalchemy as sa
from alembic import op

from triune.db.models import TABLE_OPTIONS

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limits",
        sa.Column("kind", sa.String(36), primary_key=True),
        sa.Column("resource_id", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        **TABLE_OPTIONS,  # type: ignore[arg-type]
    )
