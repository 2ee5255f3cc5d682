"""Lists: many pods asked in parallel, merged in sort order, paged."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from oslo_utils import strutils

from triune.gateway.call import Call
from triune.gateway.collection import Collection, Found, is_count, pod_query, without
from triune.gateway.fanout import ask_all, compose, read_all, read_answers
from triune.gateway.http import Response
from triune.gateway.order import Parameters
from triune.gateway.paging import (
    DONE,
    Item,
    Marker,
    Merged,
    Page,
    Position,
    Rank,
    SortKey,
    item_id,
    merge,
    rank,
    rank_of,
)
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere, find
from triune.gateway.translate import translate_item
from triune.pods.client import Document, Target
from triune.pods.registry import Pod

# Pages of one pod that are read to find the place of a plain id as marker.
MAX_SCAN = 1000
# How a marker is refused that a pod does not know (any more).
REFUSED = (400, 404)


@dataclass(frozen=True, slots=True)
class MergedPage:
    """A merged page, the answers that it was made of, and the total where the API counts."""

    merged: Merged
    documents: list[Document]
    count: int
    is_counted: bool


class Gather:
    """A merged list. `limit`, `marker` and the sort parameters mean what they mean in each native API."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def __call__(self, call: Call) -> Response:
        collection = self._collection
        parameters = parse_qsl(call.request.query, keep_blank_values=True)
        order = collection.order(parameters)
        pods = await self._pods(call, parameters)
        before = await self._positions(call, parameters, order, pods)
        if isinstance(before, Response):
            return before
        most = call.gateway.conf.gateway.max_limit
        limit = _limit(parameters, most)
        offset = _offset(parameters) if call.service.name == "volume" else 0
        while offset:
            skipped = await self._page(call, pods, parameters, before, order, min(offset, most))
            if isinstance(skipped, Response):
                return skipped
            before = skipped.merged
            offset = max(0, offset - len(skipped.merged.items)) if skipped.merged.items else 0
        page = await self._page(call, pods, parameters, before, order, limit)
        return page if isinstance(page, Response) else await self._answer(call, parameters, page)

    # -- asking

    async def _page(
        self,
        call: Call,
        pods: list[Pod],
        parameters: Parameters,
        before: Merged,
        order: list[SortKey],
        limit: int,
    ) -> MergedPage | Response:
        asked = [pod for pod in pods if before.positions.get(pod.id) != DONE and pod.id not in call.missing]
        documents = await ask_all(call, self._targets(call, asked, parameters, before.positions, limit))
        documents = await self._found_again(call, documents, parameters, before, order, limit)
        answers = await read_answers(call, documents, partial(self._decode, limit=limit))
        if isinstance(answers, list):
            answers = await self._told_once(call, answers, parameters, before, limit)
        if isinstance(answers, Response):
            return answers
        # Behind the first page somebody has answered already, even if nobody was left to ask now.
        call.settle_missing(answered=bool(answers) or bool(before.positions))
        # Equal items stand in one order on all pages, whoever was asked twice.
        answers.sort(key=lambda answer: answer[0].pod.region_name)
        pages = [Page(document.pod.id, found.items, found.has_more) for document, found in answers]
        return MergedPage(
            merge(pages, before, order, limit, self._collection.marker),
            [document for document, _ in answers],
            sum(found.count for _, found in answers if found.count is not None),
            any(found.count is not None for _, found in answers),
        )

    async def _found_again(
        self,
        call: Call,
        documents: list[Document],
        parameters: Parameters,
        before: Merged,
        order: list[SortKey],
        limit: int,
    ) -> list[Document]:
        """The answers of the pods, where one does not know its position any more from what is behind that place.

        What was told last may have been deleted since. Cinder refuses it as a marker then.
        """
        lost = [
            document.pod
            for document in documents
            if document.status in REFUSED and isinstance(before.positions.get(document.pod.id), str)
            if document.pod.id in before.values
        ]
        if not lost:
            return documents
        places = await asyncio.gather(
            *(
                self._place(call, parameters, order, pod, (rank_of(before.values[pod.id], order), pod.region_name))
                for pod in lost
            )
        )
        positions = {pod.id: place for pod, place in zip(lost, places, strict=True)}
        again = await ask_all(call, self._targets(call, lost, parameters, positions, limit))
        return [*(each for each in documents if each.pod.id not in positions), *again]

    async def _told_once(
        self,
        call: Call,
        answers: list[tuple[Document, Found]],
        parameters: Parameters,
        before: Merged,
        limit: int,
    ) -> list[tuple[Document, Found]] | Response:
        """The answers without the items behind which they were asked for.

        Nova tells such a server again where it was a request and is in a cell by now (nova.compute.api.API.get_all).
        """

        def new(document: Document, found: Found) -> list[Item]:
            position, marker = before.positions.get(document.pod.id), self._collection.marker
            return [item for item in found.items if item_id(item, marker) != position]

        again = [document.pod for document, found in answers if len(new(document, found)) < len(found.items)]
        if not again:
            return answers
        # One more, so that the page is not short of it.
        documents = await ask_all(call, self._targets(call, again, parameters, before.positions, limit + 1))
        others = await read_answers(call, documents, partial(self._decode, limit=limit + 1))
        if isinstance(others, Response):
            return others
        return [
            *((document, found) for document, found in answers if document.pod not in again),
            *((document, replace(found, items=new(document, found))) for document, found in others),
        ]

    async def _pods(self, call: Call, parameters: Parameters) -> list[Pod]:
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        zone = dict(parameters).get("availability_zone")
        return [pod for pod in pods if zone is None or pod.az_name == zone]

    def _targets(
        self, call: Call, pods: list[Pod], parameters: Parameters, before: Mapping[str, Position], limit: int
    ) -> list[Target]:
        deadline = call.gateway.conf.pods.list_deadline
        return [
            call.target(
                pod,
                path=self._collection.path,
                query=pod_query(parameters, pod, before.get(pod.id), limit),
                deadline=deadline,
            )
            for pod in pods
        ]

    async def _positions(
        self, call: Call, parameters: Parameters, order: list[SortKey], pods: list[Pod]
    ) -> Merged | Response:
        marker = dict(parameters).get("marker")
        if not marker:
            return Merged()
        ours = Marker.decode(marker)
        if ours is None:
            return await self._behind(call, parameters, order, pods, marker)
        return Merged(positions={pod.id: ours.positions.get(pod.id) for pod in pods}, values=ours.values)

    async def _behind(
        self, call: Call, parameters: Parameters, order: list[SortKey], pods: list[Pod], marker: str
    ) -> Merged | Response:
        """The positions behind an item that is named by its plain id, whichever pod holds it."""
        found = await self._shown(call, parameters, order, pods, marker)
        if isinstance(found, Response):
            return found
        owner, shown = found
        mine = (rank(shown, order), owner.region_name)
        others = [pod for pod in pods if pod.id != owner.id]
        places = await asyncio.gather(*(self._place(call, parameters, order, pod, mine) for pod in others))
        behind = {pod.id: place for pod, place in zip(others, places, strict=True)}
        return Merged(positions={owner.id: marker, **behind})

    async def _shown(
        self, call: Call, parameters: Parameters, order: list[SortKey], pods: list[Pod], marker: str
    ) -> tuple[Pod, Item] | Response:
        """The pod that holds an item which is named by its plain id, and the item; or a refusal."""
        kind = self._collection.kind
        assert kind is not None
        owner = await find(call, kind, marker)
        if isinstance(owner, Response):
            # No pod knows the marker: any of them refuses it in its own words.
            return await Anywhere()(call) if owner.status == 404 else owner
        document = await call.fetch(call.target(owner, "GET", kind.show(marker)))
        if not document.ok:
            return await call.respond(document)
        (shown,) = msgspec.json.decode(document.body, type=dict[str, Item]).values()
        return owner, shown

    async def _place(
        self, call: Call, parameters: Parameters, order: list[SortKey], pod: Pod, mine: tuple[list[Rank], str]
    ) -> Position:
        """The last item of a pod that stands before the place `mine`; None where that cannot be known."""
        position: Position = None
        for _ in range(MAX_SCAN):
            limit = call.gateway.conf.gateway.max_limit
            targets = self._targets(call, [pod], parameters, {pod.id: position}, limit)
            answers = await read_all(call, targets, partial(self._decode, limit=limit))
            # A refusal comes again, and is told, when the page is asked for.
            if isinstance(answers, Response) or not answers:
                break
            _, found = answers[0]
            passed = [*takewhile(lambda item: (rank(item, order), pod.region_name) < mine, found.items)]
            if passed:
                position = item_id(passed[-1], self._collection.marker)
            if len(passed) < len(found.items) or not found.has_more:
                break
        return position

    def _decode(self, document: Document, limit: int) -> Found:
        return self._collection.read(document, limit)

    # -- answering

    async def _answer(self, call: Call, parameters: Parameters, page: MergedPage) -> Response:
        collection, merged, documents = self._collection, page.merged, page.documents
        translations = {
            document.pod.id: call.translation(document.pod, await call.endpoint(document.pod)) for document in documents
        }
        items: list[Any] = [
            translate_item(item, translations[pod_id], collection.fields) for pod_id, item in merged.items
        ]
        body: dict[str, Any] = {collection.name: items}
        # Pods that have told everything are not asked for the later pages, so the total is carried along.
        earlier = Marker.decode(dict(parameters).get("marker", ""))
        count = earlier.count if earlier is not None and earlier.count is not None else page.count
        # A missing pod is asked again with the next page, but alone it is no reason for one.
        if merged.items and merged.has_more_than(call.missing):
            marker = Marker(merged.positions, count if page.is_counted else None, merged.values).encode()
            query = urlencode([*without(parameters, "marker", "offset"), ("marker", marker)])
            body[collection.links_key] = [{"rel": "next", "href": call.top_url(call.path, query)}]
        elif call.missing and collection.down_since is not None:
            items += await self._unknown(call, parameters, collection.down_since)
        if page.is_counted or (earlier is not None and earlier.count is not None):
            body["count"] = count
        return compose(documents[0], body) if documents else Response.json(body)

    async def _unknown(self, call: Call, parameters: Parameters, since: tuple[int, int]) -> list[dict[str, Any]]:
        """What is known of the resources in missing pods; not for filtered, sorted or paged lists (as in Nova)."""
        wanted = dict(parameters)
        # The SDK always says that it does not want deleted servers; that is no filter.
        if not strutils.bool_from_string(wanted.get("deleted", "no"), default=True):
            wanted.pop("deleted", None)
        if wanted.keys() - {"all_tenants"} or parse_version(call.microversion) < since:
            return []
        # As Nova reads it (nova.api.openstack.common.is_all_tenants): there but empty means yes.
        everybody = "all_tenants" in wanted and strutils.bool_from_string(wanted["all_tenants"] or "yes", default=True)
        kind, limit = self._collection.kind, call.gateway.conf.gateway.max_limit
        assert kind is not None
        return [
            {
                "id": resource_id,
                "status": "UNKNOWN",
                "links": [{"rel": "self", "href": call.top_url(f"/{self._collection.name}/{resource_id}")}],
            }
            for pod in call.missing.values()
            for resource_id in await call.gateway.routings.known(
                kind.name, pod.id, call.caller.project_id, limit, all_projects=everybody and call.caller.is_admin
            )
        ]


def _limit(parameters: Parameters, most: int) -> int:
    value = dict(parameters).get("limit", "")
    # A malformed limit is passed on, and the pods refuse it in their own words.
    return min(int(value), most) if is_count(value) else most


def _offset(parameters: Parameters) -> int:
    value = dict(parameters).get("offset", "")
    return int(value) if is_count(value) else 0
