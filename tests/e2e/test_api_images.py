"""Images that are made in one pod, or that only one pod has: they boot in every zone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import LATEST, microversion, zone_after
from .people import Person
from .waiting import wait_until

SIZE = 1024 * 1024


@pytest.fixture(scope="module")
def home(lab: Lab) -> str:
    """The zone where images are made."""
    return next(iter(lab.zones))


@pytest.fixture(scope="module")
def server(tenant: Person, boot: dict[str, str], prefix: str, home: str) -> Iterator[Any]:
    """A server in that zone."""
    with things.server(tenant, name=f"{prefix}-imaged", availability_zone=home, **boot) as server:
        yield server


@contextmanager
def image_of(person: Person, server: Any, action: dict[str, Any]) -> Iterator[Any]:
    """The image that an action makes of a server; it is gone from every pod afterwards."""
    answer = person.ask("compute", f"/servers/{server.id}/action", "POST", json=action, **microversion(LATEST))
    assert answer.status_code == 202, answer.text
    identifier = answer.json()["image_id"]
    image = person.central.image
    try:
        wait_until("the image", lambda: image.get_image(identifier).status == "active")
        yield image.get_image(identifier)
    finally:
        image.delete_image(identifier, ignore_missing=True)


def gone(person: Person, lab: Lab, identifier: str) -> None:
    """Wait until no pod has an image any more."""
    for region in lab.regions:
        find = person.pod(region).image.find_image
        wait_until(
            f"the end of image {identifier} in {region}",
            lambda find=find: find(identifier, ignore_missing=True) is None,  # type: ignore[misc]
        )


def boots(person: Person, boot: dict[str, str], image: Any, name: str, zone: str) -> None:
    """A server of the image, in a zone, becomes ACTIVE."""
    with things.server(person, name=name, availability_zone=zone, **{**boot, "image_id": image.id}) as copy:
        assert (copy.availability_zone, copy.image.id) == (zone, image.id)


@contextmanager
def only_in(person: Person, region: str, name: str) -> Iterator[Any]:
    """An image that a pod's own Glance was given; it is gone afterwards."""
    pod = person.pod(region).image
    made = pod.create_image(name, data=os.urandom(SIZE), disk_format="raw", container_format="bare")
    try:
        yield pod.get_image(made.id)
    finally:
        person.central.image.delete_image(made.id, ignore_missing=True)


@pytest.mark.proves("compute", "POST /servers/{server_id}/action createImage")
def test_a_snapshot_boots_in_the_other_zones(
    tenant: Person, lab: Lab, server: Any, boot: dict[str, str], prefix: str, home: str
) -> None:
    action = {"createImage": {"name": f"{prefix}-snapshot", "metadata": {"colour": "blue"}}}
    with image_of(tenant, server, action) as image:
        for zone in lab.zones:
            if zone != home:
                boots(tenant, boot, image, f"{prefix}-of-snapshot", zone)
        for region in lab.regions:
            copy = tenant.pod(region).image.get_image(image.id)
            assert (copy.status, copy.checksum, copy.properties["colour"]) == ("active", image.checksum, "blue")
    gone(tenant, lab, image.id)


@pytest.mark.proves("compute", "POST /servers/{server_id}/action createBackup")
def test_backups_are_rotated_in_every_pod(tenant: Person, lab: Lab, server: Any, prefix: str, home: str) -> None:
    def backup(number: int) -> dict[str, Any]:
        return {"createBackup": {"name": f"{prefix}-backup-{number}", "backup_type": "daily", "rotation": 1}}

    with image_of(tenant, server, backup(1)) as first:
        things.server_is(tenant, server.id, "ACTIVE")
        other = tenant.pod(lab.zones[zone_after(lab, home)]).image
        wait_until("the copy", lambda: (other.find_image(first.id, ignore_missing=True) or first).status == "active")
        with image_of(tenant, server, backup(2)) as second:
            things.server_is(tenant, server.id, "ACTIVE")
            # Only the last one is kept.
            gone(tenant, lab, first.id)
            assert tenant.central.image.get_image(second.id).status == "active"
    gone(tenant, lab, second.id)


def test_an_image_that_only_one_pod_has_boots_everywhere(
    tenant: Person, lab: Lab, boot: dict[str, str], prefix: str, home: str
) -> None:
    far = zone_after(lab, home)
    with only_in(tenant, lab.zones[home], f"{prefix}-only-one") as image:
        assert tenant.central.image.get_image(image.id).checksum == image.checksum
        boots(tenant, boot, image, f"{prefix}-of-one", far)
        copy = tenant.pod(lab.zones[far]).image.get_image(image.id)
        assert (copy.status, copy.checksum) == ("active", image.checksum)
    gone(tenant, lab, image.id)


@pytest.mark.parametrize("action", ["rebuild", "rescue"])
@pytest.mark.proves("compute", "POST /servers/{server_id}/action rebuild", "POST /servers/{server_id}/action rescue")
def test_an_image_that_the_servers_pod_lacks(
    tenant: Person, lab: Lab, server: Any, prefix: str, home: str, action: str
) -> None:
    """The pod of the server gets it when it is needed."""
    compute = tenant.central.compute
    with only_in(tenant, lab.zones[zone_after(lab, home)], f"{prefix}-{action}") as image:
        assert tenant.pod(lab.zones[home]).image.find_image(image.id, ignore_missing=True) is None
        if action == "rebuild":
            compute.rebuild_server(server, image=image.id)
            assert things.server_is(tenant, server.id, "ACTIVE").image.id == image.id
        else:
            compute.rescue_server(server, image_ref=image.id)
            things.server_is(tenant, server.id, "RESCUE")
            compute.unrescue_server(server)
            things.server_is(tenant, server.id, "ACTIVE")
        assert tenant.pod(lab.zones[home]).image.get_image(image.id).checksum == image.checksum
    gone(tenant, lab, image.id)


@pytest.mark.proves("volume", "POST /volumes/{volume_id}/action os-volume_upload_image")
def test_a_volume_of_the_image_of_a_volume_in_another_zone(tenant: Person, lab: Lab, prefix: str, home: str) -> None:
    far, storage, name = zone_after(lab, home), tenant.central.block_storage, f"{prefix}-uploaded"
    with things.stored(tenant, "volume", name=f"{prefix}-origin", size=1, availability_zone=home) as volume:
        # An empty volume is a small image of this format.
        upload = storage.upload_volume_to_image(volume, name, disk_format="qcow2", container_format="bare")
        identifier = upload["image_id"]
        try:
            wait_until("the image", lambda: tenant.central.image.get_image(identifier).status == "active")
            things.available(tenant, "volume", volume.id)
            request = {"name": f"{prefix}-of-it", "size": 1, "availability_zone": far, "image_id": identifier}
            with things.stored(tenant, "volume", **request) as copy:
                assert copy.availability_zone == far
                assert copy.volume_image_metadata["image_id"] == identifier
            assert tenant.pod(lab.zones[far]).image.get_image(identifier).status == "active"
        finally:
            tenant.central.image.delete_image(identifier, ignore_missing=True)
    gone(tenant, lab, identifier)
