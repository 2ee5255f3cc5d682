"""In which pods ports of central Neutron are placed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "placements",
        sa.Column("port_id", sa.String(36), primary_key=True),
        sa.Column("network_id", sa.String(36), nullable=False, index=True),
        sa.Column("pod_id", sa.String(36), nullable=False, index=True),
        sa.Column("project_id", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
