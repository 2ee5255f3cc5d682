"""The journal of the work engine, and what was removed from all pods."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(36), nullable=False),
        sa.Column("resource_id", sa.String(255), nullable=False),
        sa.Column("pod_id", sa.String(36), nullable=False),
        sa.Column("project_id", sa.String(64), index=True),
        sa.Column("request_id", sa.String(64)),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("done_generation", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("due_at", sa.DateTime, nullable=False, index=True),
        sa.Column("owner", sa.String(64)),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("kind", "resource_id", "pod_id"),
    )
    op.create_table(
        "removals",
        sa.Column("kind", sa.String(36), primary_key=True),
        sa.Column("resource_id", sa.String(255), primary_key=True),
        sa.Column("pod_id", sa.String(36), primary_key=True),
        sa.Column("created_at", sa.DateTime, nullable=False, index=True),
    )
