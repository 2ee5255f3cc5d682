"""Servers that are booted with plain HTTP, at old and new microversions: every form in which networks are named."""

from collections.abc import Iterator
from typing import Any

import pytest

from . import networks, things
from .lab import Lab
from .likeness import LATEST, alike, both, microversion
from .people import Person

VERSIONS = ["2.1", "2.37", "2.69", "2.90", LATEST]
AT_EACH = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def network(tenant: Person, prefix: str) -> Iterator[Any]:
    """The only network of the project."""
    with networks.network(tenant, f"{prefix}-boots", networks.v4()) as network:
        yield network


# The forms in which networks are named, and how many ports come of each; from 2.37 on networks must be named. Booting
# is what takes long, so not every form is tried with every microversion.
PORTS = {"unsaid": 1, "uuid": 1, "port": 1, "address": 1, "none": 0, "auto": 1}
FORMS = {
    "2.1": ["unsaid", "uuid", "port", "address"],
    "2.37": ["none", "auto", "uuid"],
    "2.69": ["port"],
    "2.90": ["address"],
    LATEST: ["auto", "none"],
}


@AT_EACH
@pytest.mark.proves("compute", "POST /servers", "GET /servers/{server_id}", "DELETE /servers/{server_id}")
def test_boot_with_every_form_of_networks(
    tenant: Person, lab: Lab, boot: dict[str, str], network: Any, prefix: str, version: str
) -> None:
    wanted = FORMS[version]
    # Every form in one of the zones, in turns that differ from one microversion to the next.
    turn = list(lab.zones) * len(wanted)
    places = dict(zip(wanted, turn[VERSIONS.index(version) % len(lab.zones) :], strict=False))
    made: dict[str, str] = {}
    with (
        networks.port(tenant, network, f"{prefix}-given") as given,
        networks.port(tenant, network, f"{prefix}-freed") as freed,
    ):
        address = networks.address(freed)
        tenant.central.network.delete_port(freed.id)
        named: dict[str, Any] = {
            "uuid": [{"uuid": network.id}],
            "port": [{"port": given.id}],
            "address": [{"uuid": network.id, "fixed_ip": address}],
            "none": "none",
            "auto": "auto",
        }
        try:
            for form, zone in places.items():
                request = {
                    "name": f"{prefix}-{form}",
                    "imageRef": boot["image_id"],
                    "flavorRef": boot["flavor_id"],
                    "availability_zone": zone,
                    **({} if form == "unsaid" else {"networks": named[form]}),
                }
                answer = tenant.ask("compute", "/servers", "POST", json={"server": request}, **microversion(version))
                assert answer.status_code == 202, f"{form}: {answer.text}"
                server = answer.json()["server"]
                made[form] = server["id"]
                assert server.keys() == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
                assert answer.headers["Location"].endswith(f"/servers/{server['id']}")
            for form, identifier in made.items():
                server = things.server_is(tenant, identifier, "ACTIVE")
                assert server.availability_zone == places[form]
                ports = networks.ports_of(tenant, server)
                assert len(ports) == PORTS[form], form
                told = {each["addr"] for each in server.addresses.get(network.name, [])}
                assert told == {networks.address(port) for port in ports}
                if form == "address":
                    assert told == {address}
                if form == "port":
                    assert [port.id for port in ports] == [given.id]
        finally:
            for identifier in made.values():
                tenant.central.compute.delete_server(identifier, ignore_missing=True)
            for identifier in made.values():
                things.remove_server(tenant, identifier)


@AT_EACH
def test_networks_that_cannot_be_named(tenant: Person, lab: Lab, boot: dict[str, str], version: str) -> None:
    request = {"name": "refused", "imageRef": boot["image_id"], "flavorRef": boot["flavor_id"]}
    wrong: list[dict[str, Any]] = [{"networks": "some"}, {"networks": [{"uuid": "no-id"}]}, {"networks": 7}]
    if version == "2.1":
        wrong += [{"networks": "none"}, {"networks": "auto"}]
    else:
        wrong += [{}, {"networks": None}]
    for region in lab.regions:
        for networks_ in wrong:
            body = {"server": {**request, **networks_}}
            ours, native = both(tenant, region, "compute", "/servers", "POST", json=body, **microversion(version))
            assert native.status_code == 400
            alike(ours, native)
