"""Who answers at the gateway addresses of networks that span pods."""

import sqlalchemy as sa
from alembic import op

from triune.db.models import TABLE_OPTIONS

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gateways",
        sa.Column("network_id", sa.String(36), primary_key=True),
        sa.Column("outside", sa.Boolean, nullable=False),
        sa.Column("pod_id", sa.String(36), sa.ForeignKey("pods.pod_id", ondelete="SET NULL")),
        **TABLE_OPTIONS,  # type: ignore[arg-type]
    )
