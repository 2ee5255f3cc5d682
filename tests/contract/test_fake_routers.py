"""Routers of the fake Neutron are as those of neutron of release 29, and refuse what those refuse in their words."""

from typing import Any

import pytest
from sqlalchemy import select

from triune.db.models import PlacementRow

from .cloud.neutron import Record
from .fake_region import UNKNOWN, Case, Refused, Region, cases, refuses
from .network_world import PROJECT, World, vlan


@pytest.fixture(params=[True, False], ids=["pod", "central"])
def region(request: pytest.FixtureRequest) -> Region:
    return Region(request.param)


def _route(hop: str, number: int = 0) -> Record:
    return {"destination": f"192.168.{number}.0/24", "nexthop": hop}


def _second_router(region: Region) -> Region:
    region.router = region.neutron.add_router(PROJECT)
    return region


def _overlapping(region: Region, cidr: str = "10.0.0.128/25", **fields: Any) -> str:
    network = region.neutron.add_network(PROJECT)
    return str(region.neutron.add_subnet(network, cidr, **fields)["id"])


def _leaves(region: Region, collection: str = "routers") -> Any:
    return region.ask("DELETE", f"{collection}/{region.router['id']}")


GATEWAYS: dict[str, Case] = {
    "not external": (
        lambda r: r.gateway(network_id=r.inside["id"]),
        400, "BadRequest", "Bad router request: Network {inside} is not an external network.",
    ),
    "no network": (
        lambda r: r.gateway(network_id=UNKNOWN), 404, "NetworkNotFound", f"Network {UNKNOWN} could not be found.",
    ),
    "taken address": (
        lambda r: r.gateway(external_fixed_ips=[{"ip_address": r.floating()["floating_ip_address"]}]),
        409, "IpAddressAlreadyAllocated", "IP address 203.0.113.3 already allocated in subnet {public}",
    ),
    "gateway's address": (
        lambda r: r.gateway(external_fixed_ips=[{"ip_address": "203.0.113.1"}]),
        400, "BadRequest", "Bad router request: External IP 203.0.113.1 is the same as the gateway IP.",
    ),
    "used by floating IP": (
        lambda r: (r.floating(r.port), r.change(external_gateway_info=None)),
        409, "RouterExternalGatewayInUseByFloatingIp",
        "Gateway cannot be updated for router {router}, since a gateway to external network {outside} is required by "
        "one or more floating IPs.",
    ),
    "unknown word": (
        lambda r: r.gateway(color="red"),
        400, "HTTPBadRequest", "Invalid input for external_gateway_info. Reason: Unexpected keys supplied: color.",
    ),
    "needed by route": (
        lambda r: (r.change(routes=[_route("203.0.113.99")]), r.change(external_gateway_info={})),
        400, "InvalidRoutes",
        "Invalid format for routes: [{{'destination': '192.168.0.0/24', 'nexthop': '203.0.113.99'}}], the nexthop is "
        "not connected with router",
    ),
    "not to be internal": (
        lambda r: r.ask("PUT", f"networks/{r.outside['id']}", network={"router:external": False}),
        409, "ExternalNetworkInUse",
        "External network {outside} cannot be updated to be made non-external, since it has existing gateway ports.",
    ),
}  # fmt: skip

ROUTES: dict[str, Case] = {
    "in POST": (
        lambda r: r.ask("POST", "routers", router={"routes": []}),
        400, "HTTPBadRequest", "Attribute 'routes' not allowed in POST",
    ),
    "not connected": (
        lambda r: r.change(routes=[_route("172.16.0.1")]),
        400, "InvalidRoutes",
        "Invalid format for routes: [{{'destination': '192.168.0.0/24', 'nexthop': '172.16.0.1'}}], the nexthop is not "
        "connected with router",
    ),
    "to itself": (
        lambda r: r.change(routes=[_route("10.0.0.1")]),
        400, "InvalidRoutes",
        "Invalid format for routes: [{{'destination': '192.168.0.0/24', 'nexthop': '10.0.0.1'}}], the nexthop is used "
        "by router",
    ),
    "too many": (
        lambda r: r.change(routes=[_route("10.0.0.9", number) for number in range(31)]),
        409, "OverQuota", "Quota exceeded for resources: ['router_route'].",
    ),
    "no CIDR": (
        lambda r: r.change(routes=[{"destination": "10.1.0.0", "nexthop": "10.0.0.9"}]),
        400, "HTTPBadRequest", "Invalid input for routes. Reason: '10.1.0.0' is not a valid CIDR.",
    ),
}  # fmt: skip

INTERFACES: dict[str, Case] = {
    "no gateway address": (
        lambda r: r.interfaces("add", subnet_id=_overlapping(r, "10.9.0.0/24", gateway_ip=None)),
        400, "BadRequest", "Bad router request: Subnet for router interface must have a gateway IP.",
    ),
    "nothing said": (
        lambda r: r.interfaces("add", color="red"),
        400, "BadRequest", "Bad router request: Either subnet_id or port_id must be specified.",
    ),
    "both said": (
        lambda r: r.interfaces("add", subnet_id=r.subnet["id"], port_id=r.port["id"]),
        400, "BadRequest", "Bad router request: Cannot specify both subnet-id and port-id.",
    ),
    "port in use": (
        lambda r: r.interfaces("add", port_id=r.server(60, device_id="vm")["id"]),
        409, "PortInUse", None,
    ),
    "address in use": (
        lambda r: _second_router(r).interfaces("add", subnet_id=r.subnet["id"]),
        409, "IpAddressAlreadyAllocated", "IP address 10.0.0.1 already allocated in subnet {subnet}",
    ),
    "port without address": (
        lambda r: r.interfaces("add", port_id=r.server()["id"]),
        400, "BadRequest", "Bad router request: Router port must have at least one fixed IP.",
    ),
    "two IPv4 addresses": (
        lambda r: _second_router(r).interfaces("add", port_id=r.server(60, 61)["id"]),
        400, "BadRequest", "Bad router request: Cannot have multiple IPv4 subnets on router port.",
    ),
    "overlap": (lambda r: r.interfaces("add", subnet_id=_overlapping(r)), 400, "BadRequest", None),
    "overlap outside": (
        lambda r: r.interfaces("add", subnet_id=_overlapping(r, "203.0.113.0/25")), 400, "BadRequest", None,
    ),
    "no subnet": (
        lambda r: r.interfaces("add", subnet_id=UNKNOWN),
        404, "SubnetNotFound", f"Subnet {UNKNOWN} could not be found.",
    ),
    "no port to remove": (
        lambda r: r.interfaces("remove", port_id=r.port["id"]),
        404, "RouterInterfaceNotFound", "Router {router} does not have an interface with id {port}",
    ),
    "no subnet to remove": (
        lambda r: _second_router(r).interfaces("remove", subnet_id=r.subnet["id"]),
        404, "RouterInterfaceNotFoundForSubnet", "Router {router} has no interface on subnet {subnet}",
    ),
    "other subnet": (
        lambda r: r.interfaces("remove", port_id=r.interface["id"], subnet_id=r.public["id"]),
        400, "SubnetMismatchForPort", "Subnet on port {interface} does not match the requested subnet {public}.",
    ),
    "used by floating IP": (
        lambda r: (r.floating(r.port), r.interfaces("remove", subnet_id=r.subnet["id"])),
        409, "RouterInterfaceInUseByFloatingIP",
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more "
        "floating IPs.",
    ),
    "used by port forwarding": (
        lambda r: (
            r.ask("POST", f"floatingips/{r.floating()['id']}/port_forwardings", port_forwarding=r.forwarding()),
            r.interfaces("remove", port_id=r.interface["id"]),
        ),
        409, "RouterInterfaceInUseByFloatingIP", None,
    ),
    "used by route": (
        lambda r: (r.change(routes=[_route("10.0.0.9")]), r.interfaces("remove", subnet_id=r.subnet["id"])),
        409, "RouterInterfaceInUseByRoute",
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more "
        "routes.",
    ),
    "router in use": (_leaves, 409, "RouterInUse", "Router {router} has ports still attached: {interface}"),
    "no router": (
        lambda r: r.ask("GET", f"routers/{UNKNOWN}"), 404, "RouterNotFound", f"Router {UNKNOWN} could not be found",
    ),
    "gateway address of subnet": (
        lambda r: r.ask("PUT", f"subnets/{r.subnet['id']}", subnet={"gateway_ip": "10.0.0.254"}),
        409, "GatewayIpInUse", "Current gateway ip 10.0.0.1 already in use by port {interface}. Unable to update.",
    ),
    "subnet in use": (lambda r: r.ask("DELETE", f"subnets/{r.subnet['id']}"), 409, "SubnetInUse", None),
    "port of its own": (
        lambda r: r.ask("DELETE", f"ports/{r.interface['id']}"),
        409, "ServicePortInUse",
        "Port {interface} cannot be deleted directly via the port API: has device owner network:router_interface.",
    ),
    "port of the gateway": (
        lambda r: r.ask("DELETE", f"ports/{r.gateway_port['id']}"), 409, "ServicePortInUse", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", cases(gateway=GATEWAYS, route=ROUTES, interface=INTERFACES))
def test_refusals(region: Region, case: Case) -> None:
    refuses(region, case)


def test_gateway_comes_and_goes(region: Region) -> None:
    address = {"subnet_id": region.public["id"], "ip_address": "203.0.113.9"}
    shown = region.gateway(external_fixed_ips=[address], enable_snat=False)["external_gateway_info"]
    info = {"network_id": region.outside["id"], "enable_snat": False, "external_fixed_ips": [address]}
    assert shown == info
    port = region.gateway_port
    assert (port["device_owner"], port["fixed_ips"], port["project_id"]) == ("network:router_gateway", [address], "")
    # Who does not say gets the default.
    assert region.gateway()["external_gateway_info"] == {**info, "enable_snat": True}
    assert region.change(external_gateway_info={})["external_gateway_info"] is None
    assert port["id"] not in region.neutron.ports


def test_gateway_that_cannot_be_made(region: Region) -> None:
    """The old one is gone by then; a router that begins with it is none."""
    other = region.neutron.add_external(PROJECT)
    region.neutron.add_subnet(other, "198.51.100.0/31", allocation_pools=[])
    with pytest.raises(Refused, match="IpAddressGenerationFailure"):
        region.gateway(network_id=other["id"])
    assert region.neutron.gateway_of(region.router["id"]) is None
    with pytest.raises(Refused, match="IpAddressGenerationFailure"):
        region.ask("POST", "routers", router={"external_gateway_info": {"network_id": other["id"]}})
    assert [*region.neutron.records["routers"]] == [region.router["id"]]


def test_interfaces_come_and_go(region: Region) -> None:
    removed = region.interfaces("remove", subnet_id=region.subnet["id"])
    assert removed["port_id"] == region.interface["id"] not in region.neutron.ports
    added = region.interfaces("add", port_id=region.port["id"])
    assert (added["subnet_ids"], added["project_id"]) == ([region.subnet["id"]], PROJECT)
    assert region.port["device_owner"] == "network:router_interface"
    # IPv6 subnets of one network share a port.
    first, second = (region.neutron.add_subnet(region.inside, f"fd00:{each}::/64") for each in (1, 2))
    port_id = region.interfaces("add", subnet_id=first["id"])["port_id"]
    assert region.interfaces("add", subnet_id=second["id"])["port_id"] == port_id
    region.interfaces("remove", subnet_id=first["id"])
    assert [each["ip_address"] for each in region.neutron.ports[port_id]["fixed_ips"]] == ["fd00:2::1"]
    assert region.router["revision_number"] == 5


def test_routes_one_by_one(region: Region) -> None:
    routes = [_route("10.0.0.9", number) for number in (1, 2)]
    region.change(routes=routes[:1])
    path = f"routers/{region.router['id']}"
    assert region.ask("PUT", f"{path}/add_extraroutes", router={"routes": routes})["router"]["routes"] == routes
    left = region.ask("PUT", f"{path}/remove_extraroutes", router={"routes": routes[:1]})["router"]["routes"]
    assert left == routes[1:]


def test_routers_go_with_their_gateways(region: Region) -> None:
    region.interfaces("remove", subnet_id=region.subnet["id"])
    port = region.gateway_port
    region.ask("DELETE", f"routers/{region.router['id']}")
    assert port["id"] not in region.neutron.ports


def test_routers_are_found_by_tags(region: Region) -> None:
    other = region.neutron.add_router(PROJECT)
    region.ask("PUT", f"routers/{other['id']}/tags", tags=["triune", "triune:x"])
    for query, found in (("tags=triune,triune:x", [other]), ("not-tags=triune", [region.router])):
        assert [each["id"] for each in region.ask("GET", f"routers?{query}")["routers"]] == [found[0]["id"]]
    page = region.ask("GET", f"routers?limit=1&marker={region.router['id']}")["routers"]
    assert [each["id"] for each in page] == [other["id"]]


def test_networks_are_external_by_policies(region: Region) -> None:
    fields = {"object_type": "network", "object_id": region.inside["id"], "action": "access_as_external"}
    policy = region.ask("POST", "rbac-policies", rbac_policy={**fields, "target_tenant": PROJECT})["rbac_policy"]
    assert region.ask("GET", f"networks/{region.inside['id']}")["network"]["router:external"]
    assert region.ask("GET", f"subnets/{region.subnet['id']}")["subnet"]["router:external"]
    router = region.neutron.add_router(PROJECT, region.inside)
    with pytest.raises(Refused, match="RbacPolicyInUse"):
        region.ask("DELETE", f"rbac-policies/{policy['id']}")
    region.ask("DELETE", f"routers/{router['id']}")
    region.ask("DELETE", f"rbac-policies/{policy['id']}")
    assert not region.inside["router:external"]


async def test_parts_of_routers_are_placed_in_the_table_alone(there: World) -> None:
    network = vlan(there)
    (subnet,) = there.central.subnets.values()
    port = there.central.add_interface(there.central.add_router(PROJECT), subnet)
    await there.place(port, there.pods[0])
    await there._changed("ports", port, port)
    assert await _pods_of(there, network) == [there.pods[0].id]
    await there.remove_port(port)
    assert await _pods_of(there, network) == []


async def _pods_of(there: World, network: Record) -> list[str]:
    async with there.database.transaction() as session:
        rows = await session.scalars(select(PlacementRow.pod_id).where(PlacementRow.network_id == network["id"]))
        return list(rows)
