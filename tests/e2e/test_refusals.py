"""What is refused is refused as a pod refuses it: the same status, the same body, and nothing left behind."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openstack.connection import Connection

from .lab import Lab
from .people import CENTRAL, Person

NOWHERE = "11111111-2222-3333-4444-555555555555"
TWENTY_MB = 20 * 1000 * 1000
# A token of this life is refused a good while before the test would have to wait long for it.
LIFE_SECONDS = 6.0
# What differs from one answer to the next, request ids and times, and from one process to the next: the order of a set.
PASSING = re.compile(r"req-[0-9a-f-]{36}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?|is not one of \[.*\]")
# The middleware that the services share forgets to fill in its limit.
LIMIT = re.compile(r"max_request_body_size \((?:\d+|%s)\)")
SERVICES = {"compute": "/servers", "block-storage": "/volumes", "image": "/v2/images"}

Ask = Callable[..., Any]


def same(ours: Any, native: Any) -> None:
    """Assert that two answers say the same in the same form."""
    assert ours.status_code == native.status_code, ours.text
    assert ours.headers["Content-Type"] == native.headers["Content-Type"]
    assert said(ours) == said(native)
    for trace in ("Traceback", 'File "'):
        assert trace not in ours.text


def said(answer: Any) -> Any:
    """What an answer says: JSON by its value, pages by their letters."""
    text = LIMIT.sub("", PASSING.sub("", answer.text))
    return json.loads(text) if "json" in answer.headers["Content-Type"] else text


@pytest.fixture
def both(tenant: Person, lab: Lab) -> Callable[..., tuple[Any, Any]]:
    """Sends the same request to the gateway and to a pod."""

    def ask(*what: Any, person: Person = tenant, **how: Any) -> tuple[Any, Any]:
        return tuple(person.ask(*what, region=region, **how) for region in (CENTRAL, lab.regions[0]))  # type: ignore[return-value]

    return ask


# -- who asks


@pytest.mark.parametrize(("service", "path"), SERVICES.items())
@pytest.mark.parametrize("token", ["unknown", "", None])
def test_an_unknown_token(both: Ask, service: str, path: str, token: str | None) -> None:
    headers = {} if token is None else {"X-Auth-Token": token}
    ours, native = both(service, path, authenticated=False, headers=headers)
    assert ours.status_code == 401
    same(ours, native)
    assert ours.headers["WWW-Authenticate"] == native.headers["WWW-Authenticate"]


def test_an_expired_token(tenant: Person, both: Ask) -> None:
    identity = tenant.central.identity
    expires = datetime.now(UTC) + timedelta(seconds=LIFE_SECONDS)
    credential = identity.create_application_credential(
        tenant.central.current_user_id, name="short", expires_at=expires.strftime("%Y-%m-%dT%H:%M:%S.%f")
    )
    auth = {
        "auth_url": tenant.account["auth_url"],
        "application_credential_id": credential.id,
        "application_credential_secret": credential.secret,
    }
    cloud = Connection(auth_type="v3applicationcredential", auth=auth, region_name=CENTRAL)
    headers = {"X-Auth-Token": cloud.session.get_token()}
    cloud.close()
    try:
        # Seen once, so that the gateway knows it.
        assert tenant.ask("compute", "/servers", authenticated=False, headers=headers).status_code == 200
        time.sleep(max(0.0, (expires - datetime.now(UTC)).total_seconds()) + 1)
        ours, native = both("compute", "/servers", authenticated=False, headers=headers)
        assert ours.status_code == 401
        same(ours, native)
    finally:
        identity.delete_application_credential(tenant.central.current_user_id, credential.id)


@pytest.mark.parametrize("service", ["compute", "block-storage"])
def test_another_projects_id_in_the_path(tenant: Person, stranger: Person, lab: Lab, service: str) -> None:
    path = SERVICES[service]
    answers = []
    for region in (CENTRAL, lab.regions[0]):
        root = tenant.pod(region).session.get_endpoint(service_type=service, region_name=region)
        root = root.removesuffix(f"/{tenant.project_id}")
        answers.append(tenant.central.session.get(f"{root}/{stranger.project_id}{path}", raise_exc=False))
        own = tenant.central.session.get(f"{root}/{tenant.project_id}{path}", raise_exc=False)
        assert own.status_code == 200
    assert answers[0].status_code == 400
    assert own.json().keys() == {path[1:]}
    same(*answers)


# -- what is asked

BODIES = {
    "malformed": b'{"server": {',
    "a list": b"[]",
    "a string": b'"server"',
    "another object": b'{"sever": {}}',
    "empty": b"",
    "not utf-8": b'{"server": {"name": "\xff\xfe"}}',
    "too deep": b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    ("service", "path"), [("compute", "/servers"), ("block-storage", "/volumes"), ("compute", "/os-keypairs")]
)
def test_a_body_that_is_no_request(both: Ask, service: str, path: str, body: bytes) -> None:
    ours, native = both(service, path, "POST", data=body, headers={"Content-Type": "application/json"})
    assert ours.status_code >= 400
    same(ours, native)


@pytest.mark.parametrize(
    ("service", "path", "key"), [("compute", "/servers", "server"), ("block-storage", "/volumes", "volume")]
)
def test_a_body_of_20_mb(both: Ask, service: str, path: str, key: str) -> None:
    body = {key: {"name": "x" * TWENTY_MB}}
    ours, native = both(service, path, "POST", json=body)
    assert ours.status_code == 413
    same(ours, native)


def server(boot: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A request for a server that is fine but for the changes."""
    fine = {
        "name": "refused",
        "imageRef": boot["image_id"],
        "flavorRef": boot["flavor_id"],
        "networks": "none",
        "availability_zone": None,
    }
    return {"server": {name: value for name, value in {**fine, **changes}.items() if value is not None}}


SERVER_FAULTS: dict[str, dict[str, Any]] = {
    "unknown zone": {"availability_zone": "nowhere"},
    "unknown image": {"imageRef": NOWHERE},
    "unknown flavor": {"flavorRef": NOWHERE},
    "unknown key pair": {"key_name": "nobody's"},
    "unknown network": {"networks": [{"uuid": NOWHERE}]},
    "unknown port": {"networks": [{"port": NOWHERE}]},
    "unknown field": {"colour": "blue"},
    "empty name": {"name": ""},
    "unknown volume": {
        "block_device_mapping_v2": [
            {"boot_index": 0, "uuid": NOWHERE, "source_type": "volume", "destination_type": "volume"}
        ]
    },
}


@pytest.mark.parametrize("changes", SERVER_FAULTS.values(), ids=SERVER_FAULTS)
def test_a_server_that_cannot_be(
    tenant: Person, lab: Lab, both: Ask, boot: dict[str, str], changes: dict[str, Any]
) -> None:
    ours, native = both("compute", "/servers", "POST", version="compute 2.90", json=server(boot, **changes))
    assert 400 <= ours.status_code < 500
    same(ours, native)
    for region in lab.regions:
        assert not list(tenant.pod(region).compute.servers(name="refused"))
        assert not list(tenant.pod(region).network.ports(project_id=tenant.project_id))


VOLUME_FAULTS: dict[str, dict[str, Any]] = {
    "unknown zone": {"availability_zone": "nowhere"},
    "unknown type": {"volume_type": "nothing"},
    "unknown snapshot": {"snapshot_id": NOWHERE},
    "unknown source": {"source_volid": NOWHERE},
    "unknown image": {"imageRef": NOWHERE},
    "no size": {"size": None},
    "negative size": {"size": -1},
}


@pytest.mark.parametrize("changes", VOLUME_FAULTS.values(), ids=VOLUME_FAULTS)
def test_a_volume_that_cannot_be(tenant: Person, lab: Lab, both: Ask, changes: dict[str, Any]) -> None:
    body = {"volume": {"name": "refused", "size": 1, **changes}}
    ours, native = both("block-storage", "/volumes", "POST", json=body)
    assert 400 <= ours.status_code < 500
    same(ours, native)
    for region in lab.regions:
        assert not list(tenant.pod(region).block_storage.volumes(name="refused"))


ABSENT = [
    ("compute", "GET", f"/servers/{NOWHERE}"),
    ("compute", "DELETE", f"/servers/{NOWHERE}"),
    ("compute", "GET", "/servers/a-name"),
    ("compute", "GET", f"/servers/{NOWHERE}/metadata"),
    ("compute", "GET", f"/flavors/{NOWHERE}"),
    ("compute", "GET", "/os-keypairs/nobody's"),
    ("compute", "DELETE", "/os-keypairs/nobody's"),
    ("compute", "GET", "/nonsense"),
    ("block-storage", "GET", f"/volumes/{NOWHERE}"),
    ("block-storage", "DELETE", f"/volumes/{NOWHERE}"),
    ("block-storage", "GET", f"/snapshots/{NOWHERE}"),
    ("block-storage", "GET", f"/backups/{NOWHERE}"),
    ("block-storage", "GET", "/nonsense"),
    ("image", "GET", f"/v2/images/{NOWHERE}"),
    ("image", "GET", f"/v2/images/{NOWHERE}/file"),
    ("image", "DELETE", f"/v2/images/{NOWHERE}"),
    ("image", "GET", "/v2/nonsense"),
]


@pytest.mark.parametrize(("service", "method", "path"), ABSENT, ids=[" ".join(each[1:]) for each in ABSENT])
def test_what_is_not_there(both: Ask, service: str, method: str, path: str) -> None:
    ours, native = both(service, path, method)
    assert ours.status_code == 404
    same(ours, native)


@pytest.mark.parametrize(
    ("service", "path", "version"),
    [
        ("compute", "/servers", "compute 2.999"),
        ("compute", "/servers", "compute nonsense"),
        ("compute", "/servers", "compute 1.1"),
        ("block-storage", "/volumes", "volume 3.999"),
        ("block-storage", "/volumes", "volume nonsense"),
    ],
)
def test_a_microversion_that_there_is_not(both: Ask, service: str, path: str, version: str) -> None:
    same(*both(service, path, version=version))


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=many", "sort_key=nonsense", "sort_dir=sideways", "marker=nothing"]
)
@pytest.mark.parametrize("service", ["compute", "block-storage"])
def test_a_list_that_cannot_be(both: Ask, service: str, query: str) -> None:
    same(*both(service, f"{SERVICES[service]}?{query}"))


# -- pods


def test_pods_are_for_administrators(tenant: Person) -> None:
    answer = tenant.ask("tricircle", "/pods")
    assert answer.status_code in (401, 403)
    assert "pods" not in answer.json()


def test_an_unknown_pod(admin: Person) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        answer = admin.ask("tricircle", f"/pods/{NOWHERE}", method, json={"pod": {"dc_name": "x"}})
        assert (answer.status_code, answer.json()["itemNotFound"]["code"]) == (404, 404)


def test_a_duplicate_pod(admin: Person, lab: Lab) -> None:
    before = admin.ask("tricircle", "/pods").json()
    answer = admin.ask("tricircle", "/pods", "POST", json={"pod": {"region_name": lab.regions[0], "az_name": "az1"}})
    assert (answer.status_code, answer.json()["conflictingRequest"]["code"]) == (409, 409)
    assert admin.ask("tricircle", "/pods").json() == before


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"pod": 1}', b"{}", b'{"pod": {"az_name": "x"}}'])
def test_a_pod_that_cannot_be(admin: Person, body: bytes) -> None:
    before = admin.ask("tricircle", "/pods").json()
    answer = admin.ask("tricircle", "/pods", "POST", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert "Traceback" not in answer.text
    assert admin.ask("tricircle", "/pods").json() == before
