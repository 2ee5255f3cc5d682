"""Networks in pods, with the pod and central Neutron as lists."""

from types import SimpleNamespace

from triune.network.handlers.networks import Networks
from triune.network.handlers.patience import Patience
from triune.network.names import INTERFACE_DEVICE
from triune.network.routing.model import Address, Interface, Router, Span
from triune.work.requests import Key


async def test_what_is_held_for_an_interface_is_given_back_when_the_pod_has_it_no_more():
    left = [
        {"id": each, "device_id": f"{INTERFACE_DEVICE}pod-{each}", "fixed_ips": [{"ip_address": address}]}
        for each, address in (("used", "10.0.0.8"), ("idle", "10.0.0.9"), ("new", "10.0.0.7"))
    ]
    given_back = []

    async def in_pod(path, filters, fields):
        assert (path, filters) == ("ports", [("network_id", "twin")])
        return [{"id": "1", "fixed_ips": [{"subnet_id": "t", "ip_address": "10.0.0.8"}]}]

    async def on_networks(network_ids):
        interface = Interface("new", "n", (Address("s", "10.0.0.4"),))
        return [Router({"id": "r"}, Span(frozenset()), (interface,))]

    async def give_back(port):
        given_back.append(port["id"])

    shop = SimpleNamespace(
        routing=SimpleNamespace(on_networks=on_networks),
        reserve=SimpleNamespace(give_back=give_back),
        patience=Patience(),
    )
    pod = SimpleNamespace(neutron=SimpleNamespace(list=in_pod))
    again = await Networks(shop)._give_back(pod, Key("network", "n", "pod"), {"id": "twin"}, left)
    assert given_back == ["idle"]
    assert again is not None and "port used" in again.why
