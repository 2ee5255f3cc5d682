"""Addresses of servers as their pods tell them: floating IPs are put in the words of the top.

Where a server is in another pod than the external network, its pod knows an address between pods in place of the
public one (`triune.network.routing.floating`).
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_address
from typing import Any

import msgspec
from oslo_log import log as logging

from triune.db.engine import DatabaseUnavailable
from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.strategies import Owner
from triune.gateway.written import written
from triune.network.public_addresses import public_addresses
from triune.pods.locate import SERVER

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]


async def with_public_addresses(call: Call, response: Response) -> Response:
    """An answer about servers, with their public addresses in place of those between pods."""
    # A quick look: most servers have no floating IP.
    if response.status == 200 and isinstance(response.body, bytes) and b'"floating"' in response.body:
        document = msgspec.json.decode(response.body)
        servers = [document["server"]] if "server" in document else document.get("servers") or []
        told = {each["id"]: each["addresses"].values() for each in servers if isinstance(each.get("addresses"), dict)}
        await _translate(call, response, document, told)
    return response


class Addresses:
    """`GET /servers/{server_id}/ips` and `/ips/{network_label}`: the pod of the server answers."""

    def __init__(self) -> None:
        self._owner = Owner(SERVER, "server_id")

    async def __call__(self, call: Call) -> Response:
        response = await self._owner(call)
        if response.status == 200 and isinstance(response.body, bytes):
            document = msgspec.json.decode(response.body)
            # One network is told by its label, which may be any word.
            networks = document if call.parameters.get("network_label") else document["addresses"]
            await _translate(call, response, document, {call.parameters["server_id"]: networks.values()})
        return response


async def _translate(call: Call, response: Response, document: JSON, told: dict[str, Iterable[list[JSON]]]) -> None:
    """Put public addresses into a document; `told` are parts of it: the networks of each server."""
    between_pods = IPv4Network(call.gateway.conf.network.bridge_range)
    inner = [(server_id, each) for server_id, networks in told.items() for each in _inner(networks, between_pods)]
    if not inner:
        return
    try:
        public = await public_addresses(call.gateway.database, {server_id for server_id, _ in inner})
    except DatabaseUnavailable as error:
        LOG.warning("Servers are shown with addresses between pods: %s", error)
        return
    for server_id, each in inner:
        each["addr"] = public.get((server_id, each["addr"]), each["addr"])
    response.body = written(document)
    response.headers.pop("Content-Length", None)


def _inner(networks: Iterable[list[JSON]], between_pods: IPv4Network) -> Iterator[JSON]:
    return (each for network in networks for each in network if ip_address(each["addr"]) in between_pods)
