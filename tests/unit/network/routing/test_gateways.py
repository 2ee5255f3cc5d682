"""Gateway addresses of networks, with central Neutron as a list of ports."""

from types import SimpleNamespace

import pytest

from triune.db.engine import Database
from triune.network.gateways import Attachment, Home, Homes
from triune.network.names import BRIDGE_NAME, EXIT_NAME, GATEWAY_DEVICE
from triune.network.routing.gateways import Gateways, attachments, is_between
from triune.network.routing.model import Address, Interface, Router, Span

VLAN = {"id": "n", "name": "blue", "project_id": "anna", "provider:network_type": "vlan"}
EXIT = {**VLAN, "name": f"{EXIT_NAME}anna", "project_id": "triune"}
SUBNET = {"id": "s", "network_id": "n", "ip_version": 4, "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1"}


class Central:
    def __init__(self, *owners: str) -> None:
        self.owners = owners

    async def list(self, path, filters, fields):
        assert (path, ("fixed_ips", "ip_address=10.0.0.1") in filters) == ("ports", True)
        return [{"device_owner": each} for each in self.owners]


class Reserve:
    """Has one address of each subnet."""

    async def hold(self, network, wanted, ports, device):
        return dict.fromkeys(wanted, ("10.0.0.9", "10.0.0.91"))


def gateways(database: Database, *owners: str, routers=(), held=None) -> Gateways:
    async def answer(value):
        return value

    read = SimpleNamespace(
        homes=Homes(database),
        on_networks=lambda network_ids: answer(list(routers)),
        held_gateways=lambda network_ids, pod_id: answer(held or {}),
    )
    return Gateways(Central(*owners), read, Reserve(), lambda: answer("triune"))


@pytest.mark.parametrize(
    ("network", "between"),
    [
        (EXIT, True),
        ({**EXIT, "name": f"{BRIDGE_NAME}anna"}, True),
        ({**EXIT, "project_id": "anna"}, False),
        ({**EXIT, "name": "mine"}, False),
    ],
)
def test_networks_on_which_pod_routers_meet(network, between):
    assert is_between(network, "triune") == between


async def test_the_first_pod_is_the_home(database: Database):
    known = gateways(database)
    assert await known.around(VLAN, "p0", []) == (Home("p0"), [])
    assert await known.around(VLAN, "p1", []) == (Home("p0"), [])
    assert await known.of([VLAN], [SUBNET], "p0") == {"s": "10.0.0.1"}
    assert await gateways(database, held={"s": "10.0.0.9"}).of([VLAN], [SUBNET], "p1") == {"s": "10.0.0.9"}


@pytest.mark.parametrize("network", [EXIT, {**VLAN, "provider:network_type": "geneve"}])
async def test_networks_without_a_home(database: Database, network):
    """The exit's gateway is one in all pods, whoever comes there first."""
    known = gateways(database, held={"s": "10.0.0.9"})
    assert [await known.around(network, pod, []) for pod in ("p0", "p1")] == [(None, []), (None, [])]
    assert await known.of([network], [SUBNET], "p1") == {}


async def test_a_pod_without_home_keeps_its_address(database: Database):
    assert await gateways(database, held={"s": "10.0.0.9"}).of([VLAN], [SUBNET], "p1") == {"s": "10.0.0.9"}


@pytest.mark.parametrize(
    ("owners", "held"),
    [
        ((), {"s": "10.0.0.9"}),
        (("network:router_interface",), {"s": "10.0.0.9"}),
        (("compute:nova",), {}),
        (("",), {}),
        (("network:router_interface", "compute:nova"), {}),
    ],
)
async def test_an_address_is_held_where_no_server_is_the_router(database: Database, owners, held):
    assert await gateways(database, *owners).hold(VLAN, [SUBNET], [], f"{GATEWAY_DEVICE}p1") == held


async def test_an_address_that_is_held_stays(database: Database):
    device = f"{GATEWAY_DEVICE}p1"
    holder = {"device_id": device, "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.9"}]}
    known = gateways(database, "compute:nova")
    assert await known.hold(VLAN, [SUBNET], iter([holder]), device) == {"s": "10.0.0.9"}


def test_where_routers_are_on_subnets():
    both = Interface("i", "n", (Address("s", "10.0.0.1"), Address("t", "fd00::1")))
    span = Span(frozenset({"p1"}), "p1")
    assert attachments([Router({"id": "r"}, span, (both,)), Router({"id": "q"}, span)]) == [
        Attachment("r", "i", "s", "10.0.0.1", "p1"), Attachment("r", "i", "t", "fd00::1", "p1"),
    ]  # fmt: skip
