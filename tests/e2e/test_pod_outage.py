"""One pod away: refusing connections, or accepting them and never answering. The others go on."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from . import things
from .lab import Lab
from .people import Person
from .waiting import wait_until

AWAY = "RegionTwo"
SERVICE = f"{AWAY}/nova-api"
# Beyond the gateway's own deadline: a busy machine, and the client.
GRACE = 5.0
UNKNOWN_SINCE = "compute 2.69"


@pytest.fixture(scope="module")
def here(tenant: Person, boot: dict[str, str], prefix: str) -> Iterator[Any]:
    """A server in the pod that stays."""
    with things.server(tenant, name=f"{prefix}-here", availability_zone="az1", **boot) as server:
        yield server


@pytest.fixture(scope="module")
def there(tenant: Person, boot: dict[str, str], prefix: str) -> Iterator[Any]:
    """A server in the pod that goes away."""
    with things.server(tenant, name=f"{prefix}-there", availability_zone="az2", **boot) as server:
        yield server


@pytest.fixture(params=["stopped", "frozen"])
def outage(request: pytest.FixtureRequest, lab: Lab) -> Callable[[str], AbstractContextManager[None]]:
    """A way for a service to be away."""
    way: Callable[[str], AbstractContextManager[None]] = getattr(lab, request.param)
    return way


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """What an action returns, and how many seconds it took."""
    began = time.monotonic()
    return action(), time.monotonic() - began


def test_a_pod_goes_away_and_comes_back(
    tenant: Person,
    lab: Lab,
    outage: Callable[[str], AbstractContextManager[None]],
    here: Any,
    there: Any,
    boot: dict[str, str],
    prefix: str,
) -> None:
    list_deadline = lab.setting("pods", "list_deadline", 10.0) + GRACE
    request_deadline = lab.setting("pods", "request_deadline", 60.0) + GRACE
    with outage(SERVICE):
        lists_name_the_missing_pod(tenant, here, there, list_deadline)
        the_rest_works(tenant, boot, prefix)
        the_missing_zone_refuses(tenant, boot, prefix, there, request_deadline)
    all_is_as_before(tenant, lab, here, there)
    with things.server(tenant, name=f"{prefix}-again", availability_zone="az2", **boot) as server:
        assert server.availability_zone == "az2"


def lists_name_the_missing_pod(tenant: Person, here: Any, there: Any, deadline: float) -> None:
    answer, seconds = timed(lambda: tenant.ask("compute", "/servers/detail", version="compute 2.68"))
    assert answer.status_code == 200
    assert seconds < deadline
    assert answer.headers["Triune-Missing-Pods"] == AWAY
    assert [server["id"] for server in answer.json()["servers"]] == [here.id]

    answer, seconds = timed(lambda: tenant.ask("compute", "/servers/detail", version=UNKNOWN_SINCE))
    assert seconds < deadline
    assert answer.headers["Triune-Missing-Pods"] == AWAY
    servers = {server["id"]: server for server in answer.json()["servers"]}
    assert servers.keys() == {here.id, there.id}
    assert servers[there.id].keys() == {"id", "status", "links"}
    assert (servers[here.id]["status"], servers[there.id]["status"]) == ("ACTIVE", "UNKNOWN")

    rows, seconds = timed(lambda: tenant.cli("server list"))
    assert seconds < 3 * deadline
    assert here.id in [row["ID"] for row in rows]
    # People name things; a name is tried as an id first, and could be one in the missing pod for all one knows.
    assert tenant.cli("server show", here.name)["id"] == here.id


def the_rest_works(tenant: Person, boot: dict[str, str], prefix: str) -> None:
    (_, seconds) = timed(lambda: tenant.central.block_storage.get_limits())
    assert seconds < GRACE, "the other services of the pod are not away"
    with things.server(tenant, name=f"{prefix}-meanwhile", availability_zone="az1", **boot) as server:
        assert server.status == "ACTIVE"
    # Whoever names no zone gets one that works.
    with things.server(tenant, name=f"{prefix}-anywhere", **boot) as server:
        assert server.availability_zone == "az1"


def the_missing_zone_refuses(tenant: Person, boot: dict[str, str], prefix: str, there: Any, deadline: float) -> None:
    server = {
        "name": f"{prefix}-refused",
        "imageRef": boot["image_id"],
        "flavorRef": boot["flavor_id"],
        "networks": "none",
        "availability_zone": "az2",
    }
    answer, seconds = timed(
        lambda: tenant.ask("compute", "/servers", "POST", version="compute 2.90", json={"server": server})
    )
    assert seconds < deadline
    assert answer.status_code in (503, 504)
    (fault,) = answer.json().values()
    assert AWAY in fault["message"]
    assert "az2" in fault["message"]
    answer, seconds = timed(lambda: tenant.ask("compute", f"/servers/{there.id}"))
    assert seconds < deadline
    assert answer.status_code in (503, 504)


def all_is_as_before(tenant: Person, lab: Lab, here: Any, there: Any) -> None:
    def look() -> bool:
        answer = tenant.ask("compute", "/servers/detail", version=UNKNOWN_SINCE)
        found = {server["id"]: server["status"] for server in answer.json()["servers"]}
        return "Triune-Missing-Pods" not in answer.headers and found == {here.id: "ACTIVE", there.id: "ACTIVE"}

    # At the latest when the breaker lets the next trial through.
    wait_until("the pod's return", look, seconds=lab.setting("pods", "breaker_max_pause", 30.0) + GRACE)
    zones = {zone.name: zone.state["available"] for zone in tenant.central.compute.availability_zones()}
    assert zones == {"az1": True, "az2": True}


def test_a_volume_service_goes_away(tenant: Person, lab: Lab, prefix: str) -> None:
    with (
        things.stored(tenant, "volume", name=f"{prefix}-here", size=1, availability_zone="az1") as here,
        things.stored(tenant, "volume", name=f"{prefix}-there", size=1, availability_zone="az2") as there,
    ):
        with lab.stopped(f"{AWAY}/cinder-api"):
            answer = tenant.ask("block-storage", "/volumes/detail")
            assert answer.headers["Triune-Missing-Pods"] == AWAY
            assert [volume["id"] for volume in answer.json()["volumes"]] == [here.id]
            assert tenant.ask("block-storage", f"/volumes/{there.id}").status_code == 503
            assert tenant.central.block_storage.get_volume(here.id).status == "available"

        def look() -> bool:
            return {volume.id for volume in tenant.central.block_storage.volumes()} == {here.id, there.id}

        wait_until("the service's return", look)


def test_an_image_service_goes_away(tenant: Person, lab: Lab, tiny_image: Any, prefix: str) -> None:
    with lab.stopped(f"{AWAY}/glance-api"):
        assert tiny_image.id in [image.id for image in tenant.central.image.images()]
        assert tenant.central.image.get_image(tiny_image.id).status == "active"
        assert len(tenant.central.image.download_image(tiny_image.id).content) == tiny_image.size
