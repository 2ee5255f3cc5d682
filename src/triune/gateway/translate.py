"""What a pod says, in the words of the top: links, availability zones, and the security group `default`.

All are found by their place in the document and never by replacing text, so a user's metadata may say anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from triune.gateway.numbers import top_number
from triune.gateway.paging import Item
from triune.gateway.written import written

# Values under these keys are the user's or the operator's own and are left alone.
OPAQUE = frozenset(
    {
        "metadata",
        "meta",
        "volume_image_metadata",
        "extra_specs",
        "properties",
        "OS-SCH-HNT:scheduler_hints",
        "scheduler_hints",
        "user_data",
        "output",
        "connection_info",
        "capabilities",
        "specs",
        "tags",
    }
)
# How a pod calls the twin of a security group `default`, a name that is taken there.
DEFAULT_THERE, DEFAULT = "triune-default", "default"
ZONE_KEYS = frozenset(
    {"OS-EXT-AZ:availability_zone", "pinned_availability_zone", "availability_zone", "availabilityZone"}
)
_DEFAULT_BYTES = f'"{DEFAULT_THERE}"'.encode()


@dataclass(frozen=True, slots=True)
class Translation:
    """How to put the words of one pod: its roots (URLs) to ours, its availability zones to the one that holds it.

    `zone` is None where an API has no zones. What has the field `numbered` has an id that the pod of `region_name`
    counts for itself; it gets the number of the top.
    """

    roots: Mapping[str, str]
    zone: str | None
    region_name: str = ""
    numbered: str | None = None

    def link(self, href: str) -> str:
        """A link into the pod as a link to the gateway; other links stay as they are."""
        for root, ours in self.roots.items():
            if href.startswith(root) and href[len(root) : len(root) + 1] in ("", "/", "?"):
                return ours + href[len(root) :]
        return href

    def concerns(self, body: bytes) -> bool:
        """Whether there may be something to translate; a quick look that is never wrong in saying no."""
        if b"availability_zone" in body or b'"availabilityZone"' in body or _DEFAULT_BYTES in body:
            return True
        if self.numbered is not None and self.numbered.encode() in body:
            return True
        return any(root.encode() in body for root in self.roots)

    def document(self, document: Any) -> Any:
        """Translate a decoded JSON document in place, and return it.

        At its top stands the name of what it shows, or (`extra_specs/{key}`) a key of the user's own.
        """
        if not isinstance(document, dict):
            return self.members(document)
        for key, value in document.items():
            if not isinstance(value, str) and key not in OPAQUE:
                self._links(value) if _is_links(key) else self.members(value)
        return document

    def members(self, document: Any) -> Any:
        """Translate what is inside a document."""
        if isinstance(document, dict):
            if self.numbered in document and isinstance(document.get("id"), int):
                document["id"] = top_number(self.region_name, document["id"])
            for key, value in document.items():
                if isinstance(value, str):
                    if key in ZONE_KEYS and value and self.zone is not None:
                        document[key] = self.zone
                elif key in OPAQUE:
                    continue
                elif _is_links(key):
                    self._links(value)
                elif key == "security_groups":
                    _name_default(value)
                else:
                    self.members(value)
        elif isinstance(document, list):
            for item in document:
                self.members(item)
        return document

    def _links(self, links: Any) -> None:
        if not isinstance(links, list):
            return
        for link in links:
            if isinstance(link, dict) and isinstance(link.get("href"), str):
                link["href"] = self.link(link["href"])


def translate_item(item: Item, translation: Translation, fields: tuple[str, ...] | None) -> Item:
    """One item in the words of the top; only the parts that hold a link or a zone are decoded."""
    result: Item = {}
    for key, raw in item.items():
        # A pod's own cells may be down; Nova then tells a status where it otherwise would not.
        if fields is not None and key not in fields and not (key == "status" and bytes(raw) == b'"UNKNOWN"'):
            continue
        if key in ZONE_KEYS or (key not in OPAQUE and translation.concerns(bytes(raw))):
            value = translation.members({key: msgspec.json.decode(raw)})[key]
            result[key] = msgspec.Raw(written(value))
        else:
            result[key] = raw
    if translation.numbered in item and bytes(item["id"]).isdigit():
        result["id"] = msgspec.Raw(str(top_number(translation.region_name, int(bytes(item["id"])))).encode())
    return result


def _name_default(groups: Any) -> None:
    for group in groups if isinstance(groups, list) else ():
        if isinstance(group, dict) and group.get("name") == DEFAULT_THERE:
            group["name"] = DEFAULT


def _is_links(key: str) -> bool:
    return key == "links" or key.endswith("_links")
