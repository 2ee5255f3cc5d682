"""Several pods in one availability zone: what tests of choosing between them have in common."""

from typing import Any

from .cloud.cloud import Cloud
from .conftest import Client, Reply


async def one_zone(admin: Client, zone: str = "az") -> None:
    """Put all pods into one zone."""
    for pod in (await admin.get("/v1.0/pods")).json["pods"]:
        reply = await admin.request("PATCH", f"/v1.0/pods/{pod['pod_id']}", json={"pod": {"az_name": zone}})
        assert reply.status == 200


async def post_server(client: Client, version: str = "2.37", hints: Any = None, **fields: Any) -> Reply:
    """Ask for a server without networks, where nothing else is said."""
    server = {"name": "vm", "flavorRef": "1", "networks": "none", **fields}
    body = {"server": server, **({"os:scheduler_hints": hints} if hints is not None else {})}
    return await client.at(f"compute {version}").post("/compute/v2.1/servers", body)


def holders(cloud: Cloud) -> list[int]:
    """How many servers each pod has."""
    return [len(pod.nova.servers) for pod in cloud.pods]
