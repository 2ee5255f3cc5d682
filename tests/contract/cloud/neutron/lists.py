"""Filters, sorting, pages and chosen fields of Neutron's lists."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from ..pod_service import ordered
from ..service import Answer, Asked
from .errors import bad_request, refusal
from .kinds import Kind, Record

_CONTROLS = frozenset({"limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"})
# Attributes of which Neutron takes no filters.
_NO_FILTERS = frozenset({"qos_policy_id", "allowed_address_pairs", "extra_dhcp_opts"})
_TAGS = frozenset({"tags", "tags-any", "not-tags", "not-tags-any"})


def listed(
    asked: Asked, kind: Kind, records: list[Record], url: str, knows: Callable[[str], bool], most: int
) -> Answer:
    """The page of a list that a query asks for, of at most so many items. Raises `Refusal`."""
    names = [name for name, _ in asked.query if name not in _CONTROLS | _TAGS]
    unknown = [name for name in names if name in _NO_FILTERS or not knows(name)]
    if unknown or (not knows("tags") and any(name in _TAGS for name, _ in asked.query)):
        raise bad_request(f"{unknown or ['tags']} is invalid attribute for filtering")
    filters = {name: asked.all(name) for name, _ in asked.query if name not in _CONTROLS}
    records = [record for record in records if all(_matches(record, *each) for each in filters.items())]
    keys, directions = asked.all("sort_key"), asked.all("sort_dir")
    if keys:
        records = ordered(records, keys, directions or ["asc"] * len(keys))
    limit = min(_limit(asked) or most, most)
    body: dict[str, Any] = {}
    start = _start(asked, kind, records)
    page = records[start : start + limit]
    if len(page) == limit:
        query = urlencode([*((k, v) for k, v in asked.query if k != "marker"), ("marker", page[-1]["id"])])
        body[f"{kind.collection}_links"] = [{"rel": "next", "href": f"{url}?{query}"}]
    records = page
    if fields := asked.all("fields"):
        records = [{name: record[name] for name in fields if name in record} for record in records]
    return Answer(200, {kind.collection: records, **body})


def _limit(asked: Asked) -> int:
    value = asked.first("limit") or "0"
    if not value.isdigit():
        message = f"Bad limit request: Limit must be an integer 0 or greater and not '{value}'."
        raise refusal(400, "BadRequest", message)
    return int(value)


def _start(asked: Asked, kind: Kind, records: list[Record]) -> int:
    marker = asked.first("marker")
    if marker is None:
        return 0
    places = [index for index, record in enumerate(records) if record["id"] == marker]
    if not places:
        raise refusal(404, f"{kind.title}NotFound", kind.not_found.format(title=kind.title, id=marker))
    return places[0] + 1


def _matches(record: Record, name: str, values: list[str]) -> bool:
    if name in _TAGS:
        wanted = {tag for value in values for tag in value.split(",")}
        tags = set(record["tags"])
        found = wanted & tags if name.endswith("-any") else wanted <= tags
        return bool(found) != name.startswith("not-")
    value = record.get(name)
    if name == "fixed_ips":
        # fixed_ips=subnet_id=X or fixed_ips=ip_address=Y
        return any(ip.get(part.partition("=")[0]) == part.partition("=")[2] for part in values for ip in value or ())
    if isinstance(value, list):
        return bool(set(values) & set(value))
    if isinstance(value, bool):
        return any(text.lower() in ("true", "1") for text in values) == value
    return ("" if value is None else str(value)) in values
