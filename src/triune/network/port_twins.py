"""The twins of ports: how a pod's Neutron shows what central Neutron's ports are there."""

from collections.abc import Iterable, Mapping
from typing import Any

from triune.network.names import TAG, tag
from triune.network.neutron import AT_ONCE, Neutron
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser
from triune.portions import portions

JSON = dict[str, Any]


async def twins(user: ServiceUser, pod: Pod, ports: Iterable[Mapping[str, Any]]) -> dict[str, JSON]:
    """The twins of ports in a pod, by the ids of the top. Raises `PodUnreachable`, `Refused`.

    A twin carries the tag of its port and belongs to its port's project: anybody may tag what is his own.
    """
    owners = {tag(port["id"]): port for port in ports}
    neutron = Neutron(user, pod)
    found: dict[str, JSON] = {}
    for tags in portions(owners, AT_ONCE):
        for twin in await neutron.list("ports", [("tags-any", ",".join(tags))]):
            for name in twin.get("tags", ()):
                port = owners.get(name)
                if port is None or twin.get("tenant_id") != port.get("tenant_id") or TAG not in twin["tags"]:
                    continue
                # Of two with the same tag the one in use is meant.
                if port["id"] not in found or twin.get("device_id"):
                    found[port["id"]] = twin
    return found
