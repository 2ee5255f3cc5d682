"""A region joins while a network is in use: its servers get onto it, too."""

from e2e import networks, packets, sites, things, twins
from e2e.lab import Lab
from e2e.people import Person
from e2e.quartet import Quartet

from .third import JOINS, ZONE, copies


def test_a_third_region_joins(
    tenant: Person, admin: Person, boot: dict[str, str], quartet: Quartet, prefix: str, third: Lab
) -> None:
    assert third.zones[ZONE] == JOINS
    q = quartet
    # Nova finds its neighbours in the catalog of the caller's token, which is as old as the token.
    tenant.central.session.invalidate()
    copies(tenant, admin, third, boot)
    with things.server(
        tenant,
        name=f"{prefix}-third",
        availability_zone=ZONE,
        networks=[{"uuid": q.network.id}],
        security_groups=[{"name": q.open.name}],
        **boot,
    ) as server:
        port = networks.port_of(tenant, server)
        packets.has_addresses(server, {each["ip_address"] for each in port.fixed_ips})
        for version in (4, 6):
            for other in q.all:
                packets.reaches(server, q.address(other, version))
                packets.reaches(other, networks.address(port, version))
    packets.wait_until("no twin", lambda: not twins.where(admin, [JOINS], "network", q.network))


def test_a_router_joins_networks_in_three_regions(
    tenant: Person, admin: Person, boot: dict[str, str], prefix: str, third: Lab
) -> None:
    tenant.central.session.invalidate()
    copies(tenant, admin, third, boot)
    with sites.joined(tenant, boot, f"{prefix}-three", "az1", "az2", ZONE) as (router, places):
        sites.all_reach_all(places, 4, 6)
        assert twins.where(admin, third.regions, "router", router) == third.regions
    packets.wait_until("no twin", lambda: not twins.where(admin, third.regions, "router", router))
