"""The twins of ports: how a pod's Neutron shows what central Neutron's ports are there."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from triune.network.names import TAG, tag
from triune.pods.client import Document
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser

JSON = dict[str, Any]


class PodRefused(Exception):
    """A pod answers with an error where Triune's own user asks it."""

    def __init__(self, what: str, document: Document) -> None:
        super().__init__(f"{what}: {document.pod.region_name} answers HTTP {document.status}")


async def twins(user: ServiceUser, pod: Pod, ports: Iterable[Mapping[str, Any]]) -> dict[str, JSON]:
    """The twins of ports in a pod, by the ids of the top. Raises `PodUnreachable`, `PodRefused`.

    A twin carries the tag of its port and belongs to its port's project: anybody may tag what is his own.
    """
    owners = {tag(port["id"]): port for port in ports}
    if not owners:
        return {}
    query = urlencode([("tags-any", ",".join(owners))])
    document = await user.fetch(pod, "network", "GET", "/v2.0/ports", query=query)
    if not document.ok:
        raise PodRefused("ports", document)
    found: dict[str, JSON] = {}
    for twin in document.part("ports"):
        for name in twin.get("tags", ()):
            port = owners.get(name)
            if port is None or twin.get("tenant_id") != port.get("tenant_id") or TAG not in twin["tags"]:
                continue
            # Of two with the same tag the one in use is meant.
            if port["id"] not in found or twin.get("device_id"):
                found[port["id"]] = twin
    return found
