"""Alembic's environment: migrations run on the connection that `Database.upgrade` hands over."""

from alembic import context

from triune.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # A database may be shared with services that have migrations of their own.
    version_table="triune_alembic_version",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
