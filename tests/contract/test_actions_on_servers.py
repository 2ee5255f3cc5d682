"""What is done to one server is done in its pod of two, by Nova's rules of each microversion, and told as Nova does."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from .cloud.cloud import Cloud
from .cloud.nova.server_actions import ACTS
from .conftest import Client, Reply
from .refusals import refusal

SERVERS = "/compute/v2.1/servers"
HOST = "compute-2.example"
PASSWORD = {"adminPass": "geheim/ü"}
OFFLOADED = {"status": "SHELVED_OFFLOADED", "vm_state": "shelved_offloaded"}
SHARED: dict[str, Any] = {"onSharedStorage": False}
LIVE: dict[str, Any] = {"block_migration": False, "disk_over_commit": False}


@dataclass(frozen=True)
class Case:
    """An action in a microversion: what it is given, the server before and afterwards, and what Nova answers."""

    action: str
    value: Any = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    version: str = "2.104"
    status: int = 202
    told: Any = None


def console(zone: str, server_id: str) -> str:
    return f"http://console.{zone}:6080/vnc_auto.html?path=%3Ftoken%3D{server_id}"


CASES = (
    Case("changePassword", PASSWORD, after={"password": "geheim/ü"}),
    Case("injectNetworkInfo"),
    Case("lock", version="2.1", after={"locked": True, "locked_reason": None}),
    Case("lock", {"locked_reason": "ü"}, version="2.73", after={"locked": True, "locked_reason": "ü"}),
    Case("unlock", before={"locked": True}, after={"locked": False}),
    Case("pause", after={"status": "PAUSED"}),
    Case("unpause", before={"vm_state": "paused"}, after={"status": "ACTIVE"}),
    Case("suspend", after={"status": "SUSPENDED"}),
    Case("resume", before={"vm_state": "suspended"}, after={"status": "ACTIVE"}),
    Case("shelve", after={"status": "SHELVED"}),
    Case("shelveOffload", before={"vm_state": "shelved"}, after=OFFLOADED),
    Case("unshelve", before=OFFLOADED, after={"status": "ACTIVE", "pinned": None}),
    Case("unshelve", {"host": HOST}, OFFLOADED, {"status": "ACTIVE", "host": HOST, "pinned": None}, "2.91"),
    Case("unshelve", {"host": HOST, "availability_zone": "az2"}, OFFLOADED, {"host": HOST, "pinned": "nova"}, "2.91"),
    Case("unshelve", {"availability_zone": None}, {**OFFLOADED, "pinned": "nova"}, {"pinned": None}, "2.91"),
    Case("unshelve", {"availability_zone": "az2"}, OFFLOADED, {"pinned": "nova", "zone": "nova"}, "2.77"),
    # Nobody looked at it then.
    Case("unshelve", {"availability_zone": "az1"}, OFFLOADED, {"pinned": None, "status": "ACTIVE"}, "2.76"),
    Case("restore", before={"vm_state": "soft-delete"}, after={"status": "ACTIVE"}),
    Case("trigger_crash_dump", version="2.17"),
    Case("os-resetState", {"state": "error"}, {"task_state": "deleting"}, {"status": "ERROR", "task_state": None}),
    Case("migrate", version="2.55", after={"status": "VERIFY_RESIZE", "host": "another"}),
    Case("migrate", {"host": HOST}, after={"status": "VERIFY_RESIZE", "host": HOST}, version="2.56"),
    Case("os-migrateLive", {**LIVE, "host": HOST}, after={"host": HOST}, version="2.24"),
    Case("os-migrateLive", {"block_migration": "auto", "host": None}, after={"host": "another"}, version="2.25"),
    Case("os-migrateLive", {"block_migration": "auto", "host": HOST, "force": True}, {}, {"host": HOST}, "2.30"),
    Case("evacuate", {**SHARED, **PASSWORD}, {}, {"host": "another"}, "2.13", 200, PASSWORD),
    Case("evacuate", {"host": HOST}, {}, {"host": HOST}, "2.14", 200),
    Case("evacuate", {"host": HOST, "force": True}, {}, {"host": HOST}, "2.29", 200),
    *(
        Case(f"os-get{name}Console", {"type": type_}, {}, {}, "2.5", 200)
        for name, type_ in (("VNC", "novnc"), ("SPICE", "spice-html5"), ("Serial", "serial"))
    ),
)
PROVEN = (
    "POST /servers/{server_id}/action changePassword",
    "POST /servers/{server_id}/action evacuate",
    "POST /servers/{server_id}/action injectNetworkInfo",
    "POST /servers/{server_id}/action lock",
    "POST /servers/{server_id}/action migrate",
    "POST /servers/{server_id}/action os-getSPICEConsole",
    "POST /servers/{server_id}/action os-getSerialConsole",
    "POST /servers/{server_id}/action os-getVNCConsole",
    "POST /servers/{server_id}/action os-migrateLive",
    "POST /servers/{server_id}/action os-resetState",
    "POST /servers/{server_id}/action pause",
    "POST /servers/{server_id}/action restore",
    "POST /servers/{server_id}/action resume",
    "POST /servers/{server_id}/action shelve",
    "POST /servers/{server_id}/action shelveOffload",
    "POST /servers/{server_id}/action suspend",
    "POST /servers/{server_id}/action trigger_crash_dump",
    "POST /servers/{server_id}/action unlock",
    "POST /servers/{server_id}/action unpause",
    "POST /servers/{server_id}/action unshelve",
)
REMOVED = ("POST /servers/{server_id}/action resetNetwork", "POST /servers/{server_id}/action os-getRDPConsole")
FORCED = ("POST /servers/{server_id}/action forceDelete",)


async def act(client: Client, server_id: str, action: str, value: Any, version: str = "2.104") -> Reply:
    return await client.at(f"compute {version}").post(f"{SERVERS}/{server_id}/action", {action: value})


@pytest.fixture
def hosts(cloud: Cloud) -> None:
    """The second pod has a host of its own; hosts of servers are out of order, so that these can be evacuated."""
    cloud.pods[0].nova.add_service("compute-1.example")
    cloud.pods[1].nova.add_service(HOST)
    for pod in cloud.pods:
        pod.nova.compute_is_down = True


def test_every_action_has_a_case() -> None:
    cases, forced, removed = ({name.rpartition(" ")[2] for name in names} for names in (PROVEN, FORCED, REMOVED))
    assert cases == {case.action for case in CASES}
    assert cases | forced | removed == ACTS.keys()


@pytest.mark.proves("compute", *PROVEN)
@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.action} {case.version}")
async def test_an_action_is_done_in_the_pod_of_its_server(
    cloud: Cloud, client: Client, admin: Client, case: Case
) -> None:
    nova, other = cloud.pods[1].nova, cloud.pods[0].nova
    server = nova.add_server(client.token.project_id, **case.before)
    was = dict(server)
    reply = await act(admin, server["id"], case.action, case.value, case.version)
    assert reply.status == case.status, reply.text
    if case.action.endswith("Console"):
        assert reply.json["console"] == {"type": case.value["type"], "url": console(nova.zone, server["id"])}
    elif case.told is None:
        assert reply.body == b""
    else:
        assert reply.json == case.told
    assert reply.headers["OpenStack-API-Version"] == f"compute {case.version}"
    assert server["acted"] == [case.action]
    assert {name: server[name] for name in case.after} == case.after
    changed = {name for name in server if server[name] != was.get(name)} - {"acted", "vm_state", "status", *case.after}
    assert not changed
    assert other.count("POST") == 0


@pytest.mark.proves("compute", *FORCED)
async def test_a_server_is_deleted_by_force(cloud: Cloud, client: Client) -> None:
    kept, server = (pod.nova.add_server(client.token.project_id) for pod in cloud.pods)
    assert (await act(client, server["id"], "forceDelete", None)).status == 202
    assert [list(pod.nova.servers) for pod in cloud.pods] == [[kept["id"]], []]
    assert (await client.get(f"{SERVERS}/{server['id']}")).status == 404


@pytest.mark.proves("compute", *REMOVED)
async def test_what_nova_removed_is_refused_by_it(cloud: Cloud, admin: Client) -> None:
    server = cloud.pods[1].nova.add_server(admin.token.project_id)
    gone = "This resource is no longer available.  No forwarding address is given."
    assert refusal(await act(admin, server["id"], "resetNetwork", None)) == (410, gone)
    assert (await act(admin, server["id"], "os-getRDPConsole", {"type": "rdp-html5"}, "2.5")).status == 400
    assert (await act(admin, server["id"], "os-getRDPConsole", {"type": "rdp-html5"}, "2.6")).status == 404
    assert server["acted"] == ["resetNetwork", "os-getRDPConsole", "os-getRDPConsole"]


@pytest.mark.parametrize("action", list(ACTS))
async def test_a_server_of_nobody_or_of_others_is_not_there(cloud: Cloud, client: Client, action: str) -> None:
    others = cloud.pods[1].nova.add_server("0" * 32)["id"]
    for server_id in (str(uuid.uuid4()), others):
        text = f"Instance {server_id} could not be found."
        assert refusal(await act(client, server_id, action, None)) == (404, text)
    assert "acted" not in cloud.pods[1].nova.servers[others]


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("action", "value", "version"),
    [
        ("changePassword", None, "2.104"),
        ("changePassword", {"adminPass": 7}, "2.104"),
        ("evacuate", {}, "2.13"),
        ("evacuate", SHARED, "2.14"),
        ("evacuate", {"force": True}, "2.28"),
        ("evacuate", {"host": HOST, "force": True}, "2.68"),
        ("evacuate", [], "2.104"),
        ("lock", {"locked_reason": 7}, "2.73"),
        ("migrate", {"host": 7}, "2.56"),
        ("migrate", {"host": HOST, "zone": "az2"}, "2.56"),
        ("os-getVNCConsole", {"type": "spice-html5"}, "2.1"),
        ("os-getSPICEConsole", "spice-html5", "2.1"),
        ("os-getSerialConsole", {}, "2.1"),
        ("os-migrateLive", {"host": HOST}, "2.104"),
        ("os-migrateLive", {"block_migration": "auto", "host": None}, "2.24"),
        ("os-migrateLive", {"block_migration": "auto", "host": HOST, "force": True}, "2.68"),
        ("os-resetState", {"state": "deleted"}, "2.1"),
        ("os-resetState", ["error"], "2.1"),
        ("trigger_crash_dump", {}, "2.17"),
        ("unshelve", {}, "2.77"),
        ("unshelve", {"availability_zone": None}, "2.77"),
        ("unshelve", {"availability_zone": 7}, "2.77"),
        ("unshelve", {"availability_zone": ["az2"]}, "2.91"),
        ("unshelve", {"host": 7}, "2.91"),
        ("unshelve", "az2", "2.91"),
    ],
)
async def test_what_does_not_fit_is_refused_in_novas_words(
    cloud: Cloud, admin: Client, action: str, value: Any, version: str
) -> None:
    server = cloud.pods[1].nova.add_server(admin.token.project_id, **OFFLOADED)
    was = dict(server)
    status, text = refusal(await act(admin, server["id"], action, value, version))
    assert (status, text.startswith(("Invalid input for field/attribute", "Additional properties"))) == (400, True)
    assert server == was | {"acted": [action]}


@pytest.mark.parametrize(("action", "version"), [("trigger_crash_dump", "2.16"), ("os-getVNCConsole", "2.6")])
async def test_other_microversions_lack_an_action(cloud: Cloud, client: Client, action: str, version: str) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    text = f"API version {version} is not supported on this method."
    assert refusal(await act(client, server["id"], action, None, version)) == (404, text)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"{", b"", b'{"pause": null, "lock": null}', b"[1]", b"7", b"null"])
async def test_what_is_no_action_is_refused_in_novas_words(cloud: Cloud, client: Client, body: bytes) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    headers = {"Content-Type": "application/json"}
    reply = await client.post(f"{SERVERS}/{server['id']}/action", data=body, headers=headers)
    native = {404: "The resource could not be found.", 400: "Malformed request body"}
    assert refusal(reply) == (404 if body in (b"[1]", b"7", b"null") else 400, native[reply.status])
    assert "acted" not in server


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("action", "value", "status", "text"),
    [
        ("migrate", {"host": "compute-1.example"}, 400, "Compute host compute-1.example could not be found."),
        (
            "os-migrateLive", {"block_migration": "auto", "host": "compute-1.example"},
            400, "Compute host compute-1.example could not be found.",
        ),
        ("evacuate", {"host": "compute-1.example"}, 404, "Compute host compute-1.example not found."),
        ("unshelve", {"host": "compute-1.example"}, 400, "Compute host compute-1.example could not be found."),
        ("unshelve", {"availability_zone": "az1"}, 400, "The requested availability zone is not available"),
        ("unshelve", {"availability_zone": "nova"}, 400, "The requested availability zone is not available"),
        ("migrate", {"host": "pod"}, 400, "Cannot migrate to the host where the server exists."),
    ],
)  # fmt: skip
async def test_a_server_does_not_leave_its_pod(
    cloud: Cloud, admin: Client, action: str, value: Any, status: int, text: str
) -> None:
    states = OFFLOADED if action == "unshelve" else {}
    server = cloud.pods[1].nova.add_server(admin.token.project_id, **states)
    was = dict(server)
    assert refusal(await act(admin, server["id"], action, value)) == (status, text)
    assert {**server, "acted": []} == {**was, "acted": []}


async def test_the_state_of_a_server_is_judged_by_its_pod(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    text = f"Cannot 'unpause' instance {server['id']} while it is in vm_state active"
    assert refusal(await act(client, server["id"], "unpause", None)) == (409, text)
    # Only where its zone is known to the pod does Nova look at the state, which is not one to choose a zone in.
    status, text = refusal(await act(client, server["id"], "unshelve", {"availability_zone": "az2"}))
    assert status == 409
    server |= {"vm_state": "shelved"}
    status, text = refusal(await act(client, server["id"], "unshelve", {"availability_zone": "az2"}))
    assert (status, text.endswith("The server status must be SHELVED_OFFLOADED.")) == (409, True)


async def test_what_is_for_administrators_is_refused_to_others(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id, **OFFLOADED)
    was = dict(server)
    values = {"evacuate": {}, "os-resetState": {"state": "error"}, "unshelve": {"host": HOST}}
    values["os-migrateLive"] = {"block_migration": "auto", "host": None}
    for action in ("injectNetworkInfo", "migrate", "shelveOffload", *values):
        status, text = refusal(await act(client, server["id"], action, values.get(action)))
        assert (status, text.startswith("Policy doesn't allow os_compute_api:os-")) == (403, True)
    assert {**server, "acted": []} == {**was, "acted": []}
