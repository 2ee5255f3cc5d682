"""What is listed, how a pod is asked for it, and how its answer is read."""

from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from triune.gateway.order import Order, Parameters
from triune.gateway.paging import Item, Position
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import Kind
from triune.pods.registry import Pod


@dataclass(frozen=True, slots=True)
class Found:
    """What one pod answers: items, whether there are more, and the total where the API counts."""

    items: list[Item]
    has_more: bool
    count: int | None


@dataclass(frozen=True, slots=True)
class Collection:
    """A list of an API.

    `name` is its key in the document; `path` (from the version on) is what pods are asked for, which shows every sort
    key; `fields` are what is told of each item (None: everything). `down_since` is the microversion from which
    resources of a pod that is away are told as `UNKNOWN`, as Nova does for a cell that is down. `marker` is the field
    whose value the API takes as a marker. No `kind`: items cannot be shown by their marker (`Probing`). `links` is the
    key of the links to the next page where it does not follow from the name. Not `is_linked`: the API tells of no next
    page; who wants it asks behind the last item.
    """

    name: str
    path: str
    kind: Kind | None
    order: Order
    fields: tuple[str, ...] | None = None
    down_since: tuple[int, int] | None = None
    marker: str = "id"
    links: str | None = None
    is_linked: bool = True

    @property
    def links_key(self) -> str:
        """The key of the links to the next page."""
        return self.links or f"{self.name}_links"

    def read(self, document: Document, limit: int) -> Found:
        """What a pod tells that was asked for so many items. Raises `PodUnreachable` where that is no such list."""
        fields = document.decode(dict[str, msgspec.Raw])
        try:
            items = msgspec.json.decode(fields[self.name], type=list[Item])
            count = msgspec.json.decode(fields["count"], type=int) if "count" in fields else None
        except (KeyError, msgspec.DecodeError) as error:
            raise PodUnreachable(document.pod, document.service, f"no list of {self.name}") from error
        has_more = self.links_key in fields if self.is_linked else len(items) >= limit
        return Found(items, bool(items) and has_more, count)


def is_count(value: str) -> bool:
    """Whether a parameter is a number that anybody can mean."""
    # Longer ones are no numbers that anybody means, and the pods refuse them.
    return value.isdecimal() and len(value) < 19


def pod_query(parameters: Parameters, pod: Pod, position: Position, limit: int) -> str:
    """The query that asks a pod for a page of a merged list."""
    result: Parameters = []
    for name, value in without(parameters, "marker"):
        if name in ("limit", "offset") and is_count(value):
            continue
        if name == "availability_zone":
            if pod.pod_az_name:
                result.append((name, pod.pod_az_name))
            continue
        result.append((name, value))
    if not any(name == "limit" for name, _ in result):
        result.append(("limit", str(limit)))
    if isinstance(position, str):
        result.append(("marker", position))
    return urlencode(result)


def without(parameters: Parameters, *names: str) -> Parameters:
    """All parameters but some."""
    return [(key, value) for key, value in parameters if key not in names]
