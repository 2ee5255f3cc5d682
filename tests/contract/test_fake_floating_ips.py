"""Floating IPs and port forwardings of the fake Neutron are as those of neutron of release 29, refusals included."""

import pytest

from .fake_region import UNKNOWN, Case, Region, cases, refuses
from .network_world import PROJECT


@pytest.fixture(params=[True, False], ids=["pod", "central"])
def region(request: pytest.FixtureRequest) -> Region:
    return Region(request.param)


FLOATING: dict[str, Case] = {
    "not external": (
        lambda r: r.floating(floating_network_id=r.inside["id"]),
        400, "BadRequest", "Bad floatingip request: Network {inside} is not a valid external network.",
    ),
    "taken address": (
        lambda r: r.floating(floating_ip_address="203.0.113.2"),
        409, "IpAddressAlreadyAllocated", "IP address 203.0.113.2 already allocated in subnet {public}",
    ),
    "other address": (
        lambda r: r.floating(floating_ip_address="192.0.2.1"),
        400, "InvalidIpForNetwork", None,
    ),
    "no way": (
        lambda r: (r.interfaces("remove", subnet_id=r.subnet["id"]), r.floating(r.port)),
        404, "ExternalGatewayForFloatingIPNotFound",
        "External network {outside} is not reachable from subnet {subnet}.  Therefore, cannot associate Port {port} "
        "with a Floating IP.",
    ),
    "several addresses": (
        lambda r: r.floating(r.server(60, 61)), 400, "BadRequest", None,
    ),
    "no address": (lambda r: r.floating(r.server()), 400, "BadRequest", None),
    "address of none": (
        lambda r: r.floating(r.port, fixed_ip_address="10.0.0.99"),
        400, "BadRequest", "Bad floatingip request: Port {port} does not have fixed ip 10.0.0.99.",
    ),
    "address alone": (
        lambda r: r.floating(fixed_ip_address="10.0.0.50"),
        400, "BadRequest", "Bad floatingip request: fixed_ip_address cannot be specified without a port_id.",
    ),
    "no port": (
        lambda r: r.floating({"id": UNKNOWN}), 404, "PortNotFound", f"Port {UNKNOWN} could not be found.",
    ),
    "port has one": (
        lambda r: (r.floating(r.port), r.floating(r.port)), 409, "FloatingIPPortAlreadyAssociated", None,
    ),
    "port of its own": (
        lambda r: r.ask("DELETE", f"ports/{r.port_of(r.floating())['id']}"), 409, "ServicePortInUse", None,
    ),
    "address must stay": (
        lambda r: (r.floating(r.port), r.ask("PUT", f"ports/{r.port['id']}", port={"fixed_ips": []})),
        400, "BadRequest",
        "Bad port request: Cannot update the fixed_ips of the port {port}, because its original fixed_ip has been "
        "associated to a floating ip.",
    ),
    "no floating IP": (
        lambda r: r.ask("DELETE", f"floatingips/{UNKNOWN}"),
        404, "FloatingIPNotFound", f"Floating IP {UNKNOWN} could not be found",
    ),
    "read-only": (
        lambda r: r.ask("PUT", f"floatingips/{r.floating()['id']}", floatingip={"router_id": r.router["id"]}),
        400, "HTTPBadRequest", "Cannot update read-only attribute router_id",
    ),
}  # fmt: skip


FORWARDINGS: dict[str, Case] = {
    "outside twice": (
        lambda r: r.forward(r.forward(), internal_port=23),
        400, "BadRequest",
        "Bad port_forwarding request: There is a port collision with the external_port_range. The following ranges "
        "collide: 2222:2222 and 2222:2222.",
    ),
    "inside twice": (lambda r: r.forward(r.forward(), external_port=2223), 400, "BadRequest", None),
    "unlike ranges": (
        lambda r: r.forward(external_port_range="80:90", internal_port_range="80:81"),
        400, "BadRequest",
        "Bad port_forwarding request: Invalid ranges of internal and/or external ports. The relation between internal "
        "and external ports must be N-N or 1-N.",
    ),
    "associated": (
        lambda r: r.forward(r.floating(r.server(60))), 409, "FloatingIPPortAlreadyAssociated", None,
    ),
    "port has floating IP": (lambda r: (r.floating(r.port), r.forward()), 409, "PortHasBindingFloatingIP", None),
    "other address": (lambda r: r.forward(internal_ip_address="10.0.0.99"), 400, "BadRequest", None),
    "no way": (
        lambda r: (r.interfaces("remove", subnet_id=r.subnet["id"]), r.forward()), 400, "BadRequest", None,
    ),
    "to be associated": (
        lambda r: r.ask("PUT", f"floatingips/{r.forward()['id']}", floatingip={"port_id": r.server(60)["id"]}),
        409, "FipInUseByPortForwarding", None,
    ),
    "to be removed": (
        lambda r: r.ask("DELETE", f"floatingips/{r.forward()['id']}"), 409, "FipInUseByPortForwarding", None,
    ),
    "none": (
        lambda r: r.ask("GET", f"floatingips/{r.floating()['id']}/port_forwardings/{UNKNOWN}"),
        404, "PortForwardingNotFound", f"Port Forwarding {UNKNOWN} could not be found.",
    ),
    "unknown protocol": (lambda r: r.forward(protocol="gre"), 400, "HTTPBadRequest", None),
}  # fmt: skip


@pytest.mark.parametrize("case", cases(floating_ip=FLOATING, port_forwarding=FORWARDINGS))
def test_refusals(region: Region, case: Case) -> None:
    refuses(region, case)


def test_floating_ip_comes_and_goes(region: Region) -> None:
    """OVN tells of its state when the answer is made already."""
    wanted = {"floating_network_id": region.outside["id"], "port_id": region.port["id"], "project_id": PROJECT}
    shown = region.ask("POST", "floatingips", floatingip=wanted)["floatingip"]
    expected = {"status": "DOWN", "router_id": region.router["id"], "fixed_ip_address": "10.0.0.50"}
    assert {name: shown[name] for name in expected} == expected
    assert shown["port_details"]["device_id"] == region.port["device_id"]
    path = f"floatingips/{shown['id']}"
    assert region.ask("GET", path)["floatingip"]["status"] == ("ACTIVE" if region.neutron.ovn else "DOWN")
    port = region.port_of(shown)
    fields = ("device_owner", "network_id", "project_id", "status")
    assert [port[name] for name in fields] == ["network:floatingip", region.outside["id"], "", "N/A"]
    assert region.ask("GET", f"floatingips?port_id={region.port['id']}&fields=id")["floatingips"] == [
        {"id": shown["id"]}
    ]
    region.ask("DELETE", f"ports/{region.port['id']}")
    left = region.ask("GET", path)["floatingip"]
    assert [left[name] for name in ("port_id", "router_id", "port_details", "status")] == [None, None, None, "DOWN"]
    region.ask("DELETE", path)
    assert port["id"] not in region.neutron.ports


def test_floating_ip_moves(region: Region) -> None:
    floating, several = region.floating(region.port), region.server(60, 61)
    path = f"floatingips/{floating['id']}"
    change = {"port_id": several["id"], "fixed_ip_address": "10.0.0.61"}
    assert region.ask("PUT", path, floatingip=change)["floatingip"]["fixed_ip_address"] == "10.0.0.61"
    # Even then the address must be said.
    refuses(region, (lambda r: r.ask("PUT", path, floatingip={"description": "d"}), 400, "BadRequest", None))
    region.ask("PUT", path, floatingip={"port_id": None})
    assert (floating["router_id"], floating["fixed_ip_address"]) == (None, None)


def test_router_of_a_floating_ip_is_the_one_at_the_gateway_address(region: Region) -> None:
    other = region.neutron.add_router(PROJECT, region.outside)
    region.neutron.add_interface(other, region.subnet, "10.0.0.2")
    floating = region.floating(region.port)
    assert floating["router_id"] == region.router["id"]
    region.ask("DELETE", f"floatingips/{floating['id']}")
    region.interfaces("remove", subnet_id=region.subnet["id"])
    assert region.floating(region.port)["router_id"] == other["id"]


def test_unused_floating_ips_go_with_their_network(region: Region) -> None:
    region.floating()
    region.change(external_gateway_info=None)
    region.ask("DELETE", f"networks/{region.outside['id']}")
    assert not region.neutron.records["floatingips"]


def test_port_forwardings_come_and_go(region: Region) -> None:
    floating = region.forward(description="ssh")
    path = f"floatingips/{floating['id']}/port_forwardings"
    (shown,) = region.ask("GET", path)["port_forwardings"]
    assert (shown["internal_port_range"], shown["description"]) == ("22:22", "ssh")
    assert floating["router_id"] == region.router["id"]
    region.ask("PUT", f"{path}/{shown['id']}", port_forwarding={"external_port": 2200})
    (told,) = region.ask("GET", f"floatingips/{floating['id']}")["floatingip"]["port_forwardings"]
    assert (told["id"], told["external_port"]) == (shown["id"], 2200)
    region.ask("DELETE", f"ports/{region.port['id']}")
    assert region.ask("GET", path)["port_forwardings"] == []
    assert (floating["router_id"], floating["status"]) == (None, "DOWN")
