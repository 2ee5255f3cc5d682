"""What pods hold under one name, with an id of its own in each: volume types, group types, QoS specs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod

JSON = dict[str, Any]

# Pages of one pod's list that are read; a loop needs a bound.
MAX_PAGES = 100

# A pod, a method, a path below the version, a query.
Ask = Callable[[Pod, str, str, str], Awaitable[Document]]


@dataclass(frozen=True, slots=True)
class Named:
    """A kind of resource that is the same in all pods by its name.

    `kind` is the kind of its keys in the journal; `path` lists them, `item` and `items` are the keys of one and of many
    in documents, `links` that of the links to the next page. `query` makes the list show all of them. `definition` is
    what makes one what it is, as it is given to create it, out of what is shown.
    """

    kind: str
    path: str
    item: str
    items: str
    links: str
    definition: Callable[[JSON], JSON]
    query: Mapping[str, str] = field(default_factory=dict)

    def place(self, resource_id: str) -> str:
        """The path of one of them, by its id in a pod."""
        return f"{self.path}/{quote(resource_id, safe='')}"


def _volume_type(shown: JSON) -> JSON:
    return {
        "name": shown["name"],
        "description": shown.get("description"),
        "os-volume-type-access:is_public": shown.get("is_public", True),
        "extra_specs": shown.get("extra_specs") or {},
    }


def _group_type(shown: JSON) -> JSON:
    return {
        "name": shown["name"],
        "description": shown.get("description"),
        "is_public": shown.get("is_public", True),
        "group_specs": shown.get("group_specs") or {},
    }


def _qos_specs(shown: JSON) -> JSON:
    return {**(shown.get("specs") or {}), "name": shown["name"], "consumer": shown["consumer"]}


# Administrators are shown private types only when they ask for them (cinder.api.api_utils._parse_is_public).
_ALL = {"is_public": "None"}
VOLUME_TYPE = Named("volume_type", "/types", "volume_type", "volume_types", "volume_type_links", _volume_type, _ALL)
GROUP_TYPE = Named("group_type", "/group_types", "group_type", "group_types", "group_type_links", _group_type, _ALL)
QOS_SPECS = Named("qos_specs", "/qos-specs", "qos_specs", "qos_specs", "qos_specs_links", _qos_specs)


async def find_by_name(ask: Ask, pod: Pod, named: Named, name: str) -> JSON | None:
    """What a pod's list shows of the resource of a name, or None.

    Raises `PodUnreachable`, also where the pod does not show its list: then nothing is known of it.
    """
    query = urlencode(named.query)
    for _ in range(MAX_PAGES):
        document = await ask(pod, "GET", named.path, query)
        if not document.ok:
            raise PodUnreachable(pod, document.service, f"HTTP {document.status} to GET {named.path}")
        found = document.json()
        for item in document.part(named.items):
            if item["name"] == name:
                return dict(item)
        following = next((link["href"] for link in found.get(named.links, ()) if link["rel"] == "next"), None)
        if following is None:
            break
        query = urlsplit(following).query
    return None
