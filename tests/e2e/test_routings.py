"""Routings are a cache: without them everything is found again."""

from typing import Any

import pytest
from openstack import exceptions

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


def test_a_server_finds_its_volume_without_routings(
    tenant: Person, lab: Lab, tiny_image: Any, small: Any, prefix: str
) -> None:
    source = {"size": 1, "image_id": tiny_image.id}
    with (
        things.stored(tenant, "volume", name=f"{prefix}-here", availability_zone="az1", **source) as here,
        things.stored(tenant, "volume", name=f"{prefix}-there", availability_zone="az2", **source) as there,
    ):
        forget_all(lab)
        lab.restart(GATEWAY)
        device = {"boot_index": 0, "uuid": there.id, "source_type": "volume", "destination_type": "volume"}
        request = {"name": f"{prefix}-there", "flavor_id": small.id, "block_device_mapping": [device]}
        with things.server(tenant, **request) as server:
            assert server.availability_zone == "az2"
            forget_all(lab)
            lab.restart(GATEWAY)
            with pytest.raises(exceptions.BadRequestException) as refusal:
                tenant.central.compute.create_volume_attachment(server, volume_id=here.id)
            assert "az1" in str(refusal.value.details)
            assert "az2" in str(refusal.value.details)


def forget_all(lab: Lab) -> int:
    """Empty the table of routings; how many there were."""
    ((count,),) = lab.query("DELETE FROM routings; SELECT ROW_COUNT()")
    return int(count)
