"""What all pods hold alike: images and flavors under one id, key pairs under one name."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from openstack import exceptions

from . import things
from .lab import Lab
from .people import CENTRAL, Person

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHK4kg9pGzs0xJv4yBV9m3kEwE1YyYkUwzFzKc6jN0aB test"


def test_an_image_has_one_id_and_the_same_bytes_in_every_pod(tenant: Person, lab: Lab, tiny_image: Any) -> None:
    shown = tenant.cli("image show", tiny_image.id)
    assert (shown["status"], shown["visibility"]) == ("active", "public")
    for region in lab.regions:
        copy = tenant.pod(region).image.get_image(tiny_image.id)
        assert (copy.status, copy.checksum, copy.size) == ("active", shown["checksum"], shown["size"])


def test_an_image_is_listed_once(tenant: Person, tiny_image: Any) -> None:
    assert [row["ID"] for row in tenant.cli("image list")].count(tiny_image.id) == 1


def test_images_page_with_next_links(tenant: Person, prefix: str) -> None:
    with (
        things.image(tenant, f"{prefix}-page-a", b"a"),
        things.image(tenant, f"{prefix}-page-b", b"b"),
        things.image(tenant, f"{prefix}-page-c", b"c"),
    ):
        names = [image.name for image in tenant.central.image.images(limit=1, sort="name:asc")]
    assert [name for name in names if "-page-" in name] == [f"{prefix}-page-{letter}" for letter in "abc"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["a/b", "größe", "100%", "a%2Fb", "two  blanks ?&#"])
def test_an_image_with_an_unusual_name(tenant: Person, lab: Lab, prefix: str, name: str) -> None:
    full = f"{prefix}-{name}"
    with things.image(tenant, full, b"bytes") as image:
        assert tenant.central.image.find_image(full, ignore_missing=False).id == image.id
        for region in lab.regions:
            assert tenant.pod(region).image.get_image(image.id).name == full


def test_tags_of_an_image(tenant: Person, lab: Lab, prefix: str) -> None:
    with things.image(tenant, f"{prefix}-tags", b"bytes") as image:
        for tag in ("a b", "50%25"):
            tenant.central.image.add_tag(image, tag)
        assert {tuple(sorted(tenant.pod(region).image.get_image(image.id).tags)) for region in lab.regions} == {
            tuple(sorted(tenant.central.image.get_image(image.id).tags))
        }
        tenant.central.image.remove_tag(image, "a b")
        assert {len(tenant.pod(region).image.get_image(image.id).tags) for region in lab.regions} == {1}


def test_a_changed_image_changes_in_every_pod(tenant: Person, lab: Lab, prefix: str, tmp_path: Path) -> None:
    data = b"some bytes" * 1000
    with things.image(tenant, f"{prefix}-change", data) as image:
        tenant.run("image set --property colour=blue --min-ram 7", image.id)
        for region in lab.regions:
            copy = tenant.pod(region).image.get_image(image.id)
            assert (copy.properties["colour"], copy.min_ram) == ("blue", 7)
        saved = tmp_path / "saved"
        tenant.run("image save --file", str(saved), image.id)
        assert hashlib.md5(saved.read_bytes()).digest() == hashlib.md5(data).digest()
    for region in lab.regions:
        assert tenant.pod(region).image.find_image(image.id, ignore_missing=True) is None


def test_other_projects_images_do_not_exist(tenant: Person, stranger: Person, prefix: str) -> None:
    with things.image(tenant, f"{prefix}-private", b"secret") as image:
        assert image.id not in [each.id for each in stranger.central.image.images()]
        ours, native = (
            stranger.ask("image", f"/v2/images/{image.id}", region=region) for region in (CENTRAL, "RegionOne")
        )
        assert (ours.status_code, ours.text) == (native.status_code, native.text)
        with pytest.raises(exceptions.SDKException):
            stranger.central.image.delete_image(image.id, ignore_missing=False)
        assert tenant.central.image.get_image(image.id).status == "active"


@pytest.mark.proves("compute", "GET /flavors/detail")
def test_a_flavor_has_one_id_in_every_pod(tenant: Person, lab: Lab, small: Any) -> None:
    shown = tenant.cli("flavor show", small.name)
    assert shown["id"] == small.id
    assert [row["ID"] for row in tenant.cli("flavor list")].count(small.id) == 1
    for region in lab.regions:
        copy = tenant.pod(region).compute.get_flavor(small.id)
        assert (copy.name, copy.ram, copy.vcpus, copy.disk) == (small.name, 64, 1, 1)


@pytest.mark.proves(
    "compute",
    "POST /flavors",
    "DELETE /flavors/{flavor_id}",
    "POST /flavors/{flavor_id}/os-extra_specs",
    "DELETE /flavors/{flavor_id}/os-extra_specs/{key}",
)
def test_a_flavor_with_an_unusual_name_and_extra_specs(admin: Person, lab: Lab, prefix: str, newcomers: Any) -> None:
    with things.flavor(admin, f"{prefix}-a/b% ü", ram=64) as flavor:
        admin.run("flavor set --property hw:cpu_policy=shared", flavor.id)
        for region in lab.regions:
            copy = admin.pod(region).compute.get_flavor(flavor.id)
            assert (copy.name, copy.extra_specs) == (flavor.name, {"hw:cpu_policy": "shared"})
        assert admin.central.compute.find_flavor(flavor.name).id == flavor.id
        admin.run("flavor unset --property hw:cpu_policy", flavor.id)
        for region in lab.regions:
            assert admin.pod(region).compute.fetch_flavor_extra_specs(flavor.id).extra_specs == {}
    for region in lab.regions:
        assert admin.pod(region).compute.find_flavor(flavor.id, ignore_missing=True) is None


def test_flavors_are_for_administrators(tenant: Person, lab: Lab, prefix: str) -> None:
    body = {"flavor": {"name": f"{prefix}-forbidden", "ram": 64, "vcpus": 1, "disk": 1}}
    ours, native = (
        tenant.ask("compute", "/flavors", "POST", region=region, json=body) for region in (CENTRAL, lab.regions[0])
    )
    assert (ours.status_code, ours.json()) == (native.status_code, native.json())


@pytest.mark.proves(
    "compute",
    "GET /os-keypairs",
    "POST /os-keypairs",
    "GET /os-keypairs/{keypair_name}",
    "DELETE /os-keypairs/{keypair_name}",
)
def test_a_key_pair_is_the_same_in_every_pod(tenant: Person, lab: Lab, prefix: str, tmp_path: Path) -> None:
    name = f"{prefix}-key of mine"
    tenant.run("keypair create --private-key", str(tmp_path / "key"), name)
    try:
        shown = tenant.cli("keypair show", name)
        assert [row["Name"] for row in tenant.cli("keypair list")] == [name]
        for region in lab.regions:
            assert tenant.pod(region).compute.get_keypair(name).fingerprint == shown["fingerprint"]
    finally:
        tenant.run("keypair delete", name)
    for region in lab.regions:
        assert not list(tenant.pod(region).compute.keypairs())


def test_a_key_pair_that_nova_generates_is_the_same_in_every_pod(tenant: Person, lab: Lab, prefix: str) -> None:
    name = f"{prefix}-generated"
    # The last microversion with which Nova makes keys itself.
    answer = tenant.ask("compute", "/os-keypairs", "POST", version="compute 2.91", json={"keypair": {"name": name}})
    try:
        made = answer.json()["keypair"]
        assert "PRIVATE KEY" in made["private_key"]
        for region in lab.regions:
            assert tenant.pod(region).compute.get_keypair(name).public_key == made["public_key"]
    finally:
        tenant.central.compute.delete_keypair(name)


def test_a_key_pair_with_an_unusual_name(tenant: Person, lab: Lab, prefix: str) -> None:
    name = f"{prefix}-a.b@c d"
    body = {"keypair": {"name": name, "type": "ssh", "public_key": PUBLIC_KEY}}
    # The first microversion that takes dot and at sign.
    answer = tenant.ask("compute", "/os-keypairs", "POST", version="compute 2.92", json=body)
    assert answer.status_code == 201, answer.text
    try:
        for region in (CENTRAL, *lab.regions):
            copy = tenant.pod(region).compute.get_keypair(name)
            assert copy.fingerprint == answer.json()["keypair"]["fingerprint"]
    finally:
        tenant.central.compute.delete_keypair(name)


def test_a_key_pair_that_one_pod_lacks_is_copied_for_a_server(
    tenant: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    name = f"{prefix}-copied"
    made = tenant.pod(lab.zones["az1"]).compute.create_keypair(name=name, public_key=PUBLIC_KEY)
    try:
        with things.server(tenant, name=name, availability_zone="az2", key_name=name, **boot) as server:
            assert server.key_name == name
        assert tenant.pod(lab.zones["az2"]).compute.get_keypair(name).fingerprint == made.fingerprint
    finally:
        tenant.central.compute.delete_keypair(name)


def test_a_flavor_that_one_pod_lacks_is_copied_for_a_server(
    tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    made = admin.pod(lab.zones["az1"]).compute.create_flavor(name=f"{prefix}-one", ram=64, vcpus=1, disk=1)
    try:
        request = {**boot, "flavor_id": made.id}
        with things.server(tenant, name=f"{prefix}-copied", availability_zone="az2", **request) as server:
            assert server.flavor["original_name"] == made.name
    finally:
        admin.central.compute.delete_flavor(made.id)
    for region in lab.regions:
        assert admin.pod(region).compute.find_flavor(made.id, ignore_missing=True) is None


@pytest.mark.proves("compute", "GET /os-availability-zone")
@pytest.mark.proves("volume", "GET /os-availability-zone")
def test_zones_are_those_of_triune(tenant: Person, lab: Lab) -> None:
    for service in ("--compute", "--volume"):
        rows = tenant.cli("availability zone list", service)
        assert [(row["Zone Name"], row["Zone Status"]) for row in rows] == [
            (zone, "available") for zone in sorted(lab.zones)
        ]


# What is used in all pods together; a limit is one for the whole cloud, and none was set at the top.
USED = ("totalInstancesUsed", "totalCoresUsed", "totalRAMUsed")
LIMITS = ("maxTotalInstances", "maxTotalCores", "maxTotalRAMSize", "maxServerMeta", "maxTotalKeypairs")


@pytest.mark.proves("compute", "GET /limits")
def test_limits_count_all_pods(tenant: Person, lab: Lab) -> None:
    def limits(region: str) -> Any:
        return tenant.ask("compute", "/limits", region=region).json()["limits"]["absolute"]

    ours, natives = limits(CENTRAL), [limits(region) for region in lab.regions]
    assert ours.keys() == natives[0].keys()
    assert {name: ours[name] for name in USED} == {name: sum(native[name] for native in natives) for name in USED}
    assert {name: ours[name] for name in LIMITS} == {name: min(native[name] for native in natives) for name in LIMITS}
