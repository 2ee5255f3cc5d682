"""Which keys a change of routers and floating IPs touches."""

from triune.network.central.routing_keys import by_floating_ips, by_interface, by_loss, by_routers
from triune.work.requests import Key


def keys(*triples: tuple[str, str, str]) -> set[Key]:
    return {Key(*triple) for triple in triples}


def test_a_router_changes() -> None:
    assert by_routers({"r": ["one", "two"], "nowhere": []}) == keys(("router", "r", "one"), ("router", "r", "two"))


def test_a_network_gets_an_interface() -> None:
    assert by_interface({"r": {"one"}, "other": {"two"}}, "net", ["one", "two"]) == keys(
        ("router", "r", "one"), ("router", "other", "two"), ("network", "net", "one"), ("network", "net", "two")
    )


def test_a_project_loses_a_router() -> None:
    assert by_loss("anna") == keys(("bridge", "anna", ""))
    assert by_loss("") == set()


def test_floating_ips_change() -> None:
    assert by_floating_ips({"f": ["one"], "g": []}, ["two"]) == keys(
        ("floating_ip", "f", "one"), ("floating_ip", "f", "two"), ("floating_ip", "g", "two")
    )
    assert by_floating_ips({}, ["two"]) == set()
