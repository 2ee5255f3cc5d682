"""Bringing a router of a pod to what is wanted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triune.network import names
from triune.network.names import tag
from triune.network.plan import Ref, Twin
from triune.network.resources import SUBNET
from triune.network.routing.interfaces import Interfaces
from triune.network.routing.plan import Attachment, Gateway, PodRouter, Spot
from triune.network.routing.pod_router import PodRouterRealizer, changes, routes
from triune.network.routing.routes import Route

TWIN = Twin(names.ROUTER, "r", "p", {})
# In the pod, everything is called as at the top, with a star.
IDS = {Ref(kind, each): f"{each}*" for kind in (names.NETWORK, SUBNET, names.PORT) for each in "abcxyl"}
INTERFACE = "network:router_interface"
# The name of a port that is being made one.
NEW = f"new {tag('r*')}"


def attachment(network: str, *spots: tuple[str, str], port: str | None = None) -> Attachment:
    return Attachment(
        Ref(names.NETWORK, network),
        tuple(Spot(Ref(SUBNET, subnet), address) for subnet, address in spots),
        Ref(names.PORT, port) if port else None,
    )


def port(id_: str, *pairs: tuple[str, str], owner: str = INTERFACE, **fields: str) -> dict:
    fixed_ips = [{"subnet_id": subnet, "ip_address": address} for subnet, address in pairs]
    return {"id": id_, "device_owner": owner, "device_id": "r*", "fixed_ips": fixed_ips, **fields}


def info(network: str = "x*", address: str = "203.0.113.9", **more) -> dict:
    fixed_ips = [{"subnet_id": "y*", "ip_address": address}]
    return {"network_id": network, "external_fixed_ips": fixed_ips, "enable_snat": True, **more}


A, B = attachment("a", ("a", "10.1.0.1")), attachment("b", ("b", "10.2.0.1"))
LINK = attachment("l", ("l", "100.64.0.1"), ("c", "fd74::1"), port="l")
GATEWAY = Gateway(Ref(names.NETWORK, "x"), (Spot(Ref(SUBNET, "y"), "203.0.113.9"),))
ROUTE, OTHER = Route("10.9.0.0/16", "10.1.0.200"), Route("10.8.0.0/16", "10.1.0.200")
SHOWN = {"destination": "10.9.0.0/16", "nexthop": "10.1.0.200"}


@pytest.mark.parametrize(
    ("wanted", "router", "ports", "done"),
    [
        (PodRouter(TWIN), {}, [], []),
        (
            PodRouter(TWIN, (A, LINK), GATEWAY, frozenset({ROUTE})),
            {},
            [],
            ["gateway", (("a*", "10.1.0.1"),), (("c*", "fd74::1"), ("l*", "100.64.0.1")), "routes"],
        ),
        # As it is, in whatever spelling.
        (
            PodRouter(TWIN, (A, LINK), GATEWAY, frozenset({ROUTE})),
            {"external_gateway_info": info(), "routes": [{**SHOWN, "destination": "10.9.1.0/16"}]},
            [port("1", ("a*", "10.1.0.1")), port("2", ("c*", "fd74:0::1"), ("l*", "100.64.0.1"))],
            [],
        ),
        # Another address in the same subnet.
        (PodRouter(TWIN, (A,)), {}, [port("1", ("a*", "10.1.0.9"))], ["-1", (("a*", "10.1.0.1"),)]),
        # What says that it has not become an interface yet.
        (PodRouter(TWIN, (A,)), {}, [port("1", ("a*", "10.1.0.1"), name=NEW)], ["-1", (("a*", "10.1.0.1"),)]),
        # One of two addresses of a port.
        (PodRouter(TWIN, (A,)), {}, [port("1", ("a*", "10.1.0.1"), ("b*", "10.2.0.1"))], ["-b*"]),
        (PodRouter(TWIN), {}, [port("1", ("a*", "10.1.0.1"), ("b*", "10.2.0.1"))], ["-1"]),
        (PodRouter(TWIN), {"external_gateway_info": info()}, [], ["no gateway"]),
        (PodRouter(TWIN), {"external_gateway_info": None, "routes": None}, [], []),
        (PodRouter(TWIN, gateway=GATEWAY), {"external_gateway_info": info("z*")}, [], ["gateway"]),
        (PodRouter(TWIN, gateway=GATEWAY), {"external_gateway_info": info(address="203.0.113.8")}, [], ["gateway"]),
        (PodRouter(TWIN, gateway=GATEWAY), {"external_gateway_info": info(enable_snat=False)}, [], ["gateway"]),
    ],
)
def test_what_is_to_be_done(wanted, router, ports, done):
    due = changes(wanted, IDS, router, ports)
    found = [f"-{each}" for each in (*(each["id"] for each in due.new), *due.ports, *due.subnets)]
    if due.gateway is not None:
        found.append("gateway" if due.gateway else "no gateway")
        assert due.gateway in ({}, info())
    found += [some for _, some in due.missing]
    found += ["routes"] if due.kept != due.routes else []
    assert found == done
    assert due.parts == bool([each for each in done if each != "routes"])


@pytest.mark.parametrize(
    ("ports", "kept"),
    [
        ([port("1", ("a*", "10.1.0.1"))], {ROUTE}),
        # One may be by the interface that goes, and would keep it.
        ([port("1", ("a*", "10.1.0.1")), port("2", ("b*", "10.2.0.1"))], set()),
    ],
)
def test_routes_that_stay_meanwhile(ports, kept):
    router = {"routes": [SHOWN, {"destination": "10.7.0.0/16", "nexthop": "10.1.0.200"}]}
    due = changes(PodRouter(TWIN, (A,), None, frozenset({ROUTE, OTHER})), IDS, router, ports)
    assert (due.kept, due.routes) == (kept, {ROUTE, OTHER})


def test_routes_have_one_spelling():
    shown = [{"destination": "FD00:0:0::1/48", "nexthop": "fd00:1:0::C8"}]
    assert routes({"routes": shown}) == {Route("fd00::/48", "fd00:1::c8")}


class Neutron:
    """A pod that knows one router and does what it is told."""

    def __init__(self, gateways: dict | None = None, ports=(), **router) -> None:
        self.subnets = {f"{each}*": {"gateway_ip": None} for each in "abcl"} | (gateways or {})
        self.ports = {each["id"]: each for each in ports}
        self.router = {"id": "r*", "project_id": "p", **router}
        self.done: list = []

    async def list(self, path, filters):
        assert path == "ports"
        return [each for each in self.ports.values() if all(each.get(name) == value for name, value in filters)]

    async def show(self, path, id_):
        return self.subnets.get(id_)

    async def update(self, path, id_, changes):
        self.done.append(changes)
        changed = self.ports[id_] if path == "ports" else self.router
        changed |= changes
        return changed

    async def create(self, path, body):
        made = {"id": f"new{len(self.ports)}", **body}
        self.ports[made["id"]] = made
        self.done.append(body)
        return made

    async def delete(self, path, id_):
        del self.ports[id_]

    async def act(self, path, body):
        self.done.append((path.rsplit("/", 1)[1].partition("_")[0], body))
        if path.endswith("remove_router_interface"):
            for id_, each in list(self.ports.items()):
                each["fixed_ips"] = [
                    fixed
                    for fixed in each["fixed_ips"]
                    if body.get("port_id") != id_ and body.get("subnet_id") != fixed["subnet_id"]
                ]
                if not each["fixed_ips"]:
                    del self.ports[id_]
        elif "port_id" in body:
            self.ports.setdefault(body["port_id"], port(body["port_id"], ("c*", "fd74::1"), ("l*", "100.64.0.1")))
            self.ports[body["port_id"]] |= {"device_id": "r*", "device_owner": INTERFACE}
        else:
            address = self.subnets[body["subnet_id"]]["gateway_ip"]
            self.ports["by subnet"] = port("by subnet", (body["subnet_id"], address))


async def test_a_router_is_brought_to_what_is_wanted_in_order():
    neutron = Neutron(
        {"a*": {"gateway_ip": "10.1.0.1"}},
        [port("1", ("b*", "10.2.0.9"))],
        routes=[{"destination": "10.7.0.0/16", "nexthop": "10.2.0.200"}],
    )
    wanted = PodRouter(TWIN, (A, B, LINK), GATEWAY, frozenset({ROUTE}))
    await PodRouterRealizer(neutron).bring(wanted, IDS, neutron.router)
    new = {
        "network_id": "b*", "name": NEW, "project_id": "p", "security_groups": [],
        "device_id": "r*", "device_owner": INTERFACE,
        "fixed_ips": [{"subnet_id": "b*", "ip_address": "10.2.0.1"}],
    }  # fmt: skip
    assert neutron.done == [
        {"routes": []},
        ("remove", {"port_id": "1"}),
        {"external_gateway_info": info()},
        ("add", {"subnet_id": "a*"}),
        new,
        {"device_id": "", "device_owner": "", "name": tag("r*")},
        ("add", {"port_id": "new1"}),
        ("add", {"port_id": "l*"}),
        {"routes": [SHOWN]},
    ]
    neutron.done.clear()
    await PodRouterRealizer(neutron).bring(wanted, IDS, neutron.router)
    assert neutron.done == []


async def test_a_port_that_has_not_become_an_interface_is_made_anew():
    neutron = Neutron(ports=[port("1", ("b*", "10.2.0.1"), name=NEW)])
    await PodRouterRealizer(neutron).bring(PodRouter(TWIN, (B,)), IDS, neutron.router)
    (made,) = neutron.ports.values()
    assert made["name"] == tag("r*") and made["device_id"] == "r*"
    neutron = Neutron(ports=[port("1", ("b*", "10.2.0.1"), name=NEW)])
    await PodRouterRealizer(neutron).clear(neutron.router)
    assert neutron.ports == {}


async def test_one_port_has_all_addresses_of_ipv6_on_a_network():
    neutron = Neutron()
    few = attachment("b", ("b", "fd00:b::9"), ("c", "fd00:c::9"))
    await PodRouterRealizer(neutron).bring(PodRouter(TWIN, (few,)), IDS, neutron.router)
    more = attachment("b", ("a", "fd00:a::9"), ("b", "fd00:b::9"), ("c", "fd00:c::9"), ("l", "10.2.0.9"))
    await PodRouterRealizer(neutron).bring(PodRouter(TWIN, (more,)), IDS, neutron.router)
    found = [sorted(fixed["ip_address"] for fixed in each["fixed_ips"]) for each in neutron.ports.values()]
    assert sorted(found) == [["10.2.0.9"], ["fd00:a::9", "fd00:b::9", "fd00:c::9"]]


async def test_a_port_that_was_left_is_taken_or_removed():
    """Whoever made it did not come to attach it."""
    left = [
        {**port("wrong", ("b*", "10.2.0.7"), owner=""), "device_id": "", "name": tag("r*"), "network_id": "b*"},
        {**port("right", ("b*", "10.2.0.1"), owner=""), "device_id": "", "name": tag("r*"), "network_id": "b*"},
    ]
    neutron = Neutron(ports=left)
    await PodRouterRealizer(neutron).bring(PodRouter(TWIN, (B,)), IDS, neutron.router)
    assert neutron.done == [("add", {"port_id": "right"})]
    assert neutron.ports.keys() == {"right"}


@settings(deadline=None)
@given(
    st.frozensets(st.sampled_from([A, B, LINK, attachment("a", ("a", "10.1.0.9"))])),
    st.none() | st.just(GATEWAY),
    st.frozensets(st.sampled_from([ROUTE, OTHER])),
    st.sampled_from([(), (("a*", "10.1.0.1"),), (("a*", "10.1.0.1"), ("b*", "10.2.0.2")), (("b*", "10.2.0.2"),)]),
    st.sampled_from([None, info(), info("z*")]),
)
async def test_whatever_there_was_it_is_as_wanted_in_the_end(attachments, gateway, wanted_routes, pairs, found):
    ports = [port("1", *pairs)] if pairs else []
    neutron = Neutron(ports=ports, external_gateway_info=found, routes=[SHOWN])
    wanted = PodRouter(TWIN, tuple(attachments), gateway, wanted_routes)
    realizer = PodRouterRealizer(neutron)
    await realizer.bring(wanted, IDS, neutron.router)
    due = changes(wanted, IDS, neutron.router, await Interfaces(neutron, neutron.router).ports())
    assert not due.parts
    assert routes(neutron.router) == due.kept == wanted_routes
    await realizer.clear(neutron.router)
    assert not neutron.ports and not neutron.router["routes"] and not neutron.router["external_gateway_info"]
