"""Ports of central Neutron: giving them a place in a pod, to a server, and taking both away.

All with Triune's own rights: a port's binding profile is not for tenants.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from triune.network.clocks import told_at
from triune.network.names import BOOT_DEVICE, PROFILE
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser

JSON = dict[str, Any]

PATH: Final = "/v2.0/ports"
_PROFILE: Final = "binding:profile"
# Neutron's answer to `If-Match` with a revision that is not the present one.
PRECONDITION_FAILED: Final = 412


class TopRefused(Exception):
    """Central Neutron refused; `document` is its answer."""

    def __init__(self, what: str, document: Document) -> None:
        super().__init__(f"{what}: central Neutron answers HTTP {document.status}: {reason(document)}")
        self.document = document


class TopChanged(TopRefused):
    """The port is no longer as it was read."""


def reason(document: Document) -> str:
    """The text of an error of Neutron, for people."""
    return fault(document)[1]


def fault(document: Document) -> tuple[str, str]:
    """The type and the text of an error of Neutron, as far as it tells."""
    try:
        inner = document.json()["NeutronError"]
        return (str(inner["type"]), str(inner["message"])) if isinstance(inner, dict) else ("", str(inner))
    except (PodUnreachable, KeyError, TypeError):
        return "", f"HTTP {document.status}"


def placement(port: Mapping[str, Any]) -> JSON:
    """What the profile of a port says of its place: `pod`, `keep`, `status`; empty where it has none."""
    found = (port.get(_PROFILE) or {}).get(PROFILE)
    return dict(found) if isinstance(found, dict) else {}


def placed(port: Mapping[str, Any], pod_id: str, keep: bool) -> JSON:
    """The change that places a port in a pod; `keep`: it outlives its server."""
    return {_PROFILE: {**(port.get(_PROFILE) or {}), PROFILE: {"pod": pod_id, "keep": keep}}}


def with_status(port: Mapping[str, Any], status: str) -> JSON:
    """The change that tells the status of a placed port in its pod."""
    return {_PROFILE: {**(port.get(_PROFILE) or {}), PROFILE: {**placement(port), "status": status}}}


def released(port: Mapping[str, Any]) -> JSON:
    """The change that gives a port back to its tenant: in no pod, of no server."""
    rest = {name: value for name, value in (port.get(_PROFILE) or {}).items() if name != PROFILE}
    changes: JSON = {"device_id": "", "device_owner": "", "binding:host_id": "", _PROFILE: rest}
    if port.get("dns_name"):
        # As Nova does when it unbinds a port: else no other server could have it.
        changes["dns_name"] = ""
    return changes


def boot_of(port: Mapping[str, Any]) -> str | None:
    """The attempt to boot that a port belongs to, or None."""
    device = str(port.get("device_id") or "")
    return device.removeprefix(BOOT_DEVICE) if device.startswith(BOOT_DEVICE) else None


class TopPorts:
    """Reads and changes them. All methods raise `PodUnreachable` where central Neutron is away, and `TopRefused`."""

    def __init__(self, user: ServiceUser, central: Pod) -> None:
        self._user = user
        self._central = central

    async def of_device(self, device_id: str) -> list[JSON]:
        """The ports of a server, or of an attempt to boot one."""
        return await self.matching([("device_id", device_id)])

    async def dated(self, device_id: str) -> tuple[list[JSON], datetime]:
        """The same, and when that was, by central Neutron's clock."""
        document = await self._read([("device_id", device_id)])
        return document.part("ports"), told_at(document)

    async def matching(self, filters: list[tuple[str, str]]) -> list[JSON]:
        """The ports that match filters of the Network API."""
        ports: list[JSON] = (await self._read(filters)).part("ports")
        return ports

    async def _read(self, filters: list[tuple[str, str]]) -> Document:
        document = await self._user.fetch(self._central, "network", "GET", PATH, query=urlencode(filters))
        if not document.ok:
            raise TopRefused("ports", document)
        return document

    async def update(self, port: Mapping[str, Any], changes: JSON, as_read: bool = False) -> JSON | None:
        """Change a port; with `as_read` only where nobody has changed it since. None where it is gone.

        Raises `TopChanged`.
        """
        document = await self._send("PUT", port, {"port": changes}, as_read)
        if document is None:
            return None
        shown: JSON = document.part("port")
        return shown

    async def delete(self, port: Mapping[str, Any], as_read: bool = False) -> None:
        """Delete a port; with `as_read` only where nobody has changed it since. Raises `TopChanged`."""
        await self._send("DELETE", port, None, as_read)

    async def let_go(self, port: Mapping[str, Any]) -> None:
        """What becomes of a port whose server is gone, as it was read. Raises `TopChanged`."""
        # What was given to an attempt was placed in the same change; what is in no pod yet was made for it.
        if placement(port).get("keep", boot_of(port) is None):
            await self.update(port, released(port), as_read=True)
        else:
            await self.delete(port, as_read=True)

    async def _send(self, method: str, port: Mapping[str, Any], body: JSON | None, as_read: bool) -> Document | None:
        headers = {"If-Match": f"revision_number={port['revision_number']}"} if as_read else None
        path = f"{PATH}/{port['id']}"
        document = await self._user.fetch(self._central, "network", method, path, body, headers=headers)
        if document.ok:
            return document
        if document.status == 404:
            return None
        refused = TopChanged if document.status == PRECONDITION_FAILED else TopRefused
        raise refused(f"port {port['id']}", document)
