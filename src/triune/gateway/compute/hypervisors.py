"""Hypervisors of all pods: one pod's behind the other's, as Nova has those of its cells.

Source: nova/api/openstack/compute/hypervisors.py; pages from 2.33 on, patterns in the query from 2.53 on, never both.
Before 2.53 their ids are integers that each pod counts for itself: at the top they have numbers of their own.
"""

from dataclasses import replace
from urllib.parse import parse_qsl

import msgspec

from triune.gateway.call import Call
from triune.gateway.collect import Collect
from triune.gateway.collection import Collection
from triune.gateway.fanout import ask_all
from triune.gateway.forward import forward
from triune.gateway.http import Response
from triune.gateway.matching import Matching
from triune.gateway.numbers import top_number
from triune.gateway.only_one import OnlyOne
from triune.gateway.order import Parameters
from triune.gateway.paging import Merged, SortKey
from triune.gateway.probing import Probing
from triune.gateway.routes import Strategy
from triune.gateway.service import parse_version
from triune.gateway.since import Since
from triune.pods.client import PodUnreachable
from triune.pods.registry import Pod

PATTERN = "hypervisor_hostname_pattern"
NAME = "hypervisor_hostname"
# From here on they have uuids.
WITH_UUIDS = (2, 53)
# What lists all of them, unpaged.
WHOLE = "2.1"

# Each pod's own order; their ids are no order of the whole.
BRIEF_HYPERVISORS = Collection("hypervisors", "/v2.1/os-hypervisors", None, lambda parameters: [])
HYPERVISORS = Collection("hypervisors", "/v2.1/os-hypervisors/detail", None, lambda parameters: [])


class _Hypervisor(msgspec.Struct):
    id: int


class Numbered:
    """What tells of hypervisors, with the numbers of the top where these have no uuids."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    async def __call__(self, call: Call) -> Response:
        has_uuids = parse_version(call.microversion) >= WITH_UUIDS
        return await self.strategy(call if has_uuids else replace(call, numbered=NAME))


class _Pages(Probing):
    """Pages of hypervisors; a marker may be a number of the top."""

    async def _behind(
        self, call: Call, parameters: Parameters, order: list[SortKey], pods: list[Pod], marker: str
    ) -> Merged | Response:
        found = await with_number(call, marker)
        if found is None:
            return await super()._behind(call, parameters, order, pods, marker)
        pod, bottom_id = found
        # Pods stand one behind the other.
        place = [each.id for each in pods].index(pod.id)
        told = {each.id: 0 for each in pods[:place]}
        return Merged(positions={**told, pod.id: str(bottom_id)})


class Hypervisors:
    """A list of hypervisors: those whose names match a pattern, or pages of all."""

    def __init__(self, collection: Collection) -> None:
        self._matching = Matching(collection.name)
        self._all = Since("2.33", _Pages(collection), Collect(collection.name))

    async def __call__(self, call: Call) -> Response:
        names = {name for name, _ in parse_qsl(call.request.query, keep_blank_values=True)}
        if PATTERN in names and parse_version(call.microversion) >= WITH_UUIDS:
            return await self._matching(call)
        return await self._all(call)


class OneHypervisor:
    """`/os-hypervisors/{hypervisor_id}` and its uptime: by uuid, by the number of the top, or by one of a pod's own."""

    def __init__(self) -> None:
        self._only_one = OnlyOne("Hypervisor", "hypervisor_id")

    async def __call__(self, call: Call) -> Response:
        wanted = call.parameters["hypervisor_id"]
        found = await with_number(call, wanted)
        if found is None:
            return await self._only_one(call)
        pod, bottom_id = found
        call.missing.clear()
        return await forward(replace(call, path=call.path.replace(wanted, str(bottom_id), 1)), pod)


async def with_number(call: Call, wanted: str) -> tuple[Pod, int] | None:
    """The pod of the hypervisor with a number of the top, and its id there; None where no pod that answers has it."""
    if parse_version(call.microversion) >= WITH_UUIDS or not wanted.isdecimal():
        return None
    assert call.service.microversions is not None
    headers = call.headers(with_body=False)
    call.service.microversions.set(headers, WHOLE)
    pods = {pod.id: pod for pod in await call.pods()}
    deadline = call.gateway.conf.pods.list_deadline
    path = f"/{call.service.version}/os-hypervisors"
    targets = [call.target(pod, "GET", path, "", deadline=deadline) for pod in pods.values()]
    for document in await ask_all(call, targets, headers=headers):
        try:
            shown = msgspec.convert(document.part("hypervisors"), list[_Hypervisor]) if document.ok else []
        except (PodUnreachable, msgspec.ValidationError):
            continue
        for hypervisor in shown:
            if top_number(document.pod.region_name, hypervisor.id) == int(wanted):
                return pods[document.pod.id], hypervisor.id
    return None
