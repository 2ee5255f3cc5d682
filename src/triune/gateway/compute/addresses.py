"""Addresses of servers as their pods tell them: floating IPs are put in the words of the top.

Where a server is in another pod than the external network, its pod knows an address between pods in place of the
public one (`triune.network.routing.floating`).
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_address
from typing import Any, Final

import msgspec
from oslo_log import log as logging

from triune.db.engine import DatabaseUnavailable
from triune.gateway.call import Call, encode
from triune.gateway.http import Response
from triune.network.public_addresses import public_addresses

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

_TYPE: Final = "OS-EXT-IPS:type"
_MAC: Final = "OS-EXT-IPS-MAC:mac_addr"


async def with_public_addresses(call: Call, response: Response) -> Response:
    """An answer about servers, with their public addresses in place of those between pods."""
    # A quick look: most servers have no floating IP.
    if response.status == 200 and isinstance(response.body, bytes) and b'"floating"' in response.body:
        await _translate(call, response, response.body)
    return response


async def _translate(call: Call, response: Response, body: bytes) -> None:
    between_pods = IPv4Network(call.gateway.conf.network.bridge_range)
    document = msgspec.json.decode(body)
    told = [each for each in _servers(document) if _inner_addresses(each, between_pods)]
    if not told:
        return
    try:
        public = await public_addresses(call.gateway.database, (each["id"] for each in told))
    except DatabaseUnavailable as error:
        LOG.warning("Servers are shown with addresses between pods: %s", error)
        return
    for server in told:
        for network in server["addresses"].values():
            _put(server["id"], network, public, between_pods)
    response.body = encode(document)
    response.headers.pop("Content-Length", None)


def _servers(document: Any) -> list[JSON]:
    found = [document["server"]] if "server" in document else document.get("servers") or []
    return [each for each in found if isinstance(each.get("addresses"), dict)]


def _inner_addresses(server: JSON, between_pods: IPv4Network) -> list[JSON]:
    return [each for network in server["addresses"].values() for each in _of(network, between_pods)]


def _of(network: list[JSON], between_pods: IPv4Network) -> Iterator[JSON]:
    for each in network:
        if each.get(_TYPE) == "floating" and ip_address(each["addr"]) in between_pods:
            yield each


def _put(server_id: str, network: list[JSON], public: dict[tuple[str, str], str], between_pods: IPv4Network) -> None:
    """Nova tells a floating IP after the fixed address of the same MAC to which it leads."""
    for each in _of(network, between_pods):
        fixed = [
            other["addr"] for other in network if other.get(_TYPE) == "fixed" and other.get(_MAC) == each.get(_MAC)
        ]
        known = [public[server_id, address] for address in fixed if (server_id, address) in public]
        if known:
            each["addr"] = known[0]
