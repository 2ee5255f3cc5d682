"""Routings are a cache: without them everything is found again."""

import sqlite3
from contextlib import closing

import pytest

from . import things
from .lab import GATEWAY, Lab
from .people import Person


@pytest.mark.parametrize("zone", ["az1", "az2"])
def test_everything_is_found_without_routings(
    tenant: Person, lab: Lab, boot: dict[str, str], prefix: str, zone: str
) -> None:
    with (
        things.server(tenant, name=f"{prefix}-lost", availability_zone=zone, **boot) as server,
        things.stored(tenant, "volume", name=f"{prefix}-lost", size=1, availability_zone=zone) as volume,
        things.stored(tenant, "snapshot", name=f"{prefix}-lost", volume_id=volume.id) as snapshot,
    ):
        assert forget_all(lab) > 0
        lab.restart(GATEWAY)
        assert tenant.cli("server show", server.id)["status"] == "ACTIVE"
        assert tenant.cli("volume show", volume.id)["status"] == "available"
        assert tenant.central.block_storage.get_snapshot(snapshot.id).status == "available"
        forget_all(lab)
        lab.restart(GATEWAY)
        with things.attached(tenant, server, volume) as device:
            assert device == "vdb"
        forget_all(lab)
        lab.restart(GATEWAY)
        # Leaving deletes each of them through the gateway, and waits until they are gone.


def forget_all(lab: Lab) -> int:
    """Empty the table of routings; how many there were."""
    with closing(sqlite3.connect(lab.database, timeout=10)) as database, database:
        return database.execute("DELETE FROM routings").rowcount
