"""Ports that Triune holds for itself."""

import pytest

from triune.network import names
from triune.network.central.held import is_held, pod_of, prefix_of

POD = "6f70656e-7374-4163-ab00-000000000001"
PORT = "6f70656e-7374-4163-ab00-000000000002"


@pytest.mark.parametrize("prefix", names.HELD_DEVICES)
def test_devices_of_triune(prefix: str) -> None:
    assert prefix_of(f"{prefix}{POD}") == prefix
    assert is_held({"device_id": f"{prefix}{POD}"})


@pytest.mark.parametrize("device", ["", None, POD, 1, f"{names.BOOT_DEVICE}{POD}", "triune"])
def test_other_devices(device: object) -> None:
    assert prefix_of(device) == ""
    assert not is_held({"device_id": device})


@pytest.mark.parametrize(
    "device",
    [f"{names.RESERVE_DEVICE}{POD}", f"{names.GATEWAY_DEVICE}{POD}", f"{names.INTERFACE_DEVICE}{POD}-{PORT}"],
)
def test_addresses_that_are_held_for_a_pod(device: str) -> None:
    assert pod_of({"device_id": device, "device_owner": "network:dhcp"}) == POD
    assert pod_of({"device_id": device, "device_owner": ""}) == ""


@pytest.mark.parametrize("device", [f"{names.LINK_DEVICE}{PORT}", "dhcp-agent", "", None])
def test_ports_that_hold_nothing_for_a_pod(device: object) -> None:
    assert pod_of({"device_id": device, "device_owner": "network:dhcp"}) == ""
