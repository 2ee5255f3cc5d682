"""What answers have promised, and whether the pods hold just that.

What an answer to a request that makes something promises (docs/explanation/failure.md):

- success: it is there, once; what all pods hold is in each of them, the same in all;
- a refusal, or 503: it is not there. A refusal of what all pods hold that names missing pods says nothing of these;
- any other error, or none: it is there once, or not at all. Nobody removes it, but its owner finds it in the list.

And one to a request that removes something:

- success, or 404: it is gone;
- another refusal, or 503 of something that one pod holds: it stays;
- any other error, or none: it is gone or not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .api import Reply

# What all pods hold; the others are in one pod.
EVERYWHERE = frozenset({"flavor", "keypair", "image"})


class State(Enum):
    """What is known of something from the answers about it."""

    THERE = "there"
    NOT_THERE = "not there"
    OPEN = "there or not"


@dataclass
class Promise:
    """Something that somebody asked for, which has a name of its own.

    `fields` are those that an answer has promised, by what `Found` calls them; `unfinished` those of what all pods hold
    that some of them may have by now, for their owner to ask for again.
    """

    kind: str
    name: str
    id: str | None = None
    state: State = State.OPEN
    fields: dict[str, Any] = field(default_factory=dict)
    unfinished: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    # Its removal was asked for, and may have begun.
    is_leaving: bool = False

    @property
    def is_everywhere(self) -> bool:
        """Whether all pods hold it."""
        return self.kind in EVERYWHERE

    def note(self, what: str, reply: Reply) -> None:
        """Keep what was said, to be told where the pods turn out to hold something else."""
        self.said.append(f"{what}: {reply}")

    def made(self, reply: Reply) -> None:
        """What the answer to the request that makes it promises."""
        self.note("make", reply)
        if reply.ok:
            self.state = State.THERE
        elif self.is_everywhere:
            refused = 400 <= reply.status < 500 and not reply.is_partial
            self.state = State.NOT_THERE if refused else State.OPEN
        else:
            self.state = State.NOT_THERE if 400 <= reply.status < 500 or reply.status == 503 else State.OPEN

    def removed(self, reply: Reply) -> None:
        """What the answer to the request that removes it promises."""
        self.note("remove", reply)
        if reply.ok or reply.status == 404:
            self.state = State.NOT_THERE
        elif self.is_everywhere or not (400 <= reply.status < 500 or reply.status == 503):
            self.state, self.is_leaving = State.OPEN, True

    def changed(self, reply: Reply, **fields: Any) -> None:
        """What the answer to a request that changes fields promises: nothing where it is not known."""
        self.note(f"change {fields}", reply)
        for name, value in fields.items():
            if reply.ok:
                self.fields[name] = value
                self.unfinished.pop(name, None)
            elif self.is_everywhere:
                self.fields.pop(name, None)
                self.unfinished[name] = value
            elif not (400 <= reply.status < 500 or reply.status == 503):
                self.fields.pop(name, None)


@dataclass(frozen=True)
class Found:
    """Something that a pod holds, as it says itself."""

    region: str
    kind: str
    name: str
    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def differences(promises: Iterable[Promise], found: Iterable[Found], regions: Iterable[str]) -> Iterator[str]:
    """All in which the pods differ from what was promised."""
    by_name: dict[tuple[str, str], list[Found]] = {}
    for each in found:
        if each.kind != "twin":
            by_name.setdefault((each.kind, each.name), []).append(each)
    everything = set(regions)
    for promise in promises:
        held = by_name.pop((promise.kind, promise.name), [])
        for line in _differs(promise, held, everything):
            yield "\n    ".join([f"{promise.kind} {promise.name} ({promise.state.value}): {line}", *promise.said])
    for (kind, name), held_for_nobody in by_name.items():
        where = ", ".join(f"{each.id} in {each.region}" for each in held_for_nobody)
        yield f"{kind} {name}: nobody has asked for it ({where})"


def _differs(promise: Promise, held: list[Found], regions: set[str]) -> Iterator[str]:
    counted = Counter(each.region for each in held)
    if any(number > 1 for number in counted.values()) or (len(counted) > 1 and not promise.is_everywhere):
        yield f"it is there more than once: {[(each.region, each.id) for each in held]}"
    if promise.state is State.NOT_THERE and held:
        yield f"it is in {sorted(counted)}"
    if promise.state is not State.THERE:
        return
    if not held:
        yield "it is not there"
    elif promise.id is not None and {each.id for each in held} != {promise.id}:
        yield f"it is not {promise.id}, but {[each.id for each in held]}"
    if promise.is_everywhere:
        if missing := regions - counted.keys():
            yield f"it is not in {sorted(missing)}"
        if any(each.fields != held[0].fields for each in held):
            yield f"it is not the same everywhere: {[(each.region, each.fields) for each in held]}"
    for each in held:
        wrong = {
            name: each.fields.get(name) for name, value in promise.fields.items() if each.fields.get(name) != value
        }
        if wrong:
            yield f"in {each.region} it is {wrong} and not as was promised: {promise.fields}"


def twins_of_nothing(promises: Iterable[Promise], found: Iterable[Found]) -> Iterator[str]:
    """Twins of server groups that are not to be there, and several of one in one pod.

    A twin stands for a group of which it is not known whether it was removed.
    """
    groups = {promise.id: promise for promise in promises if promise.kind == "server_group" and promise.id}
    twins = Counter((each.region, each.name) for each in found if each.kind == "twin")
    for (region, group_id), number in twins.items():
        group = groups.get(group_id)
        if number > 1 or group is None or group.state is State.NOT_THERE:
            said = group.said if group is not None else []
            yield "\n    ".join([f"{number} twins in {region} of server group {group_id}", *said])


def misplaced(found: Iterable[Found], routings: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Routings, as (kind, id, region), that say of something in one pod that it is in another."""
    places = {(each.kind, each.id): each.region for each in found if each.kind not in EVERYWHERE}
    for kind, resource_id, region in routings:
        if (place := places.get((kind, resource_id))) is not None and place != region:
            yield f"the routing of {kind} {resource_id} says {region}, but it is in {place}"
