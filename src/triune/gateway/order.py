"""How the native APIs sort their lists: from the parameters of a query to sort keys, without asking anybody."""

from collections.abc import Callable, Mapping, Sequence

from triune.gateway.paging import SortKey

Parameters = list[tuple[str, str]]
Order = Callable[[Parameters], list[SortKey]]
Fields = Mapping[str, str]


def server_order(parameters: Parameters, fields: Fields) -> list[SortKey]:
    """Nova's order of servers; `fields` names the field of an item that shows each sort key.

    Source: nova.compute.instance_list.InstanceSortContext, which puts the id behind the keys that are asked for, and
    nova.db.utils.process_sort_params, which repeats the first direction where there are fewer than keys.
    """
    keys = _all(parameters, "sort_key") or ["created_at"]
    directions = _all(parameters, "sort_dir") or ["desc"]
    if "uuid" not in keys:
        keys, directions = [*keys, "uuid"], [*directions, "asc"]
    return _order(keys, directions, directions[0], fields)


def flavor_order(parameters: Parameters, fields: Fields) -> list[SortKey]:
    """Nova's order of flavors (nova.api.openstack.compute.flavors)."""
    key = next((value for value in _all(parameters, "sort_key") if value), "flavorid")
    direction = next((value for value in _all(parameters, "sort_dir") if value), "asc")
    return _order([key, "flavorid"], [direction], direction, fields)


def volume_order(parameters: Parameters, fields: Fields) -> list[SortKey]:
    """Cinder's order: `sort=key:dir,key`, or one older `sort_key` and `sort_dir`.

    Source: cinder.api.common.get_sort_params and cinder.db.api.process_sort_params.
    """
    keys, directions = _sort(parameters) or (
        _all(parameters, "sort_key")[:1] or ["created_at"],
        _all(parameters, "sort_dir")[:1] or ["desc"],
    )
    return _newest(keys, directions, directions[0], fields)


def image_order(parameters: Parameters) -> list[SortKey]:
    """Glance's order (glance.api.v2.images and glance.db.sqlalchemy.api.image_get_all)."""
    keys, directions = _sort(parameters) or (
        _all(parameters, "sort_key") or ["created_at"],
        _all(parameters, "sort_dir") or ["desc"],
    )
    behind = "desc"
    if len(directions) == 1:
        behind = directions[0]
        directions = directions * len(keys)
    return _newest(keys, directions, behind, {})


def _newest(keys: list[str], directions: list[str], behind: str, fields: Fields) -> list[SortKey]:
    """Cinder and Glance put the time and the id behind the keys that are asked for."""
    missing = [key for key in ("created_at", "id") if key not in keys]
    return _order([*keys, *missing], directions, behind, fields)


def _order(keys: Sequence[str], directions: Sequence[str], rest: str, fields: Fields) -> list[SortKey]:
    filled = [*directions, *[rest] * len(keys)]
    return [SortKey(fields.get(key, key), direction != "asc") for key, direction in zip(keys, filled, strict=False)]


def _all(parameters: Parameters, name: str) -> list[str]:
    return [value.strip() for key, value in parameters if key == name]


def _sort(parameters: Parameters) -> tuple[list[str], list[str]] | None:
    sort = dict(parameters).get("sort")
    if not sort:
        return None
    parts = [part.partition(":") for part in sort.split(",")]
    return [key.strip() for key, _, _ in parts], [direction.strip() or "desc" for _, _, direction in parts]
