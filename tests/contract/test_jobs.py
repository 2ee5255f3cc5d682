"""The admin API of jobs: every kind, what is waited for, counts, refusals."""

from typing import Any

import pytest

from triune.network import names
from triune.work.kinds import KINDS
from triune.work.requests import Key

from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running

GIVEN = {"user_id": "u", "name": "a/b"}


async def jobs(admin: Client, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.get(f"/v1.0/jobs{query}")).json["jobs"]
    return found


async def first_pod(admin: Client) -> str:
    pod: str = (await admin.get("/v1.0/pods")).json["pods"][0]["pod_id"]
    return pod


async def test_jobs_speak_the_admin_api(cloud: Cloud, gateway: Running, admin: Client, client: Client) -> None:
    pod = await first_pod(admin)
    resource = {"flavor_id": "f9", "pod_id": pod}
    reply = await admin.post("/v1.0/jobs", {"job": {"type": "flavor", "project_id": "p", "resource": resource}})
    assert reply.status == 202
    job = reply.json["job"]
    assert (job["status"], job["resource"], job["attempts"], job["last_error"]) == ("NEW", resource, 0, None)
    assert job["due_at"] is not None
    assert (await admin.get(f"/v1.0/jobs/{job['id']}")).json == {"job": job}
    assert (await admin.put(f"/v1.0/jobs/{job['id']}")).status == 200
    assert (await client.get("/v1.0/jobs")).status == 403
    assert (await admin.get("/v1.0/jobs/none")).status == 404
    schemas = {schema["type"]: schema["resource"] for schema in (await admin.get("/v1.0/jobs/schemas")).json["schemas"]}
    assert schemas["flavor"] == ["flavor_id", "pod_id"]
    assert (schemas["boot"], schemas["drift"]) == (["boot_id"], ["pod_id"])
    assert (await admin.delete(f"/v1.0/jobs/{job['id']}")).json == {}
    assert await jobs(admin) == []


async def test_jobs_are_paged_and_filtered(cloud: Cloud, admin: Client) -> None:
    pod = await first_pod(admin)
    for number in range(5):
        resource = {"flavor_id": f"f{number}", "pod_id": pod}
        await admin.post("/v1.0/jobs", {"job": {"type": "flavor", "project_id": "p", "resource": resource}})
    seen, path = [], "/v1.0/jobs?limit=2&type=flavor"
    while path:
        page = (await admin.get(path)).json
        seen += [job["resource"]["flavor_id"] for job in page["jobs"]]
        path = next((link["href"] for link in page.get("jobs_links", ())), "")
    assert sorted(seen) == [f"f{number}" for number in range(5)]
    assert await jobs(admin, "?type=image") == []


@pytest.mark.parametrize("settings", [{"gateway": {"max_limit": 2}}], indirect=True)
async def test_pages_have_an_end(cloud: Cloud, gateway: Running, admin: Client) -> None:
    async with gateway.shared.database.transaction() as session:
        keys = [Key("flavor", f"f{number}", "pod") for number in range(3)]
        await gateway.shared.journal.request(session, keys, "p", "req-1")
    for query in ("", "?limit=50"):
        page = (await admin.get(f"/v1.0/jobs{query}")).json
        rest = (await admin.get(page["jobs_links"][0]["href"])).json
        assert (len(page["jobs"]), len(rest["jobs"])) == (2, 1)


async def test_bad_jobs_are_refused(cloud: Cloud, admin: Client) -> None:
    pod = await first_pod(admin)
    good = {"type": "flavor", "project_id": "p", "resource": {"flavor_id": "f", "pod_id": pod}}
    bad = [
        [],
        {"job": []},
        {"job": {**good, "type": "unknown"}},
        {"job": {**good, "project_id": ""}},
        {"job": {**good, "resource": {"pod_id": pod}}},
        {"job": {**good, "resource": {**good["resource"], "more": "x"}}},
        {"job": {**good, "resource": {"flavor_id": "f", "pod_id": "none"}}},
    ]
    for body in bad:
        assert (await admin.post("/v1.0/jobs", body)).status == 400, body
    for query in ("?limit=0", "?limit=x", "?marker=none", "?status=odd", "?color=red"):
        assert (await admin.get(f"/v1.0/jobs{query}")).status == 400, query
    assert await jobs(admin) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_jobs_of_every_kind_can_be_asked_for(cloud: Cloud, gateway: Running, admin: Client, kind: str) -> None:
    pod = await first_pod(admin)
    schemas = {schema["type"]: schema["resource"] for schema in (await admin.get("/v1.0/jobs/schemas")).json["schemas"]}
    resource = {name: GIVEN.get(name, "r") for name in schemas[kind]}
    if "pod_id" in resource:
        resource["pod_id"] = pod
    for _ in range(2):
        reply = await admin.post("/v1.0/jobs", {"job": {"type": kind, "project_id": "p", "resource": resource}})
        assert reply.status == 202
    assert reply.json["job"]["resource"] == resource
    (job,) = await jobs(admin, f"?type={kind}")
    assert (job["id"], job["resource"]) == (reply.json["job"]["id"], resource)


async def test_every_kind_of_the_network_has_a_schema(cloud: Cloud, admin: Client) -> None:
    # What is no kind says so by the end of its name.
    texts = ("TAG", "PROFILE", "_DEVICE", "_DEVICES", "_OWNER", "_OWNERS", "_NAME")
    words = {name: value for name, value in vars(names).items() if name.isupper() and not name.startswith("_")}
    kinds = {value for name, value in words.items() if not name.endswith(texts)}
    assert kinds <= {schema["type"] for schema in (await admin.get("/v1.0/jobs/schemas")).json["schemas"]}


async def test_a_job_tells_what_it_waits_for(cloud: Cloud, gateway: Running, admin: Client) -> None:
    pod, journal = await first_pod(admin), gateway.shared.journal
    async with gateway.shared.database.transaction() as session:
        await journal.request(session, Key(names.SERVER, "s1", pod), "p", "req-1")
    entry = await journal.find(Key(names.SERVER, "s1", pod))
    assert entry is not None
    lease = await journal.claim(entry, "worker")
    assert lease is not None
    (job,) = await jobs(admin, "?status=running")
    assert (job["status"], job["due_at"]) == ("RUNNING", None)
    await journal.waits(lease, "the server is being built", 60.0)
    (job,) = await jobs(admin, "?status=new")
    assert (job["attempts"], job["last_error"]) == (0, "the server is being built")
    assert job["due_at"] > job["timestamp"]


async def test_jobs_are_counted(cloud: Cloud, gateway: Running, admin: Client, client: Client) -> None:
    pod, journal = await first_pod(admin), gateway.shared.journal
    async with gateway.shared.database.transaction() as session:
        await journal.request(session, [Key("flavor", f"f{number}", pod) for number in range(3)], "p", "req-1")
        await journal.request(session, Key("image", "i", pod), "q", "req-2")
    await journal.done([Key("flavor", "f1", pod)])
    counts = (await admin.get("/v1.0/jobs/counts")).json["counts"]
    assert counts == {"NEW": 3, "RUNNING": 0, "SUCCESS": 1, "FAIL": 0}
    for query, number in (("type=image", 1), ("project_id=p", 2), ("status=success", 0), ("status=new", 3)):
        assert (await admin.get(f"/v1.0/jobs/counts?{query}")).json["counts"]["NEW"] == number, query
        status = query.partition("status=")[2]
        found = await jobs(admin, f"?{query}" if status == "new" else f"?{query}&status=new")
        assert status == "success" or len(found) == number
    assert (await admin.get("/v1.0/jobs/counts?color=red")).status == 400
    assert (await client.get("/v1.0/jobs/counts")).status == 403


async def test_running_and_finished_jobs_are_not_redone(cloud: Cloud, gateway: Running, admin: Client) -> None:
    pod, journal = await first_pod(admin), gateway.shared.journal
    async with gateway.shared.database.transaction() as session:
        await journal.request(session, Key("flavor", "f", pod), "p", "req-1")
    (job,) = await jobs(admin)
    entry = await journal.find(Key("flavor", "f", pod))
    assert entry is not None
    lease = await journal.claim(entry, "worker")
    assert lease is not None
    assert (await admin.put(f"/v1.0/jobs/{job['id']}")).status == 400
    assert (await admin.delete(f"/v1.0/jobs/{job['id']}")).status == 400
    await journal.succeeded(lease)
    assert (await admin.put(f"/v1.0/jobs/{job['id']}")).status == 400
    assert (await admin.delete(f"/v1.0/jobs/{job['id']}")).status == 200
