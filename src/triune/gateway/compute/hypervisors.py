"""Hypervisors of all pods: one pod's behind the other's, as Nova has those of its cells.

Source: nova/api/openstack/compute/hypervisors.py; pages from 2.33 on, patterns in the query from 2.53 on, never both.
"""

from urllib.parse import parse_qsl

from triune.gateway.call import Call
from triune.gateway.collect import Collect
from triune.gateway.collection import Collection
from triune.gateway.http import Response
from triune.gateway.matching import Matching
from triune.gateway.probing import Probing
from triune.gateway.service import parse_version
from triune.gateway.since import Since

PATTERN = "hypervisor_hostname_pattern"

# Each pod's own order; their ids are no order of the whole.
BRIEF_HYPERVISORS = Collection("hypervisors", "/v2.1/os-hypervisors", None, lambda parameters: [])
HYPERVISORS = Collection("hypervisors", "/v2.1/os-hypervisors/detail", None, lambda parameters: [])


class Hypervisors:
    """A list of hypervisors: those whose names match a pattern, or pages of all."""

    def __init__(self, collection: Collection) -> None:
        self._matching = Matching(collection.name)
        self._all = Since("2.33", Probing(collection), Collect(collection.name))

    async def __call__(self, call: Call) -> Response:
        names = {name for name, _ in parse_qsl(call.request.query, keep_blank_values=True)}
        if PATTERN in names and parse_version(call.microversion) >= (2, 53):
            return await self._matching(call)
        return await self._all(call)
