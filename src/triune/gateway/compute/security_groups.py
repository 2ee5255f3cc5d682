"""`GET /servers/{server_id}/os-security-groups`: the groups of a server's ports as central Neutron has them.

Form: nova/api/openstack/compute/security_groups.py and nova/network/security_group_api.py, release 34.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from triune.gateway.call import Call
from triune.gateway.compute.interfaces import ports_of
from triune.gateway.compute.networks import ask, away, has_networks
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.place import JSON
from triune.gateway.strategies import Owner
from triune.gateway.written import written
from triune.pods.client import PodUnreachable
from triune.pods.locate import SERVER

_OWNER = Owner(SERVER, "server_id")


async def server_groups(call: Call) -> Response:
    """The security groups of a server. The pod is asked too, which knows who may see the server."""
    if not await has_networks(call):
        return await _OWNER(call)
    try:
        response, ports = await asyncio.gather(_OWNER(call), ports_of(call, call.parameters["server_id"]))
        if response.status != 200 or not ports:
            return response
        groups = await _groups(call, {group_id for port in ports for group_id in port.get("security_groups", ())})
        remote = {rule["remote_group_id"] for group in groups for rule in group["security_group_rules"]}
        others = await _groups(call, remote - {None} - {group["id"] for group in groups})
    except PodUnreachable as error:
        raise (away(error) if error.pod.is_central else error) from error
    known = {group["id"]: group for group in (*groups, *others)}
    shown = sorted((view(group, known) for group in groups), key=lambda group: (group["tenant_id"], group["name"]))
    response.body = written({"security_groups": shown})
    response.headers.popall("Content-Length", None)
    return response


async def _groups(call: Call, ids: Iterable[str]) -> list[JSON]:
    wanted = [("id", group_id) for group_id in ids]
    if not wanted:
        return []
    document = await ask(call, "/v2.0/security-groups", wanted)
    if not document.ok:
        raise ApiError(503, f"The network service answers HTTP {document.status}.")
    groups: list[JSON] = document.part("security_groups")
    return groups


def view(group: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> JSON:
    """A group of Neutron as Nova tells it; a rule whose remote group is not `known` is left out."""
    ingress = [rule for rule in group["security_group_rules"] if rule["direction"] == "ingress"]
    return {
        "id": group["id"],
        "name": group["name"],
        "description": group["description"],
        "tenant_id": group["tenant_id"],
        "rules": [rule_view(rule, known) for rule in ingress if rule["remote_group_id"] in (None, *known)],
    }


def rule_view(rule: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> JSON:
    """A rule of Neutron as Nova tells it."""
    protocol, first, last = rule["protocol"], rule.get("port_range_min"), rule.get("port_range_max")
    if protocol and first is None and last is None:
        first, last = (1, 65535) if str(protocol).upper() in ("TCP", "UDP") else (-1, -1)
    remote = known.get(rule["remote_group_id"] or "")
    return {
        "id": rule["id"],
        "parent_group_id": rule["security_group_id"],
        "ip_protocol": protocol,
        "from_port": first,
        "to_port": last,
        "group": {"name": remote["name"], "tenant_id": remote["tenant_id"]} if remote is not None else {},
        "ip_range": {} if remote is not None else {"cidr": rule.get("remote_ip_prefix") or "0.0.0.0/0"},
    }
