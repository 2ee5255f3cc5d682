"""Port forwardings of a floating IP in a pod."""

import pytest

from triune.network.plan import Ref
from triune.network.routing.floating import Forwarding
from triune.network.routing.forwardings import EXTENSION, bring_forwardings

PATH = "floatingips/f/port_forwardings"
PORT = Ref("port", "top")
WHERE = {"internal_port_id": "x", "internal_ip_address": "10.0.0.5"}


class Neutron:
    """A pod with some forwardings, as Neutrons with and without ranges show them."""

    def __init__(self, *shown) -> None:
        self.shown = [{"id": str(number), **WHERE, **each} for number, each in enumerate(shown)]
        self.done: list = []

    async def list(self, path):
        assert path == PATH
        return self.shown

    async def delete(self, path, id_):
        self.done.append(("delete", id_))

    async def create(self, path, body):
        self.done.append({name: value for name, value in body.items() if name not in WHERE})


def wanted(external: str, internal: str, protocol: str = "tcp") -> Forwarding:
    return Forwarding(protocol, external, internal, PORT, "10.0.0.5")


PLAIN = {"protocol": "tcp", "external_port": 80, "internal_port": 8080}
SINGLE = {**PLAIN, "external_port_range": "80:80", "internal_port_range": "8080:8080"}
RANGE = {"protocol": "udp", "external_port_range": "80:90", "internal_port_range": "180:190"}
MANY_TO_ONE = {"protocol": "udp", "external_port_range": "80:90", "internal_port": 80}


@pytest.mark.parametrize(
    ("shown", "due", "done"),
    [
        ([], [], []),
        ([PLAIN], [wanted("80", "8080")], []),
        ([SINGLE], [wanted("80", "8080")], []),
        ([RANGE], [wanted("80:90", "180:190", "udp")], []),
        ([], [wanted("80", "8080")], [PLAIN]),
        ([], [wanted("80:90", "180:190", "udp")], [RANGE]),
        ([], [wanted("80:90", "80", "udp")], [MANY_TO_ONE]),
        # What is surplus goes first: it may have the same port.
        ([PLAIN], [wanted("80", "8081")], [("delete", "0"), {**PLAIN, "internal_port": 8081}]),
        ([PLAIN, RANGE], [wanted("80", "8080")], [("delete", "1")]),
        ([{**PLAIN, "internal_port_id": "y"}], [wanted("80", "8080")], [("delete", "0"), PLAIN]),
    ],
)
async def test_a_floating_ip_has_these_forwardings_and_no_others(shown, due, done):
    neutron = Neutron(*shown)
    await bring_forwardings(neutron, frozenset({EXTENSION}), {"id": "f"}, iter(due), {PORT: "x"})
    assert neutron.done == done


async def test_a_pod_without_forwardings_is_not_asked():
    await bring_forwardings(None, frozenset(), {"id": "f"}, (), {})
