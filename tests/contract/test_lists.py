"""Lists over all pods: merged, sorted, paged."""

import itertools
import random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .cloud.cloud import Cloud
from .conftest import Client

three_pods = pytest.mark.parametrize("cloud", [3], indirect=True)


def fill(cloud: Cloud, project_id: str, count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Servers in random pods, with times and names of which several are equal."""
    chance = random.Random(seed)
    return [
        chance.choice(cloud.pods).nova.add_server(
            project_id,
            name=f"vm-{chance.randrange(max(2, count // 3))}",
            created=f"2026-01-01T00:{chance.randrange(10):02}:{chance.randrange(60):02}Z",
            updated=f"2026-01-02T00:00:{chance.randrange(60):02}Z",
            launched_at=chance.choice([None, "2026-01-01T00:00:00.000000", "2026-01-03T00:00:00.000000"]),
        )
        for _ in range(count)
    ]


async def follow(client: Client, path: str, key: str = "servers") -> list[list[dict[str, Any]]]:
    """All pages behind a path, by their `next` links."""
    pages: list[list[dict[str, Any]]] = []
    following: str | None = path
    while following is not None:
        assert len(pages) < 2000, "no end"
        reply = await client.get(following)
        assert reply.status == 200, reply.text
        document = reply.json
        pages.append(document[key])
        links = document.get(f"{key}_links", [])
        following = next((link["href"] for link in links if link["rel"] == "next"), None)
        assert following is None or following.startswith(client.root)
    return pages


@three_pods
@pytest.mark.proves("compute", "GET /servers/detail")
async def test_1001_servers_come_as_two_pages(cloud: Cloud, client: Client) -> None:
    servers = fill(cloud, client.token.project_id, 1001)
    pages = await follow(client, "/compute/v2.1/servers/detail")
    told = list(itertools.chain(*pages))
    assert sorted(server["id"] for server in told) == sorted(server["id"] for server in servers)
    assert [server["created"] for server in told] == sorted((s["created"] for s in servers), reverse=True)
    assert len(pages[0]) == 1000


@three_pods
@pytest.mark.parametrize("limit", [1, 2, 7])
@pytest.mark.proves("compute", "GET /servers")
async def test_small_pages_tell_everything_once(cloud: Cloud, client: Client, limit: int) -> None:
    servers = fill(cloud, client.token.project_id, 23)
    pages = await follow(client, f"/compute/v2.1/servers?limit={limit}")
    told = [server["id"] for server in itertools.chain(*pages)]
    assert len(told) == len(set(told)) == len(servers)
    assert all(len(page) == limit for page in pages[:-1])
    assert set(pages[0][0]) == {"id", "name", "links"}


@three_pods
@pytest.mark.parametrize(
    ("query", "key", "descending"),
    [
        ("sort_key=display_name&sort_dir=asc", "name", False),
        ("sort_key=display_name&sort_dir=desc", "name", True),
        ("sort_key=display_name", "name", True),
        ("sort_key=created_at&sort_dir=asc", "created", False),
        ("sort_dir=asc", "created", False),
        ("sort_key=updated_at&sort_key=display_name&sort_dir=asc&sort_dir=desc", "updated", False),
        ("sort_key=launched_at&sort_dir=asc", "OS-SRV-USG:launched_at", False),
        ("sort_key=launched_at&sort_dir=desc", "OS-SRV-USG:launched_at", True),
        ("sort_key=uuid&sort_dir=asc", "id", False),
    ],
)
@pytest.mark.parametrize("limit", [3, 100])
async def test_sorted_as_asked(
    cloud: Cloud, client: Client, query: str, key: str, descending: bool, limit: int
) -> None:
    servers = fill(cloud, client.token.project_id, 30)
    pages = await follow(client, f"/compute/v2.1/servers/detail?{query}&limit={limit}")
    told = list(itertools.chain(*pages))
    assert sorted(server["id"] for server in told) == sorted(server["id"] for server in servers)
    values = [server[key] or "" for server in told]
    assert values == sorted(values, reverse=descending)


@three_pods
async def test_equal_servers_are_ordered_by_their_ids(cloud: Cloud, client: Client) -> None:
    # nova.compute.instance_list.InstanceSortContext
    fill(cloud, client.token.project_id, 40)
    told = (await client.get("/compute/v2.1/servers/detail?sort_key=display_name&sort_dir=desc")).json["servers"]
    by_id = sorted(told, key=lambda server: server["id"])
    assert told == sorted(by_id, key=lambda server: server["name"], reverse=True)


@three_pods
async def test_a_plain_id_is_a_marker_whichever_pod_holds_it(cloud: Cloud, client: Client) -> None:
    fill(cloud, client.token.project_id, 17)
    everything = [server["id"] for server in (await client.get("/compute/v2.1/servers")).json["servers"]]
    for place, marker in enumerate(everything):
        reply = await client.get(f"/compute/v2.1/servers?marker={marker}&limit=4")
        assert [server["id"] for server in reply.json["servers"]] == everything[place + 1 : place + 5]


@three_pods
async def test_following_links_from_a_plain_marker_repeats_nothing(cloud: Cloud, client: Client) -> None:
    fill(cloud, client.token.project_id, 17)
    path = "/compute/v2.1/servers?sort_key=display_name&sort_dir=asc"
    everything = [server["id"] for server in (await client.get(path)).json["servers"]]
    pages = await follow(client, f"{path}&limit=3&marker={everything[4]}")
    assert [server["id"] for server in itertools.chain(*pages)] == everything[5:]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("older", [0, 1, 4])
async def test_a_server_that_is_just_scheduled_is_told_once(
    cloud: Cloud, client: Client, limit: int, older: int
) -> None:
    """Its Nova tells it again behind itself: first it is a request, then it is in a cell."""
    for pod in cloud.pods:
        for _ in range(older):
            pod.nova.add_server(client.token.project_id)
    new = cloud.pods[0].nova.add_server(client.token.project_id, created="2036-01-01T00:00:00Z")
    cloud.pods[0].nova.requests.add(new["id"])
    pages = await follow(client, f"/compute/v2.1/servers?limit={limit}")
    told = [server["id"] for server in itertools.chain(*pages)]
    everything = [server_id for pod in cloud.pods for server_id in pod.nova.servers]
    assert told[0] == new["id"]
    assert sorted(told) == sorted(everything)


async def test_an_unknown_marker_is_refused_as_nova_does(client: Client) -> None:
    reply = await client.get("/compute/v2.1/servers?marker=nope")
    assert reply.status == 400
    assert reply.json == {"badRequest": {"code": 400, "message": "marker [nope] not found"}}


async def test_a_forged_marker_is_no_marker(cloud: Cloud, client: Client) -> None:
    fill(cloud, client.token.project_id, 5)
    link = (await client.get("/compute/v2.1/servers?limit=2")).json["servers_links"][0]["href"]
    marker = parse_qs(urlsplit(link).query)["marker"][0]
    assert (await client.get(f"/compute/v2.1/servers?limit=2&marker={marker}")).status == 200
    forged = marker[:-3] + ("AAA" if not marker.endswith("AAA") else "BBB")
    assert (await client.get(f"/compute/v2.1/servers?limit=2&marker={forged}")).status == 400


async def test_limit_0_is_an_empty_page(cloud: Cloud, client: Client) -> None:
    fill(cloud, client.token.project_id, 5)
    assert (await client.get("/compute/v2.1/servers?limit=0")).json == {"servers": []}


async def test_a_pod_with_a_smaller_page_hides_nothing(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.max_limit = 3
    servers = fill(cloud, client.token.project_id, 30)
    pages = await follow(client, "/compute/v2.1/servers/detail")
    told = list(itertools.chain(*pages))
    assert sorted(server["id"] for server in told) == sorted(server["id"] for server in servers)
    assert [server["created"] for server in told] == sorted((s["created"] for s in servers), reverse=True)


async def test_filters_go_through_and_stay_in_the_links(cloud: Cloud, client: Client) -> None:
    project_id = client.token.project_id
    for number in range(4):
        for pod in cloud.pods:
            pod.nova.add_server(project_id, name=f"web {number}")
            pod.nova.add_server(project_id, name=f"db {number}")
    pages = await follow(client, "/compute/v2.1/servers?name=web%20&limit=3")
    assert [len(page) for page in pages] == [3, 3, 2]
    assert all(server["name"].startswith("web ") for server in itertools.chain(*pages))


async def test_a_zone_as_filter_chooses_the_pods(cloud: Cloud, client: Client) -> None:
    fill(cloud, client.token.project_id, 12)
    reply = await client.get("/compute/v2.1/servers/detail?availability_zone=az2")
    assert {server["OS-EXT-AZ:availability_zone"] for server in reply.json["servers"]} == {"az2"}
    assert len(reply.json["servers"]) == len(cloud.pods[1].nova.servers)
    assert (await client.get("/compute/v2.1/servers?availability_zone=nowhere")).json == {"servers": []}


@pytest.mark.parametrize("prefix", ["", "/{project}"])
async def test_links_carry_the_project_where_the_request_did(cloud: Cloud, client: Client, prefix: str) -> None:
    fill(cloud, client.token.project_id, 3)
    root = f"/compute/v2.1{prefix.format(project=client.token.project_id)}"
    document = (await client.get(f"{root}/servers?limit=1")).json
    server = document["servers"][0]
    assert server["links"][0]["href"] == f"{client.root}{root}/servers/{server['id']}"
    assert document["servers_links"][0]["href"].startswith(f"{client.root}{root}/servers?")


async def test_only_an_administrator_sees_all_projects(cloud: Cloud, client: Client, admin: Client) -> None:
    fill(cloud, client.token.project_id, 6)
    assert len((await admin.get("/compute/v2.1/servers?all_tenants=1")).json["servers"]) == 6
    assert (await admin.get("/compute/v2.1/servers")).json["servers"] == []


@three_pods
@pytest.mark.proves("volume", "GET /volumes", "GET /volumes/detail")
async def test_volumes_are_merged_sorted_and_paged(cloud: Cloud, client: Client) -> None:
    chance = random.Random(2)
    volumes = [
        chance.choice(cloud.pods).cinder.add(
            "volume",
            client.token.project_id,
            name=f"v{chance.randrange(5)}",
            size=chance.randrange(1, 20),
            created_at=f"2026-01-01T00:00:{chance.randrange(60):02}.000000",
        )
        for _ in range(25)
    ]
    root = f"/volume/v3/{client.token.project_id}/volumes"
    by_size = [
        volume["size"]
        for page in await follow(client, f"{root}/detail?sort=size:asc,name&limit=4", "volumes")
        for volume in page
    ]
    assert by_size == sorted(volume["size"] for volume in volumes)
    told = [v["id"] for page in await follow(client, f"{root}?limit=1", "volumes") for v in page]
    assert sorted(told) == sorted(volume["id"] for volume in volumes)
    reply = await client.get(f"{root}?limit=2&with_count=True")
    assert (len(reply.json["volumes"]), reply.json["count"]) == (2, 25)
    middle = told[10]
    reply = await client.get(f"{root}?limit=3&marker={middle}")
    assert [volume["id"] for volume in reply.json["volumes"]] == told[11:14]


async def test_an_unknown_marker_of_volumes_is_refused_as_cinder_does(client: Client) -> None:
    reply = await client.get(f"/volume/v3/{client.token.project_id}/volumes?marker=nope")
    assert reply.status == 404
    assert reply.json == {"itemNotFound": {"code": 404, "message": "Volume nope could not be found."}}


async def test_an_offset_counts_in_the_merged_list(cloud: Cloud, client: Client) -> None:
    for number in range(8):
        cloud.pods[number % 2].cinder.add("volume", client.token.project_id, name=str(number))
    root = f"/volume/v3/{client.token.project_id}/volumes"
    everything = [volume["id"] for volume in (await client.get(root)).json["volumes"]]
    reply = await client.get(f"{root}?offset=3&limit=2")
    assert [volume["id"] for volume in reply.json["volumes"]] == everything[3:5]


@pytest.mark.parametrize("kind", ["snapshot", "backup"])
@pytest.mark.proves("volume", "GET /snapshots", "GET /snapshots/detail", "GET /backups", "GET /backups/detail")
async def test_snapshots_and_backups_are_merged(cloud: Cloud, client: Client, kind: str) -> None:
    made = [pod.cinder.add(kind, client.token.project_id)["id"] for pod in cloud.pods for _ in range(3)]
    for path in (f"{kind}s", f"{kind}s/detail"):
        pages = await follow(client, f"/volume/v3/{client.token.project_id}/{path}?limit=2", f"{kind}s")
        assert sorted(item["id"] for page in pages for item in page) == sorted(made)


async def test_images_are_told_once_with_glances_own_links(cloud: Cloud, client: Client) -> None:
    for number in range(7):
        for pod in cloud.pods:
            pod.glance.add(
                client.token.project_id,
                id=f"00000000-0000-4000-8000-00000000000{number}",
                name=str(number),
                created_at=f"2026-01-01T00:00:0{number}Z",
            )
    cloud.pods[1].glance.add(client.token.project_id, b"data", name="only there")
    document = (await client.get("/image/v2/images?limit=5&name=3")).json
    assert [image["name"] for image in document["images"]] == ["3"]
    names: list[str] = []
    path = "/v2/images?limit=3"
    for _ in range(5):
        document = (await client.get(f"/image{path}")).json
        assert document["first"] == "/v2/images?limit=3"
        assert document["schema"] == "/v2/schemas/images"
        names += [image["name"] for image in document["images"]]
        if "next" not in document:
            break
        path = document["next"]
        assert path.startswith("/v2/images?")
    assert names == ["only there", "6", "5", "4", "3", "2", "1", "0"]


async def test_an_unknown_marker_of_images_is_refused_as_glance_does(client: Client) -> None:
    reply = await client.get("/image/v2/images?marker=nope")
    assert reply.status == 400
    assert "No image found with ID nope" in reply.text


@pytest.mark.proves("compute", "GET /flavors")
async def test_flavors_are_sorted_as_nova_sorts_them(cloud: Cloud, client: Client) -> None:
    for number, ram in enumerate((512, 64, 2048)):
        for pod in cloud.pods:
            pod.nova.add_flavor(str(number), ram=ram, name=f"f{2 - number}")
    cloud.pods[1].nova.add_flavor("9", ram=1)
    for query, ids in (
        ("", ["0", "1", "2", "9"]),
        ("sort_dir=desc", ["9", "2", "1", "0"]),
        ("sort_key=memory_mb", ["9", "1", "0", "2"]),
        ("sort_key=memory_mb&sort_dir=desc", ["2", "0", "1", "9"]),
        ("sort_key=name&sort_dir=asc", ["2", "1", "0", "9"]),
    ):
        pages = await follow(client, f"/compute/v2.1/flavors?limit=3&{query}", "flavors")
        assert [flavor["id"] for page in pages for flavor in page] == ids, query
    assert set(pages[0][0]) == {"id", "name", "links"}


async def test_the_marker_of_another_gateway_is_understood(
    cloud: Cloud, start_gateway: Any, client: Client, session: Any
) -> None:
    fill(cloud, client.token.project_id, 9)
    first = (await client.get("/compute/v2.1/servers?limit=4")).json
    query = urlsplit(first["servers_links"][0]["href"]).query
    async with start_gateway() as other:
        anew = Client(session, other.root, client.token)
        rest = await follow(anew, f"/compute/v2.1/servers?{query}")
    told = [server["id"] for page in (first["servers"], *rest) for server in page]
    assert len(told) == len(set(told)) == 9
