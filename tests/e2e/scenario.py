"""Scenarios: tables of things that people make, each once those are there that it needs, in any order that this allows.

In the values of a step, `@net1` stands for the id of what step `net1` made, and `@port1.address` for its address.
"""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from openstack import exceptions

from . import networks
from .makings import KINDS, StillUsed
from .people import Person

# Whatever order things are removed in, so long may it take until nothing keeps anything else any more.
REMOVE_SECONDS = 180.0
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Step:
    """Something of a kind (`makings`) that is made of values; `after` names steps that the values do not."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    by_admin: bool = False

    @property
    def needs(self) -> set[str]:
        """The steps that come before it."""
        return {*self.after, *(word.removeprefix("@").partition(".")[0] for word in _references(self.values))}


Steps = Mapping[str, Step]


def _references(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from _references(list(value.values()))
        case list() | tuple():
            for each in value:
                yield from _references(each)
        case str() if value.startswith("@"):
            yield value


def order(steps: Steps, seed: int | None) -> list[str]:
    """The names of all steps in an order that is possible: as they stand without a seed, else a random one."""
    chance, done, left = random.Random(seed), list[str](), list(steps)
    while left:
        ready = [name for name in left if steps[name].needs <= set(done)]
        assert ready, f"nothing is ready of {left}"
        chosen = ready[0] if seed is None else chance.choice(ready)
        left.remove(chosen)
        done.append(chosen)
    if seed is None:
        assert done == list(steps), "the steps do not stand in an order that is possible"
    return done


@dataclass
class Play:
    """What some people have made of a scenario so far, by the names of its steps."""

    person: Person
    admin: Person
    boot: dict[str, str]
    steps: Steps
    made: dict[str, Any] = field(default_factory=dict)

    def make(self, name: str) -> None:
        """Do one step."""
        step = self.steps[name]
        values = self._filled(step.values)
        who, title = self._who(step), f"{self.person.name}-{name}"
        self.made[name] = KINDS[step.kind].make(who, title, self.boot if step.kind == "server" else {}, values)

    def remove(self, name: str) -> None:
        """Undo one step; what has gone with something else is gone. Raises `ConflictException` where it is in use."""
        step = self.steps[name]
        try:
            KINDS[step.kind].remove(self._who(step), self.made[name], self._filled(step.values))
        except exceptions.NotFoundException:
            pass

    def remove_all(self, seed: int | None) -> None:
        """Remove everything, the last first or in a random order; what is refused is tried again later."""
        left = list(reversed(self.made))
        if seed is not None:
            random.Random(seed).shuffle(left)
        deadline = time.monotonic() + REMOVE_SECONDS
        while left:
            kept, refusals = [], []
            for name in left:
                try:
                    self.remove(name)
                except (exceptions.ConflictException, StillUsed) as error:
                    kept.append(name)
                    refusals.append(f"{name}: {error}")
            if time.monotonic() > deadline:
                raise TimeoutError("still refused:\n" + "\n".join(refusals))
            if len(kept) == len(left):
                time.sleep(PAUSE_SECONDS)
            left = kept
        self.made.clear()

    def address(self, name: str, version: int = 4) -> str:
        """The address of a server, by the name of its step."""
        return networks.address(networks.port_of(self.person, self.made[name]), version)

    def floating(self, name: str) -> str:
        """The address of a floating IP, by the name of its step."""
        return str(self.made[name].floating_ip_address)

    def _who(self, step: Step) -> Person:
        return self.admin if step.by_admin else self.person

    def _filled(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self._filled(each) for key, each in value.items()}
            case list() | tuple():
                return [self._filled(each) for each in value]
            case str() if value.startswith("@"):
                name, _, what = value.removeprefix("@").partition(".")
                return networks.address(self.made[name]) if what == "address" else self.made[name].id
        return value


@contextmanager
def played(
    person: Person, admin: Person, boot: dict[str, str], steps: Steps, seed: int | None, removal: int | None = None
) -> Iterator[Play]:
    """A scenario whose steps were all done, in an order that the seed chooses; all is removed afterwards, also where
    a step fails."""
    play = Play(person, admin, boot, steps)
    try:
        for name in order(steps, seed):
            play.make(name)
        yield play
    finally:
        play.remove_all(removal)
