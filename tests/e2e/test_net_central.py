"""The network API of the central region itself: whatever Neutron has works there, also what no pod follows yet."""

from collections.abc import Iterator
from typing import Any

import pytest

from . import networks
from .people import CommandFailed, Person


@pytest.fixture(scope="module")
def outside(admin: Person, prefix: str) -> Iterator[Any]:
    """An external network."""
    neutron = admin.central.network
    made = neutron.create_network(name=f"{prefix}-outside", is_router_external=True)
    try:
        neutron.create_subnet(network_id=made.id, ip_version=4, cidr="198.18.44.0/24", enable_dhcp=False)
        yield made
    finally:
        neutron.delete_network(made.id)


def test_routers_and_floating_ips(tenant: Person, outside: Any, prefix: str) -> None:
    name, neutron = f"{prefix}-router", tenant.central.network
    with (
        networks.network(tenant, f"{prefix}-behind", networks.v4()) as net,
        networks.port(tenant, net, f"{prefix}-port") as port,
    ):
        (subnet,) = net.subnet_ids
        host = networks.address(port).rpartition(".")[0] + ".200"
        tenant.script(
            f"router create {name}",
            f"router set --external-gateway {outside.id} {name}",
            f"router add subnet {name} {subnet}",
            f"router add route --route destination=192.0.2.0/24,gateway={host} {name}",
            f"floating ip create --port {port.id} --description {name} {outside.id}",
        )
        (floating,) = neutron.ips(port_id=port.id)
        router = tenant.cli("router show", name)
        assert router["external_gateway_info"]["network_id"] == outside.id
        assert [each["subnet_id"] for each in router["interfaces_info"]] == [subnet]
        assert [each["destination"] for each in router["routes"]] == ["192.0.2.0/24"]
        assert (floating.fixed_ip_address, floating.router_id) == (networks.address(port), router["id"])
        tenant.script(
            f"floating ip unset --port {floating.id}",
            f"floating ip show {floating.id}",
            f"floating ip delete {floating.id}",
            f"router remove route --route destination=192.0.2.0/24,gateway={host} {name}",
            f"router unset --external-gateway {name}",
            f"router remove subnet {name} {subnet}",
            f"router delete {name}",
        )
        assert not list(neutron.routers())
        assert not list(neutron.ips())


def test_the_usual_commands(tenant: Person, prefix: str) -> None:
    name = f"{prefix}-usual"
    tenant.script(
        f"network create --description usual {name}",
        f"subnet create --network {name} --subnet-range {networks.v4()['cidr']} {name}",
        f"port create --network {name} {name}",
        f"security group create {name}",
        f"security group rule create --protocol tcp --dst-port 22 {name}",
    )
    assert [row["Name"] for row in tenant.cli("port list --network", name)] == [name]
    assert tenant.cli("security group rule list --protocol tcp", name)[0]["Port Range"] == "22:22"
    printed = tenant.script(
        f"network show {name} -f json",
        f"port delete {name}",
        f"security group delete {name}",
        "quota show --network",
        "extension list --network",
        f"network delete {name}",
    )
    assert '"status": "ACTIVE"' in printed


def test_what_pods_need_for_themselves_is_not_for_tenants(tenant: Person, quartet: Any) -> None:
    held = tenant.central.network.ports(network_id=quartet.network.id, device_owner="network:dhcp")
    for port in held:
        with pytest.raises(CommandFailed):
            tenant.run("port delete", port.id)
        assert tenant.central.network.get_port(port.id).fixed_ips == port.fixed_ips


def test_where_a_port_is_placed_is_not_for_tenants_to_say(tenant: Person, quartet: Any, prefix: str) -> None:
    body = {"port": {"network_id": quartet.network.id, "binding:profile": {"triune": {"pod": "elsewhere"}}}}
    assert tenant.ask("network", "/v2.0/ports", "POST", json=body).status_code == 403
    path = f"/v2.0/ports/{quartet.ports[quartet.a1.id].id}"
    change = {"port": {"binding:profile": {}}}
    assert tenant.ask("network", path, "PUT", json=change).status_code == 403
