"""`triune db upgrade`."""

import asyncio

from oslo_config import cfg

from triune.db.engine import Database


def upgrade(conf: cfg.ConfigOpts) -> None:
    """Bring the database to the newest schema."""
    asyncio.run(_upgrade(conf))


async def _upgrade(conf: cfg.ConfigOpts) -> None:
    database = Database(conf.database.connection)
    await database.upgrade()
    await database.close()
