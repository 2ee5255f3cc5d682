"""Central Neutron with the rights of whoever asks, and its refusals as Nova tells them."""

from typing import Any

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.network.neutron import Neutron, Refused
from triune.network.top import central
from triune.pods.client import Document
from triune.pods.registry import Pod

JSON = dict[str, Any]


class _Caller:
    """Asks with the caller's token."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def fetch(
        self, pod: Pod, service: str, method: str, path: str, document: Any = None, query: str = ""
    ) -> Document:
        return await self._call.fetch(self._call.target(pod, method, path, query, service), document)


def neutron(call: Call) -> Neutron:
    """Central Neutron as the caller sees it: its policy decides what he may."""
    return Neutron(_Caller(call), central(call.gateway.conf))


def told(error: Refused) -> str:
    """The text of a refusal as python-neutronclient gives it to Nova, the id of the request included."""
    request_id = error.document.headers.get("X-Openstack-Request-Id")
    return f"{error.message}\nNeutron server returns request_ids: ['{request_id}']" if request_id else error.message


def refusal(error: Refused) -> ApiError:
    """What a refusal is where Nova's code has no words of its own for it.

    Nova says 500 then, whatever it was. Neutron's own answer says more.
    """
    if error.status >= 500:
        return ApiError(503, f"The network service answers HTTP {error.status}.")
    return ApiError(error.status, told(error))
