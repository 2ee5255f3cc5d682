"""Tables that were made before all were made to tell cases apart, in MariaDB and MySQL."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("pods", "routings", "journal", "removals", "placements")


def upgrade() -> None:
    if op.get_bind().dialect.name not in ("mysql", "mariadb"):
        return
    # Both ends of a foreign key have one collation, and only one table is changed at a time.
    for key in sa.inspect(op.get_bind()).get_foreign_keys("routings"):
        op.drop_constraint(str(key["name"]), "routings", type_="foreignkey")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    op.create_foreign_key(None, "routings", "pods", ["pod_id"], ["pod_id"], ondelete="CASCADE")
