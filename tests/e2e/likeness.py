"""What the central region answers, beside what a pod itself answers to the same request."""

import json
import re
from collections.abc import Iterator
from typing import Any

from .lab import Lab
from .people import CENTRAL, Person

LATEST = "2.104"
# So much of an answer is told where two differ.
TOLD = 600
# What design has different at the top: links lead to the gateway, zones are those of the top, ports and networks are
# those of central Neutron, whose group `default` has another name in the pods.
TRANSLATED = {
    "links",
    "availability_zone",
    "OS-EXT-AZ:availability_zone",
    "pinned_availability_zone",
    "port_id",
    "net_id",
    "subnet_id",
    "server_groups",
    "security_groups",
}
# What differs from one answer to the next, and the order of a set, from one process to the next; a pod's own numbers.
PASSING = re.compile(
    r"req-[0-9a-f-]{36}|(?<=for flavor )\d+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?|is not one of \[.*?\]"
)


def plain(document: Any, *also: str) -> Any:
    """A document without what is translated, and without further keys, at any depth."""
    if isinstance(document, dict):
        kept = {
            key: value
            for key, value in document.items()
            if key not in TRANSLATED and key not in also and not key.endswith("_links")
        }
        return {key: plain(value, *also) for key, value in kept.items()}
    if isinstance(document, list):
        return [plain(each, *also) for each in document]
    return document


def shape(document: Any) -> Any:
    """The keys of a document and the types of its values; of a list, the shapes that are in it."""
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    if isinstance(document, list):
        shapes = [shape(each) for each in document]
        return [each for number, each in enumerate(shapes) if each not in shapes[:number]]
    return type(document).__name__


def said(answer: Any) -> Any:
    """What an answer says: JSON by its value, all else by its letters, without what passes."""
    text = PASSING.sub("", answer.text)
    return json.loads(text) if text and "json" in answer.headers.get("Content-Type", "") else text


def both(person: Person, region: str, service: str, path: str, method: str = "GET", **how: Any) -> tuple[Any, Any]:
    """The same request to the central region and to a pod."""
    return (
        person.ask(service, path, method, region=CENTRAL, **how),
        person.ask(service, path, method, region=region, **how),
    )


def alike(ours: Any, native: Any, *also: str) -> Any:
    """Assert that two answers are the same but for what is translated and further keys; what ours says."""
    where = f"{ours.request.method} {ours.request.url} with {ours.request.body!r}"
    both_say = f"{where}:\n{ours.text[:TOLD]}\nand the pod:\n{native.text[:TOLD]}"
    assert ours.status_code == native.status_code, both_say
    found = list(differences(plain(said(ours), *also), plain(said(native), *also)))
    assert not found, f"{where}: {found}\n{both_say}"
    return ours.json() if "json" in ours.headers.get("Content-Type", "") and ours.content else None


def differences(ours: Any, native: Any, path: str = "") -> Iterator[str]:
    """In which places two documents differ."""
    if isinstance(ours, dict) and isinstance(native, dict):
        for key in sorted(ours.keys() | native.keys()):
            yield from differences(ours.get(key, "nothing"), native.get(key, "nothing"), f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(native, list) and len(ours) == len(native):
        for number, (one, other) in enumerate(zip(ours, native, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif ours != native:
        yield f"{path} is {ours!r} and in the pod {native!r}"


def refused_alike(ours: Any, native: Any, status: int) -> None:
    """Assert that a request is refused with this status and the pod's own words."""
    assert native.status_code == status, native.text
    alike(ours, native)


def microversion(number: str, service: str = "compute") -> dict[str, str]:
    """How to ask for a microversion; of block storage as `volume`."""
    return {"version": f"{service} {number}"}


def region_of(lab: Lab, zone: str) -> str:
    """The pod of a zone."""
    return lab.zones[zone]


def zone_after(lab: Lab, zone: str) -> str:
    """Another zone; of the last one, the first."""
    zones = list(lab.zones)
    return zones[(zones.index(zone) + 1) % len(zones)]
