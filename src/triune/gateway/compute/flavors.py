"""Flavors: the same id in every pod."""

import uuid
from dataclasses import replace
from typing import Any

from triune.gateway.call import quoted
from triune.gateway.everywhere import Shared
from triune.gateway.order import flavor_order
from triune.gateway.union import SharedCollection, links_of
from triune.shared.copying import definition
from triune.shared.flavor_changes import FLAVOR

_envelope, _next_link = links_of("flavors")

# Nova's sort keys and the fields of `GET /flavors/detail` that show them.
_FIELDS = {"flavorid": "id", "memory_mb": "ram", "root_gb": "disk", "ephemeral_gb": "OS-FLV-EXT-DATA:ephemeral"}

FLAVORS = SharedCollection(
    name="flavors",
    identity=lambda flavor: str(flavor["id"]),
    order=lambda parameters: flavor_order(parameters, _FIELDS),
    envelope=_envelope,
    next_link=_next_link,
    marker=lambda flavor: str(flavor["id"]),
)

BRIEF_FLAVORS = replace(FLAVORS, path="/flavors/detail", fields=("id", "name", "links", "description"))


def choose_flavor_id(body: dict[str, Any]) -> None:
    """Give a new flavor the id that it has in all pods; Nova takes none or `auto` for "choose one"."""
    flavor = body.get("flavor")
    if isinstance(flavor, dict) and flavor.get("id", "auto") in (None, "auto"):
        flavor["id"] = str(uuid.uuid4())


SHARED_FLAVORS = Shared(
    kind=FLAVOR,
    resource_id=lambda call, answer: str(answer["flavor"]["id"]) if answer else call.parameters["flavor_id"],
    place=lambda call, answer: (f"/flavors/{quoted(str(answer['flavor']['id']))}", ""),
    is_same=lambda answer, shown: definition(answer["flavor"]) == definition(shown["flavor"]),
)
