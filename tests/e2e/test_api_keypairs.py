"""Key pairs of every type at old and new microversions, in every pod the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .lab import Lab
from .likeness import LATEST, alike, both, microversion, shape
from .people import CENTRAL, Person

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHK4kg9pGzs0xJv4yBV9m3kEwE1YyYkUwzFzKc6jN0aB test"
VERSIONS = ["2.1", "2.37", "2.69", "2.90", LATEST]
AT_EACH = pytest.mark.parametrize("version", VERSIONS)


@contextmanager
def keypair(person: Person, version: str, region: str = CENTRAL, **request: Any) -> Iterator[Any]:
    """The answer with which a key pair was made; it is gone afterwards."""
    how = {"region": region, **microversion(version)}
    answer = person.ask("compute", "/os-keypairs", "POST", json={"keypair": request}, **how)
    try:
        assert answer.status_code in (200, 201), answer.text
        yield answer
    finally:
        gone = person.ask("compute", f"/os-keypairs/{request['name']}", "DELETE", **how)
        assert gone.status_code in (202, 204), gone.text


@AT_EACH
@pytest.mark.proves(
    "compute",
    "GET /os-keypairs",
    "POST /os-keypairs",
    "GET /os-keypairs/{keypair_name}",
    "DELETE /os-keypairs/{keypair_name}",
)
def test_a_key_of_ones_own(tenant: Person, lab: Lab, prefix: str, version: str) -> None:
    typed = {} if version == "2.1" else {"type": "ssh"}
    name = f"{prefix}-own"
    with keypair(tenant, version, name=name, public_key=PUBLIC_KEY, **typed) as made:
        for region in lab.regions:
            alike(*both(tenant, region, "compute", "/os-keypairs", **microversion(version)))
            shown = alike(
                *both(tenant, region, "compute", f"/os-keypairs/{name}", **microversion(version)), "id", "created_at"
            )
            assert shown["keypair"]["fingerprint"] == made.json()["keypair"]["fingerprint"]
    # What a pod itself says to the same request, when nobody has it any more.
    with keypair(tenant, version, region=lab.regions[-1], name=name, public_key=PUBLIC_KEY, **typed) as native:
        alike(made, native)


@pytest.mark.parametrize("version", VERSIONS[:-1])
@pytest.mark.proves("compute", "POST /os-keypairs")
def test_a_key_that_nova_makes(tenant: Person, lab: Lab, prefix: str, version: str) -> None:
    name = f"{prefix}-generated"
    with keypair(tenant, version, name=name) as made:
        ours = made.json()["keypair"]
        assert "PRIVATE KEY" in ours["private_key"]
        for region in lab.regions:
            held = tenant.pod(region).compute.get_keypair(name)
            assert (held.fingerprint, held.public_key) == (ours["fingerprint"], ours["public_key"])
    with keypair(tenant, version, region=lab.regions[-1], name=name) as native:
        assert made.status_code == native.status_code
        assert shape(made.json()) == shape(native.json())


@pytest.mark.parametrize("version", ["2.37", "2.90"])
@pytest.mark.proves("compute", "POST /os-keypairs")
def test_a_certificate(tenant: Person, lab: Lab, prefix: str, version: str) -> None:
    name = f"{prefix}-x509"
    with keypair(tenant, version, name=name, type="x509") as made:
        ours = made.json()["keypair"]
        assert "CERTIFICATE" in ours["public_key"]
        for region in lab.regions:
            held = tenant.pod(region).compute.get_keypair(name)
            assert (held.type, held.fingerprint, held.public_key) == ("x509", ours["fingerprint"], ours["public_key"])
    # The certificate as one's own.
    with keypair(tenant, version, name=name, type="x509", public_key=ours["public_key"]) as again:
        assert again.json()["keypair"]["fingerprint"] == ours["fingerprint"]
        assert {tenant.pod(region).compute.get_keypair(name).type for region in lab.regions} == {"x509"}


def test_a_key_pair_of_somebody_else(tenant: Person, admin: Person, lab: Lab, prefix: str) -> None:
    user = tenant.central.current_user_id
    name = f"{prefix}-given"
    with keypair(admin, "2.37", name=name, public_key=PUBLIC_KEY, user_id=user, type="ssh"):
        try:
            for region in lab.regions:
                assert tenant.pod(region).compute.get_keypair(name).user_id == user
            alike(*both(admin, lab.regions[0], "compute", f"/os-keypairs?user_id={user}", **microversion("2.37")))
            alike(*both(tenant, lab.regions[0], "compute", "/os-keypairs?user_id=other", **microversion("2.37")))
        finally:
            gone = admin.ask("compute", f"/os-keypairs/{name}?user_id={user}", "DELETE", **microversion("2.37"))
            assert gone.status_code == 204
            for region in lab.regions:
                assert not list(tenant.pod(region).compute.keypairs())
            # What the fixture removes in the name of who made it.
            admin.ask("compute", "/os-keypairs", "POST", json={"keypair": {"name": name, "public_key": PUBLIC_KEY}})


WRONG: list[dict[str, Any]] = [
    {"name": "refused", "public_key": "no key"},
    {"name": "refused", "public_key": PUBLIC_KEY, "type": "gpg"},
    {"name": "refused", "public_key": PUBLIC_KEY, "type": "x509"},
    {"name": "", "public_key": PUBLIC_KEY},
    {"name": "a/b", "public_key": PUBLIC_KEY},
    {"name": "x" * 256, "public_key": PUBLIC_KEY},
    {"name": "refused", "public_key": PUBLIC_KEY, "user_id": "somebody"},
    {"public_key": PUBLIC_KEY},
    {},
]


@AT_EACH
def test_a_key_pair_that_cannot_be(tenant: Person, lab: Lab, version: str) -> None:
    for request in WRONG:
        body = {"keypair": request}
        ours, native = both(
            tenant, lab.regions[0], "compute", "/os-keypairs", "POST", json=body, **microversion(version)
        )
        assert native.status_code in (400, 403), native.text
        alike(ours, native)
    for region in lab.regions:
        assert not list(tenant.pod(region).compute.keypairs())


def test_key_pairs_page(tenant: Person, lab: Lab, prefix: str) -> None:
    names = [f"{prefix}-{letter}" for letter in "abc"]
    requests = [{"name": name, "public_key": PUBLIC_KEY} for name in names]
    with (
        keypair(tenant, "2.37", **requests[2]),
        keypair(tenant, "2.37", **requests[0]),
        keypair(tenant, "2.37", **requests[1]),
    ):
        told: list[str] = []
        for _ in range(4):
            marker = f"&marker={told[-1]}" if told else ""
            query = f"/os-keypairs?limit=1{marker}"
            ours, native = both(tenant, lab.regions[0], "compute", query, **microversion("2.37"))
            alike(ours, native)
            told += [each["keypair"]["name"] for each in ours.json()["keypairs"]]
        assert told == names
