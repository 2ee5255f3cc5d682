"""A pod compared with the plan."""

from triune.network import drift
from triune.network.drift import Held, Wanted
from triune.network.names import NETWORK, TAG, tag
from triune.network.plan import Ref, Twin
from triune.network.realize import Limits
from triune.network.resources import SUBNET
from triune.work.requests import Key

NET = Twin(NETWORK, "net", "p", {"name": "n"})
SUB = Twin(SUBNET, "sub", "p", {"name": "s", "network_id": Ref(NETWORK, "net")})
WANTED = Wanted((NET, SUB), networks={"sub": "net"})


def record(twin, id_, **attributes):
    return {"id": id_, "project_id": "p", "name": twin.body["name"], "tags": [TAG, tag(twin.top_id)], **attributes}


def compare(networks, subnets):
    return drift.compare("pod", WANTED, Held({NETWORK: networks, SUBNET: subnets}), frozenset(), Limits())


def test_what_is_as_wanted_is_not_told():
    assert compare([record(NET, "1")], [record(SUB, "2", network_id="1")]) == {}


def test_a_network_that_is_there_twice_is_told_so_though_its_subnet_differs_too():
    found = compare([record(NET, "0"), record(NET, "1")], [record(SUB, "2", network_id="1")])
    assert found == {Key(NETWORK, "net", "pod"): drift.TWICE}
