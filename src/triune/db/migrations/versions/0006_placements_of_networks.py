"""In which pods a network is, told by an index alone: a network may have thousands of ports in one pod."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_placements_network_id_pod_id", "placements", ["network_id", "pod_id"])
    op.drop_index("ix_placements_network_id", "placements")
