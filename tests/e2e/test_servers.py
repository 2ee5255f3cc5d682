"""A server's life, in every zone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openstack import exceptions

from . import things
from .lab import Lab
from .people import Person
from .waiting import wait_until

ZONES = ("az1", "az2")


@pytest.fixture(scope="module", params=ZONES)
def zone(request: pytest.FixtureRequest) -> str:
    """Each zone in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(tenant: Person, boot: dict[str, str], prefix: str, zone: str) -> Iterator[Any]:
    """A server in the zone; every test leaves it ACTIVE, of the small flavor."""
    with things.server(tenant, name=f"{prefix}-life", availability_zone=zone, **boot) as server:
        yield server


@pytest.fixture
def becomes(tenant: Person, server: Any) -> Callable[[str], Any]:
    """Waits for a status of the server."""

    def wait(status: str) -> Any:
        return things.server_is(tenant, server.id, status)

    return wait


@pytest.mark.proves("compute", "GET /servers/{server_id}", "GET /servers/detail")
def test_shown_as_the_zone_s(tenant: Person, lab: Lab, server: Any, zone: str) -> None:
    shown = tenant.cli("server show", server.id)
    assert (shown["id"], shown["status"], shown["OS-EXT-AZ:availability_zone"]) == (server.id, "ACTIVE", zone)
    assert server.id in [row["ID"] for row in tenant.cli("server list")]


def test_lives_in_the_pod_of_its_zone_only(tenant: Person, lab: Lab, server: Any, zone: str) -> None:
    for name, region in lab.zones.items():
        found = tenant.pod(region).compute.find_server(server.id, ignore_missing=True)
        assert (found is not None) == (name == zone)


# An action and what comes of it, and how the server gets back.
STATES = [
    ("stop", "SHUTOFF", "start"),
    ("pause", "PAUSED", "unpause"),
    ("suspend", "SUSPENDED", "resume"),
    ("rescue", "RESCUE", "unrescue"),
    ("shelve", "SHELVED_OFFLOADED", "unshelve"),
]


@pytest.mark.parametrize(("action", "status", "back"), STATES, ids=[action for action, _, _ in STATES])
@pytest.mark.proves(
    "compute",
    "POST /servers/{server_id}/action os-start",
    "POST /servers/{server_id}/action os-stop",
    "POST /servers/{server_id}/action pause",
    "POST /servers/{server_id}/action unpause",
    "POST /servers/{server_id}/action suspend",
    "POST /servers/{server_id}/action resume",
    "POST /servers/{server_id}/action rescue",
    "POST /servers/{server_id}/action unrescue",
    "POST /servers/{server_id}/action shelve",
    "POST /servers/{server_id}/action unshelve",
)
def test_state(tenant: Person, server: Any, becomes: Callable[[str], Any], action: str, status: str, back: str) -> None:
    compute = tenant.central.compute
    getattr(compute, f"{action}_server")(server)
    becomes(status)
    getattr(compute, f"{back}_server")(server)
    becomes("ACTIVE")


@pytest.mark.parametrize("kind", ["SOFT", "HARD"])
@pytest.mark.proves("compute", "POST /servers/{server_id}/action reboot")
def test_reboot(tenant: Person, server: Any, becomes: Callable[[str], Any], kind: str) -> None:
    tenant.central.compute.reboot_server(server, kind)
    becomes("ACTIVE")


@pytest.mark.proves(
    "compute", "POST /servers/{server_id}/action resize", "POST /servers/{server_id}/action revertResize"
)
def test_resize_and_revert(tenant: Person, server: Any, becomes: Callable[[str], Any], small: Any, large: Any) -> None:
    compute = tenant.central.compute
    compute.resize_server(server, large.id)
    assert becomes("VERIFY_RESIZE").flavor["original_name"] == large.name
    compute.revert_server_resize(server)
    assert becomes("ACTIVE").flavor["original_name"] == small.name


@pytest.mark.proves(
    "compute", "POST /servers/{server_id}/action resize", "POST /servers/{server_id}/action confirmResize"
)
def test_resize_and_confirm(tenant: Person, server: Any, becomes: Callable[[str], Any], small: Any, large: Any) -> None:
    compute = tenant.central.compute
    for flavor in (large, small):
        compute.resize_server(server, flavor.id)
        becomes("VERIFY_RESIZE")
        compute.confirm_server_resize(server)
        assert becomes("ACTIVE").flavor["original_name"] == flavor.name


@pytest.mark.proves("compute", "POST /servers/{server_id}/action lock", "POST /servers/{server_id}/action unlock")
def test_lock(tenant: Person, admin: Person, server: Any) -> None:
    admin.central.compute.lock_server(server, locked_reason="for the test")
    try:
        shown = tenant.central.compute.get_server(server.id)
        assert (shown.is_locked, shown.locked_reason) == (True, "for the test")
        with pytest.raises(exceptions.ConflictException, match="locked"):
            tenant.central.compute.stop_server(server)
    finally:
        admin.central.compute.unlock_server(server)
    assert not tenant.central.compute.get_server(server.id).is_locked


@pytest.mark.proves(
    "compute",
    "PUT /servers/{server_id}",
    "POST /servers/{server_id}/metadata",
    "DELETE /servers/{server_id}/metadata/{key}",
    "PUT /servers/{server_id}/tags/{tag}",
    "DELETE /servers/{server_id}/tags/{tag}",
)
def test_rename_metadata_and_tags(tenant: Person, server: Any, prefix: str) -> None:
    name = f"{prefix}-renamed"
    tenant.run("server set --property colour=blue --tag first --tag", "second", "--name", name, server.id)
    shown = tenant.cli("server show", name)
    assert (shown["id"], shown["properties"], sorted(shown["tags"])) == (
        server.id,
        {"colour": "blue"},
        ["first", "second"],
    )
    tenant.run("server unset --property colour --tag first", server.id)
    shown = tenant.cli("server show", server.id)
    assert (shown["properties"], shown["tags"]) == ({}, ["second"])


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/metadata",
    "POST /servers/{server_id}/metadata",
    "DELETE /servers/{server_id}/metadata/{key}",
    "PUT /servers/{server_id}/tags/{tag}",
    "DELETE /servers/{server_id}/tags/{tag}",
)
def test_metadata_and_tags_with_unusual_names(tenant: Person, server: Any) -> None:
    compute = tenant.central.compute
    compute.set_server_metadata(server, **{"a key: with. signs": "http://127.0.0.1/é?x=1&y=%2F"})
    assert compute.get_server_metadata(server).metadata["a key: with. signs"] == "http://127.0.0.1/é?x=1&y=%2F"
    compute.delete_server_metadata(server, ["a key: with. signs"])
    assert "a key: with. signs" not in compute.get_server_metadata(server).metadata
    # The SDK puts a tag into the path as it is given.
    for tag in ("50%", "a b", "a&b=c;d"):
        compute.add_tag_to_server(server, tag)
        assert tag in compute.get_server(server.id).tags
        compute.remove_tag_from_server(server, tag)
        assert tag not in compute.get_server(server.id).tags


@pytest.mark.proves("compute", "POST /servers/{server_id}/action os-getConsoleOutput")
def test_console_output(tenant: Person, server: Any) -> None:
    assert "server" in tenant.run("console log show", server.id)


@pytest.mark.proves("compute", "POST /servers/{server_id}/action rebuild")
def test_rebuild(tenant: Person, server: Any, becomes: Callable[[str], Any], tiny_image: Any) -> None:
    tenant.central.compute.rebuild_server(server, image=tiny_image.id)
    becomes("ACTIVE")


@pytest.mark.proves("compute", "POST /servers/{server_id}/action createImage")
def test_snapshot_is_an_image_that_boots(
    tenant: Person, server: Any, boot: dict[str, str], prefix: str, zone: str
) -> None:
    name = f"{prefix}-snapshot"
    tenant.run("server image create --wait", "--name", name, server.id)
    image = tenant.central.image.find_image(name, ignore_missing=False)
    try:
        assert name in [row["Name"] for row in tenant.cli("image list")]
        request = {**boot, "image_id": image.id}
        # Without a zone: the pod that has the image is found.
        with things.server(tenant, name=f"{prefix}-from-snapshot", **request) as copy:
            assert copy.availability_zone == zone
    finally:
        tenant.central.image.delete_image(image.id)
    wait_until("the end of the image", lambda: tenant.central.image.find_image(name, ignore_missing=True) is None)


@pytest.mark.proves("compute", "GET /servers/{server_id}/os-instance-actions")
def test_actions_are_told(tenant: Person, server: Any) -> None:
    actions = [action.action for action in tenant.central.compute.server_actions(server.id)]
    assert "create" in actions
