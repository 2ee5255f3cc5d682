"""Records what a real region answers, for the fakes to be measured by: `python record.py`, with OS_* (of a tenant, and
OS_REGION_NAME) in the environment.

It makes an image, a server and a volume in the region, asks, and removes them again. Ids, addresses and times are
replaced by words in braces; everything else is kept as it was said.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
from keystoneauth1.adapter import Adapter

RECORDINGS = Path(__file__).parent / "recordings"
MISSING = "5f0f6d5e-0000-4000-8000-000000000000"
LARGE = "x" * 200_000
PATIENCE = 120

COMPUTE = (
    ("no token", "GET", "/v2.1/servers", {"X-Auth-Token": ""}, None),
    ("unknown token", "GET", "/v2.1/servers", {"X-Auth-Token": "unknown"}, None),
    ("malformed JSON", "POST", "/v2.1/servers", {}, '{"server": '),
    ("a list as body", "POST", "/v2.1/servers", {}, "[]"),
    ("empty body", "POST", "/v2.1/servers", {}, ""),
    ("empty object", "POST", "/v2.1/servers", {}, "{}"),
    ("large body", "POST", "/v2.1/servers", {}, json.dumps({"server": "{large}"})),
    ("large body, JSON wanted", "POST", "/v2.1/servers", {"Accept": "application/json"},
     json.dumps({"server": "{large}"})),
    ("HEAD of a list", "HEAD", "/v2.1/servers", {}, None),
    ("unknown path", "GET", "/v2.1/nonsense", {}, None),
    ("unknown method", "PUT", "/v2.1/servers", {}, "{}"),
    ("negative limit", "GET", "/v2.1/servers?limit=-1", {}, None),
    ("malformed limit", "GET", "/v2.1/servers?limit=x", {}, None),
    ("limit 0", "GET", "/v2.1/servers?limit=0", {}, None),
    ("unknown marker", "GET", "/v2.1/servers?marker=nope", {}, None),
    ("unknown server", "GET", f"/v2.1/servers/{MISSING}", {}, None),
    ("delete an unknown server", "DELETE", f"/v2.1/servers/{MISSING}", {}, None),
    ("other project in the path", "GET", "/v2.1/0123456789abcdef0123456789abcdef/servers", {}, None),
    ("microversion too new", "GET", "/v2.1/servers", {"OpenStack-API-Version": "compute 2.999"}, None),
    ("microversion too new, older header", "GET", "/v2.1/servers", {"X-OpenStack-Nova-API-Version": "2.999"}, None),
    ("malformed microversion", "GET", "/v2.1/servers", {"OpenStack-API-Version": "compute foo"}, None),
    ("microversion latest", "GET", "/v2.1/servers?limit=0", {"OpenStack-API-Version": "compute latest"}, None),
    ("versions", "GET", "/", {"X-Auth-Token": ""}, None),
    ("version", "GET", "/v2.1/", {"X-Auth-Token": ""}, None),
    ("show a server", "GET", "/v2.1/servers/{server}", {"OpenStack-API-Version": "compute 2.69"}, None),
    ("list servers", "GET", "/v2.1/servers?limit=1", {}, None),
    ("list servers with the project", "GET", "/v2.1/{project}/servers?limit=1", {}, None),
    ("list servers in detail", "GET", "/v2.1/servers/detail", {}, None),
    ("attach an unknown volume", "POST", "/v2.1/servers/{server}/os-volume_attachments", {},
     json.dumps({"volumeAttachment": {"volumeId": MISSING}})),
    ("create without flavor", "POST", "/v2.1/servers", {}, json.dumps({"server": {"name": "a"}})),
    ("create with an unknown flavor", "POST", "/v2.1/servers", {"OpenStack-API-Version": "compute 2.69"},
     json.dumps({"server": {"name": "a", "imageRef": "{image}", "flavorRef": MISSING, "networks": "none"}})),
    ("create in an unknown zone", "POST", "/v2.1/servers", {"OpenStack-API-Version": "compute 2.69"},
     json.dumps({"server": {"name": "a", "imageRef": "{image}", "flavorRef": "{flavor}", "networks": "none",
                            "availability_zone": "nowhere"}})),
    ("create with an unknown keypair", "POST", "/v2.1/servers", {"OpenStack-API-Version": "compute 2.69"},
     json.dumps({"server": {"name": "a", "imageRef": "{image}", "flavorRef": "{flavor}", "networks": "none",
                            "key_name": "nobody"}})),
    ("create with an unknown image", "POST", "/v2.1/servers", {"OpenStack-API-Version": "compute 2.69"},
     json.dumps({"server": {"name": "a", "imageRef": MISSING, "flavorRef": "{flavor}", "networks": "none"}})),
    ("mistyped devices", "POST", "/v2.1/servers", {},
     json.dumps({"server": {"name": "a", "flavorRef": "{flavor}", "block_device_mapping_v2": 5}})),
    ("zones", "GET", "/v2.1/os-availability-zone", {}, None),
    ("unknown flavor", "GET", f"/v2.1/flavors/{MISSING}", {}, None),
    ("show a flavor", "GET", "/v2.1/flavors/{flavor}", {"OpenStack-API-Version": "compute 2.69"}, None),
    ("create a flavor as a tenant", "POST", "/v2.1/flavors", {},
     json.dumps({"flavor": {"name": "a", "ram": 1, "disk": 0, "vcpus": 1}})),
    ("list flavors", "GET", "/v2.1/flavors?limit=1", {}, None),
    ("unknown keypair", "GET", "/v2.1/os-keypairs/nobody", {}, None),
    ("keypair with a slash", "POST", "/v2.1/os-keypairs", {}, json.dumps({"keypair": {"name": "a/b"}})),
    ("keypair in other letters", "POST", "/v2.1/os-keypairs", {}, json.dumps({"keypair": {"name": "\u00fc"}})),
    ("import a keypair", "POST", "/v2.1/os-keypairs", {"OpenStack-API-Version": "compute 2.2"},
     json.dumps({"keypair": {"name": "recorded", "public_key": "ssh-ed25519 "
                             "AAAAC3NzaC1lZDI1NTE5AAAAIJbhEnpQ3ZMfJLqHcVXkWnVbWy4+oXSgGDTcYkYQzYkF a@b"}})),
    ("show a keypair", "GET", "/v2.1/os-keypairs/recorded", {"OpenStack-API-Version": "compute 2.2"}, None),
    ("import a keypair again", "POST", "/v2.1/os-keypairs", {},
     json.dumps({"keypair": {"name": "recorded", "public_key": "ssh-ed25519 "
                             "AAAAC3NzaC1lZDI1NTE5AAAAIJbhEnpQ3ZMfJLqHcVXkWnVbWy4+oXSgGDTcYkYQzYkF a@b"}})),
    ("delete a keypair", "DELETE", "/v2.1/os-keypairs/recorded", {"OpenStack-API-Version": "compute 2.2"}, None),
    ("limits", "GET", "/v2.1/limits", {}, None),
    ("quota", "GET", "/v2.1/os-quota-sets/{project}", {}, None),
)  # fmt: skip

VOLUME = (
    ("no token", "GET", "/v3/{project}/volumes", {"X-Auth-Token": ""}, None),
    ("malformed JSON", "POST", "/v3/{project}/volumes", {}, '{"volume": '),
    ("a list as body", "POST", "/v3/{project}/volumes", {}, "[]"),
    ("empty object", "POST", "/v3/{project}/volumes", {}, "{}"),
    ("unknown path", "GET", "/v3/{project}/nonsense", {}, None),
    ("negative limit", "GET", "/v3/{project}/volumes?limit=-1", {}, None),
    ("malformed limit", "GET", "/v3/{project}/volumes?limit=x", {}, None),
    ("limit 0", "GET", "/v3/{project}/volumes?limit=0", {}, None),
    ("unknown marker", "GET", "/v3/{project}/volumes?marker=nope", {}, None),
    ("unknown volume", "GET", f"/v3/{{project}}/volumes/{MISSING}", {}, None),
    ("other project in the path", "GET", "/v3/0123456789abcdef0123456789abcdef/volumes", {}, None),
    ("microversion too new", "GET", "/v3/{project}/volumes", {"OpenStack-API-Version": "volume 3.999"}, None),
    ("malformed microversion", "GET", "/v3/{project}/volumes", {"OpenStack-API-Version": "volume foo"}, None),
    ("versions", "GET", "/", {"X-Auth-Token": ""}, None),
    ("create in an unknown zone", "POST", "/v3/{project}/volumes", {},
     json.dumps({"volume": {"size": 1, "availability_zone": "nowhere"}})),
    ("create with an unknown type", "POST", "/v3/{project}/volumes", {},
     json.dumps({"volume": {"size": 1, "volume_type": "nothing"}})),
    ("show a volume", "GET", "/v3/{project}/volumes/{volume}", {}, None),
    ("list volumes", "GET", "/v3/{project}/volumes?limit=1", {}, None),
    ("list volumes in detail", "GET", "/v3/{project}/volumes/detail", {}, None),
    ("zones", "GET", "/v3/{project}/os-availability-zone", {}, None),
    ("types", "GET", "/v3/{project}/types", {}, None),
    ("limits", "GET", "/v3/{project}/limits", {}, None),
)  # fmt: skip

IMAGE = (
    ("no token", "GET", "/v2/images", {"X-Auth-Token": ""}, None),
    ("no token, JSON wanted", "GET", "/v2/images", {"X-Auth-Token": "", "Accept": "application/json"}, None),
    ("malformed JSON", "POST", "/v2/images", {}, '{"name": '),
    ("empty body", "POST", "/v2/images", {}, ""),
    ("HEAD of a list", "HEAD", "/v2/images", {}, None),
    ("unknown path", "GET", "/v2/nonsense", {}, None),
    ("unknown method", "PUT", "/v2/images", {}, "{}"),
    ("negative limit", "GET", "/v2/images?limit=-1", {}, None),
    ("limit 0", "GET", "/v2/images?limit=0", {}, None),
    ("unknown marker", "GET", "/v2/images?marker=nope", {}, None),
    ("unknown image", "GET", f"/v2/images/{MISSING}", {}, None),
    ("unknown image, JSON wanted", "GET", f"/v2/images/{MISSING}", {"Accept": "application/json"}, None),
    ("data of an unknown image", "GET", f"/v2/images/{MISSING}/file", {}, None),
    ("upload again", "PUT", "/v2/images/{image}/file", {"Content-Type": "application/octet-stream"}, "more"),
    ("same id again", "POST", "/v2/images", {}, json.dumps({"id": "{image}", "name": "a"})),
    ("versions", "GET", "/", {"X-Auth-Token": ""}, None),
    ("show an image", "GET", "/v2/images/{image}", {}, None),
    ("download", "GET", "/v2/images/{image}/file", {}, None),
    ("list images", "GET", "/v2/images?limit=1", {}, None),
)  # fmt: skip

SERVICES = (("nova", "compute", COMPUTE), ("cinder", "block-storage", VOLUME), ("glance", "image", IMAGE))
KEPT_HEADERS = (
    "Allow", "Content-Type", "Location", "OpenStack-API-Version", "OpenStack-image-import-methods", "Vary",
    "WWW-Authenticate", "X-OpenStack-Nova-API-Version",
)  # fmt: skip


@contextmanager
def resources(cloud: openstack.connection.Connection) -> Iterator[dict[str, str]]:
    """An image, a server and a volume of the region while the block runs, by their words."""
    made: list[Any] = []
    try:
        image = cloud.image.create_image(name="recorded", data=b"recorded", disk_format="raw", container_format="bare")
        made.append(lambda: cloud.image.delete_image(image))
        flavor = next(cloud.compute.flavors())
        server = cloud.compute.create_server(name="recorded", image_id=image.id, flavor_id=flavor.id, networks="none")
        made.append(lambda: cloud.compute.delete_server(server))
        cloud.compute.wait_for_server(server, wait=PATIENCE)
        volume = cloud.block_storage.create_volume(name="recorded", size=1)
        made.append(lambda: cloud.block_storage.delete_volume(volume))
        cloud.block_storage.wait_for_status(volume, "available", wait=PATIENCE)
        yield {
            "{project}": cloud.current_project_id,
            "{user}": cloud.current_user_id,
            "{image}": image.id,
            "{flavor}": flavor.id,
            "{server}": server.id,
            "{volume}": volume.id,
        }
    finally:
        for remove in reversed(made):
            remove()


def main() -> None:
    """Record all services of one region."""
    cloud = openstack.connect(cloud="envvars")
    region = cloud.config.get_region_name()
    with resources(cloud) as words:
        for name, service_type, questions in SERVICES:
            root = re.sub(r"/v\d.*$", "", cloud.session.get_endpoint(service_type=service_type, region_name=region))
            adapter = Adapter(cloud.session, endpoint_override=root)
            told = {"{large}": LARGE, "{root}": root, "{keystone}": os.environ["OS_AUTH_URL"], **words}
            exchanges = [exchange(adapter, told, *question) for question in questions]
            path = RECORDINGS / f"{name}.json"
            path.write_text(json.dumps(exchanges, indent=1, ensure_ascii=False) + "\n")
            print(f"{path}: {len(exchanges)} answers")


def exchange(
    adapter: Adapter,
    words: dict[str, str],
    title: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: str | None,
) -> dict[str, Any]:
    """Ask one question, and tell it with its answer."""
    real_path, real_body = fill(path, words), fill(body, words) if body is not None else None
    sent = {"Content-Type": "application/json", **headers}
    own_token = "X-Auth-Token" in headers
    response = adapter.request(
        real_path, method, headers={k: v for k, v in sent.items() if v}, data=real_body,
        authenticated=not own_token, raise_exc=False, redirect=False,
    )  # fmt: skip
    answer = {
        "status": response.status_code,
        "headers": {
            name: ", ".join(blank(value, words) for value in response.raw.headers.getlist(name))
            for name in KEPT_HEADERS
            if name in response.headers
        },
        "body": blank(response.text, words),
    }
    return {
        "title": title,
        "request": {"method": method, "path": path, "headers": headers, "body": body},
        "response": answer,
    }


def fill(text: str, words: dict[str, str]) -> str:
    """Put real values for the words."""
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def blank(text: str, words: dict[str, str]) -> str:
    """Put words for real values."""
    for word, value in words.items():
        text = text.replace(value, word)
    return text


if __name__ == "__main__":
    main()
