"""Lists of what several pods hold together, each resource told once: images, flavors, keypairs, volume types."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from triune.gateway.call import Call
from triune.gateway.fanout import compose, usable
from triune.gateway.http import Response
from triune.gateway.order import Order, Parameters
from triune.gateway.paging import Rank, SortKey
from triune.gateway.strategies import Anywhere
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod

JSON = dict[str, Any]

# Pages read from one pod; these lists are short in practice, and a loop needs a bound.
MAX_PAGES = 100


@dataclass(frozen=True, slots=True)
class SharedCollection:
    """A list whose items stand in several pods.

    `identity` tells which items are the same, and `better` whether an item should replace the one that another pod
    told before; `order` is how the native API sorts. `envelope` makes what stands beside the items out of the URLs of
    the first and (if there is one) the next page, and `next_link` reads that in a pod's document. `path` is what the
    pods are asked for where that is not what was asked (a short list does not show what it is sorted by), and
    `fields` what is then told of each item. `has_offset`: the API knows the parameter `offset`.
    """

    name: str
    identity: Callable[[JSON], str]
    order: Order
    envelope: Callable[[str, str | None], JSON]
    next_link: Callable[[JSON], str | None]
    marker: Callable[[JSON], str]
    path: str | None = None
    fields: tuple[str, ...] | None = None
    default_limit: int | None = None
    has_offset: bool = False
    better: Callable[[JSON, JSON], bool] = lambda item, known: False


class Union:
    """Every pod is read whole, items are told once, then sorted and paged at the top with plain markers.

    A resource stands in several pods with slightly different times, so pages of single pods cannot be merged. From the
    first sort key on that the items do not show, they stand as the pods list them.
    """

    def __init__(self, collection: SharedCollection) -> None:
        self._collection = collection

    async def __call__(self, call: Call) -> Response:
        collection = self._collection
        parameters = parse_qsl(call.request.query, keep_blank_values=True)
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        results = await asyncio.gather(*(self._read(call, pod, parameters) for pod in pods), return_exceptions=True)
        found: dict[str, tuple[Document, list[JSON]]] = {}
        for result in results:
            if isinstance(result, PodUnreachable):
                call.lost(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                found[result[0].pod.id] = result
        documents = usable(call, [document for document, _ in found.values()])
        if isinstance(documents, Document):
            return await call.respond(documents)
        call.settle_missing(answered=bool(documents))
        items: dict[str, JSON] = {}
        markers: dict[str, str] = {}
        for item in (item for document in documents for item in found[document.pod.id][1]):
            identity = collection.identity(item)
            # The pod whose id a page ended with may be away now, or not told first.
            markers[collection.marker(item)] = identity
            if identity not in items or collection.better(item, items[identity]):
                items[identity] = item
        orders = ([collection.identity(item) for item in found[document.pod.id][1]] for document in documents)
        together = [items[identity] for identity in in_one_order(orders)]
        keys = takewhile(lambda key: any(_shows(item, key.field) for item in together), collection.order(parameters))
        ordered = sort(together, list(keys))
        paged = self._page(ordered, parameters, markers, call.gateway.conf.gateway.max_limit)
        if paged is None:
            # A pod that is away may have told it before.
            call.settle_missing(answered=not call.missing)
            # No pod told the marker: any of them refuses it in its own words.
            return await Anywhere()(call)
        page, has_more = paged
        rest = [(key, value) for key, value in parameters if key != "marker" and not self._is_offset(key, value)]
        first_url = call.top_url(call.path, urlencode(rest))
        next_url = None
        if has_more and page:
            next_url = call.top_url(call.path, urlencode([*rest, ("marker", collection.marker(page[-1]))]))
        body: JSON = {
            collection.name: [pick(item, collection.fields) for item in page],
            **collection.envelope(first_url, next_url),
        }
        return compose(documents[0], body)

    async def _read(self, call: Call, pod: Pod, parameters: Parameters) -> tuple[Document, list[JSON]]:
        """All items of one pod, in the words of the top, and its last answer."""
        rest = [
            (key, value)
            for key, value in parameters
            if key != "marker" and not (key == "limit" and value.isdecimal()) and not self._is_offset(key, value)
        ]
        if not any(key == "limit" for key, _ in rest):
            rest.append(("limit", str(call.gateway.conf.gateway.max_limit)))
        query = urlencode(rest)
        path = f"/{call.service.version}{self._collection.path or call.path}"
        deadline = call.gateway.conf.pods.list_deadline
        translation = call.translation(pod, await call.endpoint(pod))
        items: list[JSON] = []
        for _ in range(MAX_PAGES):
            document = await call.fetch(call.target(pod, "GET", path, query, deadline=deadline))
            if not document.ok:
                break
            items += translation.document(document.part(self._collection.name))
            link = self._collection.next_link(document.json())
            if link is None:
                break
            query = urlsplit(link).query
        return document, items

    def _is_offset(self, key: str, value: str) -> bool:
        return self._collection.has_offset and key == "offset" and value.isdecimal()

    def _page(
        self, items: list[JSON], parameters: Parameters, markers: Mapping[str, str], most: int
    ) -> tuple[list[JSON], bool] | None:
        wanted = dict(parameters)
        start = 0
        if marker := wanted.get("marker"):
            if marker not in markers:
                return None
            start = [self._collection.identity(item) for item in items].index(markers[marker]) + 1
        start += sum(int(value) for key, value in parameters if self._is_offset(key, value))
        limit = (
            min(int(wanted["limit"]), most)
            if wanted.get("limit", "").isdecimal()
            else self._collection.default_limit or most
        )
        return items[start : start + limit], start + limit < len(items)


def pick(item: JSON, fields: tuple[str, ...] | None) -> JSON:
    """The fields of an item that a list tells."""
    return item if fields is None else {key: value for key, value in item.items() if key in fields}


def value_of(item: JSON, field: str) -> Any:
    """A field of an item; dots lead into inner objects."""
    value: Any = item
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def sort(items: list[JSON], order: list[SortKey]) -> list[JSON]:
    """Items in the order that was asked for."""
    return sorted(items, key=lambda item: [Rank(value_of(item, key.field), key.descending) for key in order])


def in_one_order(orders: Iterable[Sequence[str]]) -> list[str]:
    """Lists that hold some of the same, as one that tells each once and disturbs the order of the lists the least.

    Where lists contradict each other, the first that tells both is followed; what only one tells stands right before
    what follows it there.
    """
    # Each one's predecessor; that of None is the last.
    before: dict[str | None, str | None] = {None: None}
    for order in orders:
        following: str | None = None
        for identity in reversed(order):
            if identity not in before:
                before[identity] = before[following]
                before[following] = identity
            following = identity
    backwards: list[str] = []
    at = before[None]
    while at is not None:
        backwards.append(at)
        at = before[at]
    return backwards[::-1]


def _shows(item: JSON, field: str) -> bool:
    *outer, name = field.split(".")
    holder = value_of(item, ".".join(outer)) if outer else item
    return isinstance(holder, dict) and name in holder


def links_of(name: str) -> tuple[Callable[[str, str | None], JSON], Callable[[JSON], str | None]]:
    """The page links of Nova and Cinder: `{"flavors_links": [{"rel": "next", "href": ...}]}`."""

    def envelope(_first: str, following: str | None) -> JSON:
        return {} if following is None else {f"{name}_links": [{"rel": "next", "href": following}]}

    def next_link(document: JSON) -> str | None:
        links = document.get(f"{name}_links", ())
        return next((link["href"] for link in links if link["rel"] == "next"), None)

    return envelope, next_link
