"""Ports at the top and their twins: what is written where, without asking anybody."""

from datetime import UTC, datetime
from typing import Any

from triune.network.clocks import since
from triune.network.servers import differences, is_changing
from triune.network.top_ports import boot_of, placed, placement, released, with_status
from triune.pods.registry import Pod

POD = Pod("p1", "RegionOne", "az1")
PORT: dict[str, Any] = {
    "id": "x", "device_id": "s", "device_owner": "compute:az1", "status": "ACTIVE", "binding:host_id": "h",
    "binding:profile": {"mine": 1, "triune": {"pod": "p1", "keep": True, "status": "ACTIVE"}},
}  # fmt: skip
TWIN: dict[str, Any] = {"device_id": "s", "status": "ACTIVE", "binding:host_id": "h"}


def test_what_others_wrote_into_a_profile_stays() -> None:
    assert placed({"binding:profile": {"mine": 1}}, "p2", True) == {
        "binding:profile": {"mine": 1, "triune": {"pod": "p2", "keep": True}}
    }
    assert placed({"binding:profile": None}, "p2", False)["binding:profile"] == {"triune": {"pod": "p2", "keep": False}}
    assert with_status(PORT, "DOWN")["binding:profile"] == {
        "mine": 1,
        "triune": {"pod": "p1", "keep": True, "status": "DOWN"},
    }
    assert released(PORT) == {
        "device_id": "", "device_owner": "", "binding:host_id": "", "binding:profile": {"mine": 1},
    }  # fmt: skip
    assert released({**PORT, "dns_name": "vm"})["dns_name"] == ""


def test_places_and_attempts() -> None:
    assert placement(PORT)["pod"] == "p1"
    assert placement({}) == placement({"binding:profile": {"triune": "nonsense"}}) == {}
    assert boot_of({"device_id": "triune-boot-7"}) == "7"
    assert boot_of(PORT) is boot_of({}) is None


def test_only_what_differs_is_told() -> None:
    assert differences(PORT, TWIN, POD) == {}
    assert differences(PORT, {**TWIN, "binding:host_id": "h2"}, POD) == {"binding:host_id": "h2"}
    assert differences(PORT, {**TWIN, "status": "DOWN"}, POD) == with_status(PORT, "DOWN")
    assert differences({**PORT, "device_owner": ""}, TWIN, POD) == {"device_owner": "compute:az1"}
    # Neutron may have been killed before it bound the port: once more with the same words.
    assert differences({**PORT, "status": "DOWN"}, TWIN, POD) == with_status(PORT, "ACTIVE")
    assert differences({**PORT, "binding:host_id": "", "status": "DOWN"}, {**TWIN, "binding:host_id": None}, POD) == {}


def test_servers_that_change() -> None:
    assert is_changing({"status": "BUILD", "OS-EXT-STS:task_state": None})
    assert is_changing({"status": "ACTIVE", "OS-EXT-STS:task_state": "deleting"})
    assert not is_changing({"status": "ERROR", "OS-EXT-STS:task_state": None})


def test_ages() -> None:
    now = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
    assert since("2026-11-21T12:00:00Z", now) == 30
    assert since(None, now) == since("yesterday", now) == float("inf")
