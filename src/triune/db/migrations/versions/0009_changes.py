"""Changes of shared resources that pods were away for."""

import sqlalchemy as sa
from alembic import op

from triune.db.models import LONG_TEXT, TABLE_OPTIONS

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("kind", sa.String(36), primary_key=True),
        sa.Column("resource_id", sa.String(255), primary_key=True),
        sa.Column("pod_id", sa.String(36), primary_key=True),
        sa.Column("part", sa.String(300), primary_key=True),
        sa.Column("value", LONG_TEXT, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        **TABLE_OPTIONS,  # type: ignore[arg-type]
    )
