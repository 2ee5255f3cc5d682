"""Alembic's environment: migrations run on the connection that `Database.upgrade` hands over."""

from alembic import context

from triune.db.engine import VERSION_TABLE
from triune.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
