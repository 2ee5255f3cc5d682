"""Who answers at gateway addresses, and where networks are at home."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from triune.db.engine import Database
from triune.db.models import GatewayRow
from triune.network.gateways import Attachment, Home, Homes, handed_out, is_own, spans_pods

PODS = ("p0", "p1", "p2")
SUBNET = {"id": "s", "ip_version": 4, "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1"}
IPV6 = {"id": "s", "ip_version": 6, "cidr": "fd00::/64", "gateway_ip": "fd00::1"}
HELD = {"s": "10.0.0.9"}


def on(address: str, local: str | None = None, subnet: str = "s") -> Attachment:
    return Attachment(f"r-{address}", f"i-{address}", subnet, address, local)


@pytest.mark.parametrize(
    ("network", "spans"),
    [
        ({"provider:network_type": "vlan"}, True),
        ({"provider:network_type": "flat"}, True),
        ({"provider:network_type": "geneve"}, False),
        ({"segments": [{"provider:network_type": "vlan"}, {"provider:network_type": "vxlan"}]}, False),
        ({"segments": [{"provider:network_type": "vlan"}, {"provider:network_type": "flat"}]}, True),
        ({}, False),
    ],
)
def test_which_networks_span_pods(network, spans):
    assert spans_pods(network) == spans


# In p1, where the home is p0 unless said otherwise.
@pytest.mark.parametrize(
    ("subnet", "home", "attachments", "own", "address"),
    [
        (SUBNET, Home("p0"), [], True, "10.0.0.9"),
        (SUBNET, Home("p0"), [on("10.0.0.1")], True, "10.0.0.9"),
        (SUBNET, Home("p0"), [on("10.0.0.4")], True, "10.0.0.9"),
        # It cannot span pods, or is nowhere yet.
        (SUBNET, None, [on("10.0.0.1")], False, "10.0.0.1"),
        ({**SUBNET, "gateway_ip": None}, Home("p0"), [on("10.0.0.4")], False, None),
        ({**SUBNET, "gateway_ip": None}, Home("p0"), [on("10.0.0.4", "p1")], False, None),
        (IPV6, Home("p0"), [on("fd00::1")], False, "fd00::1"),
        # A device of the operator's may answer there, unless a router does.
        (SUBNET, Home("p0", outside=True), [], False, "10.0.0.1"),
        (SUBNET, Home("p0", outside=True), [on("10.0.0.4")], False, "10.0.0.1"),
        (SUBNET, Home("p0", outside=True), [on("10.0.0.1", subnet="t")], False, "10.0.0.1"),
        (SUBNET, Home("p0", outside=True), [on("10.0.0.1")], True, "10.0.0.9"),
        # Local routers: in another pod with the address, in this pod with it, in this pod with another one.
        (SUBNET, Home("p0"), [on("10.0.0.1", "p0")], False, "10.0.0.1"),
        (SUBNET, Home("p0"), [on("10.0.0.1", "p1")], False, "10.0.0.1"),
        (SUBNET, Home("p0"), [on("10.0.0.1"), on("10.0.0.4", "p1"), on("10.0.0.5", "p1")], False, "10.0.0.4"),
        (SUBNET, Home("p0"), [on("10.0.0.1", "p2"), on("10.0.0.4", "p1")], False, "10.0.0.4"),
        (SUBNET, Home("p0"), [on("10.0.0.1"), on("10.0.0.4", "p2")], True, "10.0.0.9"),
        (IPV6, Home("p0"), [on("fd00::1"), on("fd00::4", "p1")], False, "fd00::4"),
    ],
)
def test_who_answers_in_a_further_pod(subnet, home, attachments, own, address):
    assert is_own(subnet, "p1", home, attachments) == own
    assert handed_out(subnet, "p1", home, iter(attachments), HELD if subnet is not IPV6 else {}) == address


@pytest.mark.parametrize("home", [Home("p1"), Home(None)])
def test_a_pod_that_has_an_address_keeps_it(home):
    """Its servers have it: it was home to others, who have left."""
    assert not is_own(SUBNET, "p1", home, [])
    assert handed_out(SUBNET, "p1", home, [on("10.0.0.1")], HELD) == "10.0.0.9"
    assert handed_out(SUBNET, "p1", home, [on("10.0.0.1", "p0")], HELD) == "10.0.0.1"
    assert handed_out(SUBNET, "p1", home, [on("10.0.0.1")], {}) == "10.0.0.1"


def test_where_no_address_is_left_the_subnets_own_is_handed_out():
    assert is_own(SUBNET, "p1", Home("p0"), [])
    assert handed_out(SUBNET, "p1", Home("p0"), [], {}) == "10.0.0.1"


@settings(deadline=None)
@given(
    st.sampled_from(PODS),
    st.booleans(),
    st.lists(st.sampled_from([on("10.0.0.1"), on("10.0.0.4"), on("10.0.0.5", "p1"), on("10.0.0.6", "p2")])),
)
def test_one_pod_has_the_subnets_own_address(home, outside, attachments):
    """Where no local router is, and nobody outside, each pod has another address, and one of them the subnet's."""
    at_home, pods = Home(home, outside), set(PODS) - {each.local for each in attachments}
    found = {}
    for pod in pods:
        held = {"s": f"10.0.0.1{pod[1:]}"} if is_own(SUBNET, pod, at_home, attachments) else {}
        found[pod] = handed_out(SUBNET, pod, at_home, attachments, held)
    if outside and on("10.0.0.1") not in attachments:
        assert set(found.values()) <= {"10.0.0.1"}
    else:
        assert len(set(found.values())) == len(pods)
        assert {pod for pod, address in found.items() if address == "10.0.0.1"} == pods & {home}


async def test_two_pods_at_once_have_one_home(database: Database):
    homes = Homes(database)
    found = await asyncio.gather(*(homes.claim("n", pod) for pod in PODS))
    (home,) = set(found)
    assert home.pod_id in PODS
    assert await homes.of(["n", "m"]) == {"n": home}
    assert await homes.claim("n", "busy") == home


async def test_a_home_is_left_by_itself_alone(database: Database):
    homes = Homes(database)
    await homes.claim("n", "p0")
    await homes.leave("n", "p1")
    assert await homes.claim("n", "p1") == Home("p0")
    await homes.leave("n", "p0")
    assert await homes.of(["n"]) == {}
    assert await homes.claim("n", "p1") == Home("p1")


async def test_what_is_outside_is_known_for_as_long_as_the_network_is_there(database: Database):
    async with database.transaction() as session:
        await session.execute(insert(GatewayRow).values(network_id="n", outside=True))
    homes = Homes(database)
    assert await homes.of(["n"]) == {"n": Home(None, True)}
    assert await homes.claim("n", "p0") == Home("p0", True)
    await homes.leave("n", "p0")
    assert await homes.of(["n"]) == {"n": Home(None, True)}


async def test_a_home_that_is_left_meanwhile_is_claimed_again(database: Database, monkeypatch: pytest.MonkeyPatch):
    homes = Homes(database)
    await homes.claim("n", "p0")
    add = homes._add

    async def left(network_id: str) -> None:
        await add(network_id)
        monkeypatch.setattr(homes, "_add", add)
        await homes.leave(network_id, "p0")

    monkeypatch.setattr(homes, "_add", left)
    assert await homes.claim("n", "p1") == Home("p1")


async def test_somebody_else_adds_the_row_first(database: Database, monkeypatch: pytest.MonkeyPatch):
    homes, other = Homes(database), Homes(database)
    of = homes.of

    async def late(network_ids):
        found = await of(network_ids)
        monkeypatch.setattr(homes, "of", of)
        await other.claim("n", "p0")
        return found

    monkeypatch.setattr(homes, "of", late)
    assert await homes.claim("n", "p1") == Home("p0")
    async with database.transaction() as session:
        assert len((await session.scalars(select(GatewayRow))).all()) == 1


async def test_many_homes_are_asked_for_in_portions(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("triune.network.gateways.AT_ONCE", 2)
    homes = Homes(database)
    for number in range(5):
        await homes.claim(f"n{number}", "p0")
    assert (await homes.of(f"n{number}" for number in range(7))).keys() == {f"n{number}" for number in range(5)}
    assert await homes.of(()) == {}
