"""`triune db upgrade`, and what the other commands want of the database."""

import asyncio
import sys

from oslo_config import cfg

from triune.db.engine import Database, DatabaseUnavailable, newest_schema


def upgrade(conf: cfg.ConfigOpts) -> None:
    """Bring the database to the newest schema."""
    asyncio.run(_upgrade(conf))


async def _upgrade(conf: cfg.ConfigOpts) -> None:
    database = Database(conf.database.connection)
    await database.upgrade()
    print(f"the database has schema {await database.schema()}")
    await database.close()


async def require_schema(database: Database) -> None:
    """End the process with one clear line unless the database has the schema of this release."""
    try:
        found = await database.schema()
    except DatabaseUnavailable as error:
        sys.exit(f"triune: the database does not answer: {error}")
    if not found:
        sys.exit("triune: the database has no schema yet: run `triune db upgrade`")
    if found != (newest := newest_schema()):
        sys.exit(f"triune: the database has schema {found} and not {newest}: run `triune db upgrade` of this release")
