"""Pods and routings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pods",
        sa.Column("pod_id", sa.String(36), primary_key=True),
        sa.Column("region_name", sa.String(255), nullable=False, unique=True),
        sa.Column("az_name", sa.String(255), nullable=False),
        sa.Column("pod_az_name", sa.String(255), nullable=False),
        sa.Column("dc_name", sa.String(255), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime),
    )
    op.create_table(
        "routings",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("top_id", sa.String(127), nullable=False),
        sa.Column("bottom_id", sa.String(127), nullable=False, index=True),
        sa.Column(
            "pod_id", sa.String(36), sa.ForeignKey("pods.pod_id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("project_id", sa.String(64), index=True),
        sa.Column("resource_type", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime),
        sa.UniqueConstraint("top_id", "pod_id", "resource_type"),
    )
