"""Volumes, snapshots and backups, in every zone; what is written into a volume is read again from its copies."""

from collections.abc import Iterator
from typing import Any

import pytest
from openstack import exceptions

from . import things
from .lab import Lab
from .pages import followed
from .people import CENTRAL, Person
from .waiting import wait_until

ZONES = ("az1", "az2")
GIB = 1024**3


@pytest.fixture(scope="module", params=ZONES)
def zone(request: pytest.FixtureRequest) -> str:
    """Each zone in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(tenant: Person, boot: dict[str, str], prefix: str, zone: str) -> Iterator[Any]:
    """A server in the zone, to write and read volumes in."""
    with things.server(tenant, name=f"{prefix}-storage", availability_zone=zone, **boot) as server:
        yield server


@pytest.fixture(scope="module")
def volume(tenant: Person, prefix: str, zone: str, server: Any, lab: Lab) -> Iterator[Any]:
    """A volume in the zone that begins with the zone's name."""
    with things.stored(tenant, "volume", name=f"{prefix}-source", size=1, availability_zone=zone) as volume:
        with things.attached(tenant, server, volume) as device:
            written = lab.run_inside(
                server.id, "sh", "-c", f"printf {zone} | dd of=$SERVER_DISKS/{device} conv=notrunc"
            )
            assert written.returncode == 0, written.stderr
        yield volume


def content(tenant: Person, lab: Lab, server: Any, volume: Any) -> str:
    """How a volume begins, read inside a server."""
    with things.attached(tenant, server, volume) as device:
        read = lab.run_inside(server.id, "sh", "-c", f"head -c 3 $SERVER_DISKS/{device}")
    assert read.returncode == 0, read.stderr
    return read.stdout


@pytest.mark.proves("volume", "GET /volumes/{volume_id}", "GET /volumes/detail")
def test_shown_as_the_zone_s(tenant: Person, lab: Lab, volume: Any, zone: str) -> None:
    shown = tenant.cli("volume show", volume.id)
    assert (shown["status"], shown["size"], shown["availability_zone"]) == ("available", 1, zone)
    assert volume.id in [row["ID"] for row in tenant.cli("volume list --long")]
    for name, region in lab.zones.items():
        found = tenant.pod(region).block_storage.find_volume(volume.id, ignore_missing=True)
        assert (found is not None) == (name == zone)


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/os-volume_attachments",
    "POST /servers/{server_id}/os-volume_attachments",
    "DELETE /servers/{server_id}/os-volume_attachments/{volume_id}",
)
def test_attached_volume_is_shown(tenant: Person, server: Any, volume: Any) -> None:
    with things.attached(tenant, server, volume):
        assert tenant.central.block_storage.get_volume(volume.id).attachments[0]["server_id"] == server.id
        listed = list(tenant.central.compute.volume_attachments(server))
        assert [attachment.volume_id for attachment in listed] == [volume.id]
        shown = tenant.cli("server show", server.id)
        assert volume.id in str(shown["volumes_attached"])


def test_a_volume_of_another_zone_is_refused(tenant: Person, server: Any, prefix: str, zone: str) -> None:
    (other,) = set(ZONES) - {zone}
    with things.stored(tenant, "volume", name=f"{prefix}-elsewhere", size=1, availability_zone=other) as volume:
        with pytest.raises(exceptions.BadRequestException) as refusal:
            tenant.central.compute.create_volume_attachment(server, volume_id=volume.id)
        assert zone in str(refusal.value.details)
        assert other in str(refusal.value.details)
        assert tenant.central.block_storage.get_volume(volume.id).status == "available"
    assert not list(tenant.central.compute.volume_attachments(server))


@pytest.mark.proves("volume", "PUT /volumes/{volume_id}", "POST /volumes/{volume_id}/metadata")
def test_rename_and_metadata(tenant: Person, volume: Any, prefix: str) -> None:
    tenant.run("volume set --property colour=blue --name", f"{prefix}-source/%2F ü", volume.id)
    shown = tenant.cli("volume show", f"{prefix}-source/%2F ü")
    assert (shown["id"], shown["properties"]) == (volume.id, {"colour": "blue"})


@pytest.mark.proves(
    "volume", "POST /volumes", "DELETE /volumes/{volume_id}", "POST /volumes/{volume_id}/action os-extend"
)
def test_extend(tenant: Person, prefix: str, zone: str) -> None:
    with things.stored(tenant, "volume", name=f"{prefix}-extend", size=1, availability_zone=zone) as volume:
        tenant.central.block_storage.extend_volume(volume, 2)
        assert things.available(tenant, "volume", volume.id).size == 2


def test_clone(tenant: Person, lab: Lab, server: Any, volume: Any, prefix: str, zone: str) -> None:
    # Without a zone: a copy is where its source is.
    with things.stored(tenant, "volume", name=f"{prefix}-clone", size=1, source_volume_id=volume.id) as clone:
        assert clone.availability_zone == zone
        assert content(tenant, lab, server, clone) == zone


def test_a_copy_in_another_zone_is_refused(tenant: Person, volume: Any, prefix: str, zone: str) -> None:
    (other,) = set(ZONES) - {zone}
    request = {"name": f"{prefix}-clone", "size": 1, "source_volid": volume.id, "availability_zone": other}
    answer = tenant.ask("block-storage", "/volumes", "POST", json={"volume": request})
    assert answer.status_code == 400
    assert zone in answer.json()["badRequest"]["message"]
    assert other in answer.json()["badRequest"]["message"]


def test_from_image(tenant: Person, tiny_image: Any, prefix: str, zone: str) -> None:
    request = {"name": f"{prefix}-image", "size": 1, "image_id": tiny_image.id, "availability_zone": zone}
    with things.stored(tenant, "volume", **request) as volume:
        assert (volume.is_bootable, volume.volume_image_metadata["image_id"]) == (True, tiny_image.id)


@pytest.mark.proves("volume", "GET /snapshots/detail", "POST /snapshots", "DELETE /snapshots/{snapshot_id}")
def test_snapshot_and_volume_from_it(
    tenant: Person, lab: Lab, server: Any, volume: Any, prefix: str, zone: str
) -> None:
    with things.stored(tenant, "snapshot", name=f"{prefix}-snapshot", volume_id=volume.id) as snapshot:
        assert snapshot.id in [row["ID"] for row in tenant.cli("volume snapshot list")]
        with things.stored(tenant, "volume", name=f"{prefix}-copy", size=2, snapshot_id=snapshot.id) as copy:
            assert (copy.availability_zone, copy.size) == (zone, 2)
            assert content(tenant, lab, server, copy) == zone


@pytest.mark.proves(
    "volume", "GET /backups/detail", "POST /backups", "DELETE /backups/{backup_id}", "POST /backups/{backup_id}/restore"
)
def test_backup_and_restore(tenant: Person, lab: Lab, server: Any, volume: Any, prefix: str, zone: str) -> None:
    storage = tenant.central.block_storage
    with things.stored(tenant, "backup", name=f"{prefix}-backup", volume_id=volume.id) as backup:
        assert backup.id in [row["ID"] for row in tenant.cli("volume backup list")]
        request = {"name": f"{prefix}-restored", "size": 1, "availability_zone": zone}
        with things.stored(tenant, "volume", **request) as restored:
            storage.restore_backup(backup, volume_id=restored.id)
            things.available(tenant, "backup", backup.id)
            assert content(tenant, lab, server, things.available(tenant, "volume", restored.id)) == zone


@pytest.mark.proves("volume", "POST /volumes/{volume_id}/action os-volume_upload_image")
def test_upload_to_an_image(tenant: Person, volume: Any, prefix: str) -> None:
    name = f"{prefix}-upload"
    tenant.run("image create --volume", volume.id, "--disk-format", "raw", name)
    image = tenant.central.image.find_image(name, ignore_missing=False)
    try:
        wait_until("the image of the volume", lambda: tenant.central.image.get_image(image.id).status == "active")
        things.available(tenant, "volume", volume.id)
        assert tenant.central.image.get_image(image.id).size == GIB
    finally:
        tenant.central.image.delete_image(image.id)


def test_boot_from_a_volume(tenant: Person, tiny_image: Any, small: Any, prefix: str, zone: str) -> None:
    request = {"name": f"{prefix}-root", "size": 1, "image_id": tiny_image.id, "availability_zone": zone}
    with things.stored(tenant, "volume", **request) as volume:
        device = {"boot_index": 0, "uuid": volume.id, "source_type": "volume", "destination_type": "volume"}
        # Without a zone: a server is where its volume is.
        made = tenant.central.compute.create_server(
            name=f"{prefix}-from-volume", flavor_id=small.id, networks="none", block_device_mapping=[device]
        )
        try:
            server = things.server_is(tenant, made.id, "ACTIVE")
            assert server.availability_zone == zone
        finally:
            things.remove_server(tenant, made.id)


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.proves("volume", "GET /volumes")
def test_pages_over_both_zones(tenant: Person, prefix: str, direction: str) -> None:
    with (
        things.stored(tenant, "volume", name=f"{prefix}-page-a", size=1, availability_zone="az2"),
        things.stored(tenant, "volume", name=f"{prefix}-page-b", size=1, availability_zone="az1"),
        things.stored(tenant, "volume", name=f"{prefix}-page-c", size=1, availability_zone="az2"),
    ):
        pages = followed(tenant, "block-storage", f"/volumes?limit=1&sort=name:{direction}", "volumes")
        names = [volume["name"] for page in pages for volume in page]
        assert all(len(page) <= 1 for page in pages)
        letters = "".join(name[-1] for name in names if name.startswith(f"{prefix}-page-"))
        assert letters == ("abc" if direction == "asc" else "cba")
        assert len(names) == len(set(names))


def test_other_projects_volumes_do_not_exist(tenant: Person, stranger: Person, volume: Any) -> None:
    assert volume.id not in [each.id for each in stranger.central.block_storage.volumes()]
    ours, native = (
        stranger.ask("block-storage", f"/volumes/{volume.id}", region=region) for region in (CENTRAL, "RegionOne")
    )
    assert (ours.status_code, ours.json()) == (native.status_code, native.json())
