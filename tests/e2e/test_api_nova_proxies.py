"""What Nova once told of other services: networks, security groups, volumes, images, in the words of a pod's Nova."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import networks, things
from .lab import Lab
from .likeness import PASSING, alike, both, microversion, shape
from .people import CENTRAL, Person
from .waiting import wait_until

NOWHERE = "11111111-2222-3333-4444-555555555555"
GROUPS = "/os-security-groups"
RULES = "/os-security-group-rules"


def ask(person: Person, path: str, method: str = "GET", region: str = CENTRAL, version: str = "2.1", **how: Any) -> Any:
    """One request to Nova."""
    return person.ask("compute", path, method, region=region, **microversion(version), **how)


def told(answer: Any, status: int = 200) -> Any:
    """What an answer says. Raises `AssertionError` where it has another status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json() if answer.content else None


@contextmanager
def group(person: Person, name: str, region: str = CENTRAL) -> Iterator[dict[str, Any]]:
    """A security group that Nova made."""
    body = {"security_group": {"name": name, "description": "of the tests"}}
    made = told(ask(person, GROUPS, "POST", region=region, json=body))["security_group"]
    try:
        yield made
    finally:
        told(ask(person, f"{GROUPS}/{made['id']}", "DELETE", region=region), 202)


def rule(group_id: str, **more: Any) -> dict[str, Any]:
    """A request for a rule."""
    fine = {"parent_group_id": group_id, "ip_protocol": "tcp", "from_port": 22, "to_port": 80, "cidr": "192.0.2.0/24"}
    return {"security_group_rule": {**fine, **more}}


@pytest.mark.proves(
    "compute",
    "GET /os-security-groups",
    "POST /os-security-groups",
    "GET /os-security-groups/{security_group_id}",
    "PUT /os-security-groups/{security_group_id}",
    "DELETE /os-security-groups/{security_group_id}",
    "POST /os-security-group-rules",
    "DELETE /os-security-group-rules/{security_group_rule_id}",
)
def test_security_groups(owner: Person, lab: Lab) -> None:
    pod, answers = lab.regions[-1], []
    for region in (CENTRAL, pod):
        with group(owner, f"{owner.name}-group ü", region) as made:
            path, here = f"{GROUPS}/{made['id']}", {"region": region}
            steps = [made]
            change = {"security_group": {"name": f"{owner.name}-renamed", "description": "changed"}}
            steps.append(told(ask(owner, path, "PUT", json=change, **here)))
            ruled = told(ask(owner, RULES, "POST", json=rule(made["id"]), **here))["security_group_rule"]
            steps += [ruled, told(ask(owner, path, **here))]
            mine = [each for each in told(ask(owner, GROUPS, **here))["security_groups"] if each["id"] == made["id"]]
            steps.append(mine)
            for wrong in (
                rule(made["id"], ip_protocol="nothing"),
                rule(made["id"], from_port=90),
                rule(made["id"], cidr="nonsense"),
                rule(made["id"]),
                rule(NOWHERE),
                {"security_group_rule": 7},
                {},
            ):
                answer = ask(owner, RULES, "POST", json=wrong, **here)
                steps.append([answer.status_code, _said(answer, made, ruled)])
            told(ask(owner, f"{RULES}/{ruled['id']}", "DELETE", **here), 202)
            steps.append(told(ask(owner, path, **here))["security_group"]["rules"])
        gone = ask(owner, path, **here)
        steps.append([gone.status_code, _said(gone, made)])
        answers.append(steps)
    for ours, native in zip(*answers, strict=True):
        drop = _without_ids(ours), _without_ids(native)
        assert drop[0] == drop[1]


def _said(answer: Any, *made: dict[str, Any]) -> Any:
    text = PASSING.sub("", answer.text)
    for each in made:
        text = text.replace(each["id"], "")
    return json.loads(text)


def _without_ids(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _without_ids(value) for key, value in document.items() if key not in ("id", "parent_group_id")}
    return [_without_ids(each) for each in document] if isinstance(document, list) else document


@pytest.mark.proves(
    "compute",
    "POST /servers/{server_id}/action addSecurityGroup",
    "POST /servers/{server_id}/action removeSecurityGroup",
    "GET /servers/{server_id}/os-security-groups",
    "GET /os-networks",
    "GET /os-networks/{network_id}",
    "GET /os-tenant-networks",
    "GET /os-tenant-networks/{tenant_network_id}",
)
def test_networks_and_the_groups_of_a_server(owner: Person, lab: Lab, boot: dict[str, str]) -> None:
    zone = list(lab.zones)[-1]
    with networks.network(owner, f"{owner.name}-net", networks.v4()) as network:
        for path, key, label in (("/os-networks", "network", "label"), ("/os-tenant-networks", "network", "label")):
            listed = [each for each in told(ask(owner, path))["networks"] if each["id"] == network.id]
            shown = told(ask(owner, f"{path}/{network.id}"))[key]
            assert [each[label] for each in (*listed, shown)] == [network.name] * 2
            alike(*both(owner, lab.zones[zone], "compute", f"{path}/{NOWHERE}", **microversion("2.1")))
            alike(*both(owner, lab.zones[zone], "compute", path, **microversion("2.36")))
        request = {**boot, "availability_zone": zone, "networks": [{"uuid": network.id}]}
        with (
            group(owner, f"{owner.name}-joined") as made,
            things.server(owner, name=f"{owner.name}-s", **request) as one,
        ):
            action, named = f"/servers/{one.id}/action", {"name": made["name"]}
            told(ask(owner, action, "POST", json={"addSecurityGroup": named}), 202)
            groups = told(ask(owner, f"/servers/{one.id}/os-security-groups"))["security_groups"]
            assert {each["name"] for each in groups} == {"default", made["name"]}
            (port,) = networks.ports_of(owner, one)
            assert made["id"] in port.security_group_ids
            # The pod's own server has it at once.
            wait_until(
                "the group in the pod",
                lambda: (
                    len(told(ask(owner, f"/servers/{one.id}", region=lab.zones[zone]))["server"]["security_groups"])
                    == 2
                ),
            )
            told(ask(owner, action, "POST", json={"removeSecurityGroup": named}), 202)
            groups = told(ask(owner, f"/servers/{one.id}/os-security-groups"))["security_groups"]
            assert [each["name"] for each in groups] == ["default"]
            assert ask(owner, action, "POST", json={"addSecurityGroup": {"name": "nothing"}}).status_code == 404


@pytest.mark.proves("compute", "GET /os-floating-ips", "GET /os-floating-ip-pools", "POST /os-floating-ips")
def test_floating_ips_where_there_are_none(owner: Person, lab: Lab) -> None:
    for path in ("/os-floating-ips", "/os-floating-ip-pools"):
        assert set(told(ask(owner, path))) == {path[4:].replace("-", "_")}
        alike(*both(owner, lab.regions[0], "compute", path, **microversion("2.36")))
    for method, path, body in (
        ("GET", f"/os-floating-ips/{NOWHERE}", None),
        ("DELETE", f"/os-floating-ips/{NOWHERE}", None),
        ("POST", "/os-floating-ips", {"pool": "nothing"}),
    ):
        how = {"json": body} if body else {}
        alike(*both(owner, lab.regions[0], "compute", path, method, **how, **microversion("2.1")))


@pytest.mark.proves(
    "compute",
    "GET /os-volumes",
    "GET /os-volumes/detail",
    "POST /os-volumes",
    "GET /os-volumes/{volume_id}",
    "DELETE /os-volumes/{volume_id}",
    "GET /os-snapshots",
    "GET /os-snapshots/detail",
    "POST /os-snapshots",
    "GET /os-snapshots/{snapshot_id}",
    "DELETE /os-snapshots/{snapshot_id}",
)
def test_volumes_and_snapshots(owner: Person, lab: Lab) -> None:
    made: list[tuple[str, str]] = []
    storage = owner.central.block_storage
    try:
        for zone in lab.zones:
            body = {"volume": {"size": 1, "display_name": f"{owner.name}-{zone}", "availability_zone": zone}}
            made.append((zone, told(ask(owner, "/os-volumes", "POST", json=body))["volume"]["id"]))
        for zone, identifier in made:
            things.available(owner, "volume", identifier)
            document = alike(
                *both(owner, lab.zones[zone], "compute", f"/os-volumes/{identifier}", **microversion("2.1")),
                "availabilityZone",
            )
            assert document["volume"]["availabilityZone"] == zone
            body = {"snapshot": {"volume_id": identifier, "display_name": f"{owner.name}-snap"}}
            taken = told(ask(owner, "/os-snapshots", "POST", json=body))["snapshot"]["id"]
            things.available(owner, "snapshot", taken)
            alike(*both(owner, lab.zones[zone], "compute", f"/os-snapshots/{taken}", **microversion("2.1")))
            for path in ("/os-snapshots", "/os-snapshots/detail"):
                assert [each["id"] for each in told(ask(owner, path))["snapshots"]] == [taken]
            told(ask(owner, f"/os-snapshots/{taken}", "DELETE"), 202)
            wait_until(
                "the snapshot's end", lambda taken=taken: storage.find_snapshot(taken, ignore_missing=True) is None
            )  # type: ignore[misc]
        for path in ("/os-volumes", "/os-volumes/detail"):
            listed = told(ask(owner, path))["volumes"]
            assert {each["id"] for each in listed} == {identifier for _, identifier in made}
            assert len(told(ask(owner, f"{path}?limit=1"))["volumes"]) == 1
            told(ask(owner, path, version="2.36"), 404)
    finally:
        for _, identifier in made:
            told(ask(owner, f"/os-volumes/{identifier}", "DELETE"), 202)
        for _, identifier in made:
            wait_until(
                "the volume's end",
                lambda identifier=identifier: storage.find_volume(identifier, ignore_missing=True) is None,
            )  # type: ignore[misc]


@pytest.mark.parametrize("version", ["2.1", "2.35", "2.36", "2.39"])
@pytest.mark.proves(
    "compute", "GET /images", "GET /images/detail", "GET /images/{image_id}", "GET /images/{image_id}/metadata"
)
def test_images(owner: Person, lab: Lab, tiny_image: Any, version: str) -> None:
    for path in (f"/images/{tiny_image.id}", f"/images/{tiny_image.id}/metadata", f"/images/{NOWHERE}"):
        for region in lab.regions:
            alike(*both(owner, region, "compute", path, **microversion(version)), "updated", "created")
    for path in ("/images", "/images/detail", "/images?limit=nonsense"):
        ours, native = both(owner, lab.regions[0], "compute", path, **microversion(version))
        assert ours.status_code == native.status_code
        if ours.status_code == 200:
            ids = [each["id"] for each in ours.json()["images"]]
            assert ids.count(tiny_image.id) == 1
            (mine,) = [each for each in ours.json()["images"] if each["id"] == tiny_image.id]
            (theirs,) = [each for each in native.json()["images"] if each["id"] == tiny_image.id]
            assert shape(mine) == shape(theirs)


@pytest.mark.proves(
    "compute",
    "GET /os-volumes_boot",
    "GET /os-volumes_boot/detail",
    "POST /os-volumes_boot",
    "GET /os-volumes_boot/{server_id}",
    "DELETE /os-volumes_boot/{server_id}",
)
def test_servers_under_their_other_name(owner: Person, lab: Lab, tiny_image: Any, small: Any) -> None:
    zone = list(lab.zones)[-1]
    device = {
        "boot_index": 0,
        "uuid": tiny_image.id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    body = {
        "server": {
            "name": f"{owner.name}-booted",
            "flavorRef": small.id,
            "availability_zone": zone,
            "networks": "none",
            "block_device_mapping_v2": [device],
        }
    }
    identifier = told(ask(owner, "/os-volumes_boot", "POST", version="2.37", json=body), 202)["server"]["id"]
    try:
        assert things.server_is(owner, identifier, "ACTIVE").availability_zone == zone
        for path in ("/os-volumes_boot", "/os-volumes_boot/detail"):
            assert [each["id"] for each in told(ask(owner, path))["servers"]] == [identifier]
        alike(*both(owner, lab.zones[zone], "compute", f"/os-volumes_boot/{identifier}", **microversion("2.37")))
    finally:
        told(ask(owner, f"/os-volumes_boot/{identifier}", "DELETE"), 204)
        things.remove_server(owner, identifier)
        storage = owner.central.block_storage
        wait_until("the volume's end", lambda: not list(storage.volumes()))
