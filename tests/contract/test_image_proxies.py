"""Nova's proxies to the image service: images that all pods share, in Nova's words."""

import uuid
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .gateway import Running
from .test_convergence import eventually, working

ROOT = "/compute/v2.1/images"


def message(reply: Reply) -> str:
    (inner,) = reply.json.values()
    return str(inner["message"])


def fill(cloud: Cloud, client: Client, count: int = 3) -> list[str]:
    """Images in both pods, of which the second alone has the data; told newest first."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    for number, image_id in enumerate(ids):
        for pod, data in zip(cloud.pods, (None, b"data"), strict=False):
            moment = f"2026-11-2{number}T00:00:00Z"
            fields: dict[str, Any] = {"id": image_id, "name": f"i{number}", "created_at": moment, "updated_at": moment}
            pod.glance.add(client.token.project_id or "", data, properties={"a": "1"}, **fields)
    cloud.pods[0].glance.add("5e" * 16)
    return ids[::-1]


@pytest.mark.proves("compute", "GET /images", "GET /images/detail")
async def test_images_are_told_once(cloud: Cloud, client: Client) -> None:
    ids = fill(cloud, client)
    short = (await client.get(ROOT)).json["images"]
    assert [image["id"] for image in short] == ids
    assert {frozenset(image) for image in short} == {frozenset({"id", "name", "links"})}
    assert [link["href"] for link in short[0]["links"]] == [
        f"{client.root}{ROOT}/{ids[0]}",
        f"{client.root}/compute/images/{ids[0]}",
        f"{client.root}/image/images/{ids[0]}",
    ]
    detailed = (await client.get(f"{ROOT}/detail")).json["images"]
    assert [image["id"] for image in detailed] == ids
    assert {image["status"] for image in detailed} == {"ACTIVE"}
    assert [image["id"] for image in (await client.get(f"{ROOT}?name=i1")).json["images"]] == [ids[1]]


async def test_pages_of_one(cloud: Cloud, client: Client) -> None:
    ids = fill(cloud, client)
    for path in (ROOT, f"{ROOT}/detail"):
        told, url = [], f"{client.root}{path}?limit=1"
        for _ in range(4):
            reply = await client.get(url)
            told += [image["id"] for image in reply.json["images"]]
            if "images_links" not in reply.json:
                break
            ((link,),) = (reply.json["images_links"],)
            url = link["href"]
            assert url.startswith(f"{client.root}{path}?")
        assert told == ids
    assert [image["id"] for image in (await client.get(f"{ROOT}?marker={ids[0]}")).json["images"]] == ids[1:]
    assert (await client.get(f"{ROOT}?marker={uuid.uuid4()}")).status == 400


@pytest.mark.proves("compute", "GET /images/{image_id}")
async def test_an_image_is_shown_by_a_pod_that_has_its_data(cloud: Cloud, client: Client) -> None:
    newest, *_ = fill(cloud, client)
    assert (await client.get(f"{ROOT}/{newest}")).json["image"]["status"] == "ACTIVE"
    reply = await client.get(f"{ROOT}/{uuid.uuid4()}")
    assert (reply.status, message(reply)) == (404, "Image not found.")
    cloud.pods[1].nova.fails(service.status(500), "GET .*/images")
    assert (await client.get(f"{ROOT}/{newest}")).status == 200
    await cloud.pods[1].nova.stop()
    reply = await client.get(f"{ROOT}/{newest}")
    assert (reply.status, reply.json["image"]["status"]) == (200, "SAVING")
    assert (await client.get(f"{ROOT}/{uuid.uuid4()}")).status == 503
    assert (await client.get(f"{ROOT}/name")).status == 404


@pytest.mark.proves("compute", "DELETE /images/{image_id}")
async def test_an_image_is_removed_everywhere(cloud: Cloud, gateway: Running, client: Client) -> None:
    first, second, _ = fill(cloud, client)
    assert (await client.delete(f"{ROOT}/{first}")).status == 204
    assert all(first not in pod.glance.images for pod in cloud.pods)
    assert (await client.delete(f"{ROOT}/{first}")).status == 404
    others = next(image for image in cloud.pods[0].glance.images.values() if image["owner"] == "5e" * 16)
    others["visibility"] = "public"
    assert (await client.delete(f"{ROOT}/{others['id']}")).status == 403
    await cloud.pods[1].nova.stop()
    reply = await client.delete(f"{ROOT}/{second}")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (204, "RegionTwo")
    await cloud.pods[1].nova.start()
    async with working(gateway):
        await eventually(lambda: second not in cloud.pods[1].glance.images)


@pytest.mark.proves("compute", "GET /images/{image_id}/metadata", "GET /images/{image_id}/metadata/{key}")
@pytest.mark.proves("compute", "POST /images/{image_id}/metadata", "PUT /images/{image_id}/metadata")
@pytest.mark.proves("compute", "PUT /images/{image_id}/metadata/{key}", "DELETE /images/{image_id}/metadata/{key}")
async def test_metadata_is_changed_everywhere(cloud: Cloud, client: Client) -> None:
    image_id, *_ = fill(cloud, client)
    path, at_238 = f"{ROOT}/{image_id}/metadata", client.at("compute 2.38")

    def stored() -> list[dict[str, str]]:
        return [pod.glance.images[image_id]["properties"] for pod in cloud.pods]

    assert (await at_238.get(path)).json == {"metadata": {"a": "1"}}
    reply = await at_238.post(path, {"metadata": {"b": "2"}})
    assert (reply.status, reply.json) == (200, {"metadata": {"a": "1", "b": "2"}})
    assert stored() == [{"a": "1", "b": "2"}] * 2
    reply = await client.put(f"{path}/availability_zone", json={"meta": {"availability_zone": "mine"}})
    assert (reply.status, reply.json) == (200, {"meta": {"availability_zone": "mine"}})
    assert stored() == [{"a": "1", "b": "2", "availability_zone": "mine"}] * 2
    assert (await client.get(f"{path}/availability_zone")).json == {"meta": {"availability_zone": "mine"}}
    assert (await client.delete(f"{path}/b")).status == 204
    assert (await client.get(f"{path}/b")).status == 404
    assert (await client.delete(f"{path}/b")).status == 404
    assert (await client.put(path, json={"metadata": {"c": "3"}})).json == {"metadata": {"c": "3"}}
    assert stored() == [{"c": "3"}] * 2
    assert (await client.put(f"{path}/c", json={"meta": {"d": "3"}})).status == 400
    assert (await client.post(path, {})).status == 400
    await cloud.pods[1].nova.stop()
    reply = await client.post(path, {"metadata": {"e": "5"}})
    assert reply.status == 503 and "RegionTwo" in message(reply)


async def test_from_236_there_are_no_images_and_from_239_no_metadata(cloud: Cloud, client: Client) -> None:
    image_id, *_ = fill(cloud, client)
    new, newer = client.at("compute 2.36"), client.at("compute 2.39")
    for method, path in (("GET", ""), ("GET", "/detail"), ("GET", f"/{image_id}"), ("DELETE", f"/{image_id}")):
        reply = await new.request(method, f"{ROOT}{path}")
        assert (reply.status, message(reply)) == (404, "API version 2.36 is not supported on this method.")
    assert (await new.get(f"{ROOT}/{image_id}/metadata")).status == 200
    for method, path in (("GET", ""), ("POST", ""), ("PUT", ""), ("GET", "/a"), ("PUT", "/a"), ("DELETE", "/a")):
        body = {"json": {"metadata": {"a": "2"}, "meta": {"a": "2"}}} if method in ("POST", "PUT") else {}
        reply = await newer.request(method, f"{ROOT}/{image_id}/metadata{path}", **body)
        assert (reply.status, message(reply)) == (404, "API version 2.39 is not supported on this method.")
    assert [pod.glance.images[image_id]["properties"] for pod in cloud.pods] == [{"a": "1"}] * 2
