"""The networks of a new server as central Neutron knows them, judged as Nova would judge them.

Texts and status codes: nova/network/neutron.py (`validate_networks`, `_validate_requested_network_ids`,
`_create_ports_for_instance`) and nova/exception.py, release 34. What Nova finds out only while it builds, so that the
server ends in ERROR, is refused here at once, with the text that the server would show.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from triune.gateway.call import Call
from triune.gateway.compute.requested import Nic, Requested
from triune.gateway.errors import ApiError
from triune.network import top
from triune.network.names import NETWORK, PORT
from triune.network.top import NETWORK_SERVICE, central
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import is_uuid

JSON = dict[str, Any]

AMBIGUOUS = "Multiple possible networks found, use a Network ID to be more specific."
NO_GROUPS_THERE = "Network requires port_security_enabled and subnet associated in order to apply security groups."


class Refusal(ApiError):
    """A refusal whose status is another one (`attaching`) where an interface is attached to a server."""

    def __init__(self, status: int, message: str, attaching: int) -> None:
        super().__init__(status, message)
        self.attaching = attaching


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a server on a network of central Neutron: a new port there, or `port`, which exists."""

    nic: Nic
    network: JSON
    port: JSON | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a server gets: interfaces on networks of the top, and those that only a pod can know, in their order.

    `group_ids` are the security groups of new ports; empty: what Neutron gives by default. `allocates`: there is no
    network yet, and Neutron can make one (`allocated`).
    """

    interfaces: tuple[Interface | Nic, ...]
    group_ids: tuple[str, ...] = ()
    allocates: bool = False

    @property
    def of_top(self) -> tuple[Interface, ...]:
        """Those on networks of central Neutron."""
        return tuple(interface for interface in self.interfaces if isinstance(interface, Interface))

    @property
    def of_pod(self) -> tuple[Nic, ...]:
        """Those that central Neutron does not know."""
        return tuple(interface for interface in self.interfaces if isinstance(interface, Nic))

    @property
    def is_of_pod(self) -> bool:
        """Whether all of it, security groups included, is a pod's own affair."""
        return bool(self.of_pod) and not self.of_top


async def has_networks(call: Call) -> bool:
    """Whether the central region has networks of its own."""
    return await top.has_networks(call.gateway.conf, call.gateway.endpoints)


async def resolve(call: Call, wanted: Requested, project_id: str | None) -> Resolved:
    """Look up what a request names for a server of a project. Raises `ApiError` as Nova would, `PodUnreachable`."""
    looked_up = _chosen(call, wanted.auto, project_id or "") if wanted.nics is None else _named(call, wanted.nics)
    groups, interfaces = await asyncio.gather(_group_ids(call, wanted.groups), looked_up, return_exceptions=True)
    if isinstance(interfaces, BaseException):
        raise groups if isinstance(groups, ApiError) else interfaces
    resolved = Resolved(tuple(interfaces), allocates=wanted.auto and not interfaces)
    if resolved.is_of_pod:
        return resolved
    # Security groups first, as Nova does: the first mistake is the one that is told.
    if isinstance(groups, BaseException):
        raise groups
    for interface in resolved.of_top:
        _judge(call, interface, groups, project_id)
    return replace(resolved, group_ids=groups)


async def ask(call: Call, path: str, filters: Iterable[tuple[str, str]] = ()) -> Document:
    """Ask central Neutron with the caller's rights. Raises `PodUnreachable`."""
    target = call.target(central(call.gateway.conf), "GET", path, urlencode(list(filters)), NETWORK_SERVICE)
    return await call.fetch(target)


def away(error: PodUnreachable) -> ApiError:
    """The error of a request for which central Neutron would be needed."""
    return ApiError(504 if error.sent else 503, "The network service does not answer.")


async def _listed(call: Call, kind: str, filters: Iterable[tuple[str, str]], own: bool = False) -> list[JSON]:
    """Resources as the caller sees them, or with `own` as Triune does. Raises `PodUnreachable`, `ApiError`."""
    path = f"/v2.0/{kind}"
    if own:
        gateway = call.gateway
        query = urlencode(list(filters))
        document = await gateway.service_user.fetch(central(gateway.conf), NETWORK_SERVICE, "GET", path, query=query)
    else:
        document = await ask(call, path, filters)
    if not document.ok:
        raise ApiError(503, f"The network service answers HTTP {document.status}.")
    found: list[JSON] = document.part(kind.replace("-", "_"))
    return found


# -- security groups


async def _group_ids(call: Call, groups: tuple[str, ...]) -> tuple[str, ...]:
    # Neutron gives the group `default` to a port that names none.
    if groups in ((), ("default",)):
        return ()
    return tuple(await asyncio.gather(*(_group_id(call, group) for group in groups)))


async def _group_id(call: Call, group: str) -> str:
    try:
        return await find_group(call, group)
    except LookupError as error:
        raise ApiError(400, str(error)) from error


async def find_group(call: Call, group: str) -> str:
    """The id of a security group that is named by id or, among the project's own, by name.

    Raises `LookupError` with neutronclient's text for an unknown one, `ApiError` 409 for an ambiguous one.
    """
    if is_uuid(group):
        filters = [("id", group.lower()), ("fields", "id")]
        if found := await _listed(call, "security-groups", filters):
            return str(found[0]["id"])
    filters = [("name", group), ("fields", "id"), ("tenant_id", call.caller.project_id or "")]
    found = await _listed(call, "security-groups", filters)
    if len(found) > 1:
        # neutronclient/common/exceptions.py, NeutronClientNoUniqueMatch
        raise ApiError(409, f"Multiple security_group matches found for name '{group}', use an ID to be more specific.")
    if not found:
        raise LookupError(f"Unable to find security_group with name or id '{group}'")
    return str(found[0]["id"])


# -- networks and ports


async def _chosen(call: Call, auto: bool, project_id: str) -> list[Interface | Nic]:
    """The project's only network, where a request names none."""
    mine, shared = await asyncio.gather(
        _listed(call, "networks", [("tenant_id", project_id), ("shared", "False")]),
        _listed(call, "networks", [("shared", "True")]),
    )
    found = list({network["id"]: network for network in (*mine, *shared)}.values())
    if len(found) > 1:
        raise Refusal(409, AMBIGUOUS, 400)
    if not found:
        if auto:
            # As Nova does: the network itself is made for a server that is on its way.
            await _topology(call, project_id, [("fields", "dry-run")])
        return []
    return await _named(call, (Nic(network_id=found[0]["id"]),))


async def allocated(call: Call, resolved: Resolved, project_id: str | None) -> Resolved:
    """The same with the network that Neutron makes for a project that has none. Raises `ApiError`, `PodUnreachable`."""
    network_id = (await _topology(call, project_id or "")).part("auto_allocated_topology", "id")
    interfaces = await _named(call, (Nic(network_id=network_id),))
    made = Resolved(tuple(interfaces), resolved.group_ids)
    if not made.of_top:
        raise _cannot_allocate(project_id)
    _judge(call, made.of_top[0], made.group_ids, project_id)
    return made


async def _topology(call: Call, project_id: str, filters: Iterable[tuple[str, str]] = ()) -> Document:
    """Neutron's answer about the network that it makes by itself."""
    document = await ask(call, f"/v2.0/auto-allocated-topology/{project_id}", filters)
    if document.status >= 500:
        raise ApiError(503, f"The network service answers HTTP {document.status}.")
    if not document.ok:
        raise _cannot_allocate(project_id)
    return document


def _cannot_allocate(project_id: str | None) -> ApiError:
    return ApiError(400, f"Unable to automatically allocate a network for project {project_id}")


async def _named(call: Call, nics: Iterable[Nic]) -> list[Interface | Nic]:
    nics = tuple(nics)
    port_ids = [nic.port_id.lower() for nic in nics if nic.port_id is not None]
    network_ids = [nic.network_id.lower() for nic in nics if nic.network_id is not None]
    ports, networks = await asyncio.gather(_ports(call, port_ids), _networks(call, network_ids))
    networks |= await _networks(call, {port["network_id"] for port in ports.values()} - networks.keys(), visible=False)
    result: list[Interface | Nic] = []
    for nic in nics:
        port = ports.get((nic.port_id or "").lower())
        network = networks.get(port["network_id"] if port is not None else (nic.network_id or "").lower())
        result.append(nic if network is None else Interface(nic, network, port))
    await _refuse_twins(call, [nic for nic in result if isinstance(nic, Nic)])
    return result


async def _refuse_twins(call: Call, nics: list[Nic]) -> None:
    """What Triune keeps in a pod is nobody's to name by its id there. Raises `Refusal`."""
    ports = {nic.port_id.lower() for nic in nics if nic.port_id is not None}
    networks = {nic.network_id.lower() for nic in nics if nic.network_id is not None and nic.port_id is None}
    routings = call.gateway.routings
    twins: set[str] = set()
    for kind, ids in ((PORT, ports), (NETWORK, networks)):
        twins |= await routings.twins(kind, ids) if ids else set()
    for nic in nics:
        if (nic.port_id or nic.network_id or "").lower() in twins:
            raise unknown(nic)


async def _networks(call: Call, ids: Iterable[str], visible: bool = True) -> dict[str, JSON]:
    """Networks by id, as Triune sees them; with `visible` those that the caller sees."""
    wanted = [("id", network_id) for network_id in dict.fromkeys(ids)]
    if not wanted:
        return {}
    found = {network["id"]: network for network in await _listed(call, "networks", wanted, own=True)}
    doubtful = [network["id"] for network in found.values() if not _is_for(call, network)]
    if visible and doubtful:
        filters = [("fields", "id"), *(("id", network_id) for network_id in doubtful)]
        seen = {network["id"] for network in await _listed(call, "networks", filters)}
        found = {
            network_id: found[network_id] for network_id in found if network_id in seen or network_id not in doubtful
        }
    return found


def _is_for(call: Call, resource: JSON) -> bool:
    return call.caller.is_admin or resource["tenant_id"] == call.caller.project_id or bool(resource.get("shared"))


async def _ports(call: Call, ids: Iterable[str]) -> dict[str, JSON]:
    wanted = [("id", port_id) for port_id in ids]
    if not wanted:
        return {}
    found = {port["id"]: port for port in await _listed(call, "ports", wanted, own=True)}
    doubtful = [port["id"] for port in found.values() if not _is_for(call, port)]
    if doubtful:
        filters = [("fields", "id"), *(("id", port_id) for port_id in doubtful)]
        seen = {port["id"] for port in await _listed(call, "ports", filters)}
        found = {port_id: found[port_id] for port_id in found if port_id in seen or port_id not in doubtful}
    return found


# -- judgement


def _judge(call: Call, interface: Interface, group_ids: tuple[str, ...], project_id: str | None) -> None:
    """Refuse what Nova refuses. Raises `ApiError`."""
    network, port = interface.network, interface.port
    if network.get("router:external") and not network.get("shared") and not call.caller.is_admin:
        raise ApiError(403, f"It is not allowed to create an interface on external network {network['id']}")
    if port is not None:
        judge_port(port, project_id)
        return
    if not network.get("subnets"):
        raise ApiError(400, f"Network {network['id']} requires a subnet in order to boot instances on.")
    if group_ids and not network.get("port_security_enabled", True):
        raise ApiError(400, NO_GROUPS_THERE)


def judge_port(port: JSON, project_id: str | None) -> None:
    """Refuse a port that cannot be given to a server of a project. Raises `ApiError`."""
    if port.get("device_id"):
        raise in_use(port["id"])
    if port["tenant_id"] != project_id:
        # Nova, which has made the server by then, names it.
        raise ApiError(400, f"Port {port['id']} not usable for instance.")
    if not port.get("fixed_ips") and port.get("ip_allocation") not in ("deferred", "none"):
        raise ApiError(400, f"Port {port['id']} requires a FixedIP in order to be used.")


def in_use(port_id: str) -> ApiError:
    """A port is another server's."""
    return ApiError(409, f"Port {port_id} is still in use.")


def unknown(nic: Nic) -> Refusal:
    """Neither central Neutron nor a pod has it."""
    if nic.port_id is not None:
        return Refusal(400, f"Port id {nic.port_id} could not be found.", 404)
    return Refusal(400, f"Network {nic.network_id} could not be found.", 404)
