"""Somebody who makes, changes and removes servers, volumes, images and the like at random, and keeps the answers."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from .api import Api, Reply
from .ledger import Promise, State

ZONES = ("az1", "az2", None)
# What a pod that is asked too much says; whatever else is refused has to be expected.
TOO_MANY = 429
# How often a list is followed.
MOST_PAGES = 100
# Lists of what several pods tell.
UNIONS = ("images", "flavors", "keypairs")

Action = Callable[[], Awaitable[bool]]


class Customer:
    """Does one thing after the other; `False` from an action: there was nothing to do it to.

    `complaints` are answers that should not have been given, whatever happened to the pods.
    """

    def __init__(self, api: Api, name: str, seed: int) -> None:
        self.api = api
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.promises: list[Promise] = []
        self.answers: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.count = 0

    def actions(self) -> dict[Action, int]:
        """What can be done, and how often compared to other things."""
        raise NotImplementedError

    async def run(self, number: int) -> None:
        """Do so many things."""
        actions = self.actions()
        while self.count < number:
            (action,) = self.random.choices(list(actions), list(actions.values()))
            if await action():
                self.count += 1

    async def ask(
        self, service: str, method: str, path: str, document: Any = None, expected: Iterable[int] = (), **how: Any
    ) -> Reply:
        """A request, whose answer has to be a success, of those `expected`, or tell that something is away."""
        reply = await self.api.ask(service, method, path, document, **how)
        self.answers[f"{method} {reply.status}"] += 1
        if not (reply.ok or reply.status in (0, TOO_MANY, 500, 502, 503, 504, *expected)):
            self.complaints.append(f"{method} {path} {document}: {reply}")
        return reply

    # -- what there is, as far as is known

    def called(self, kind: str) -> str:
        """A name that nothing else has."""
        return f"{self.name}-{kind}-{len(self.promises)}"

    def promise(self, kind: str, name: str = "") -> Promise:
        """Something that is about to be asked for."""
        promise = Promise(kind, name or self.called(kind))
        self.promises.append(promise)
        return promise

    def known(self, kind: str) -> list[Promise]:
        """What is there, and can be named."""
        return [each for each in self.promises if each.kind == kind and each.state is State.THERE and each.id]

    def possible(self, kind: str) -> int:
        """How many there may be."""
        return sum(1 for each in self.promises if each.kind == kind and each.state is not State.NOT_THERE)

    def some(self, kind: str) -> Promise | None:
        """One of those that are known."""
        found = self.known(kind)
        return self.random.choice(found) if found else None

    # -- lists

    async def listed(self, service: str, path: str, key: str, identity: str = "id", **how: Any) -> list[Any] | None:
        """A whole list, page by page; None where a pod was missing or it could not be had."""
        found: list[Any] = []
        is_whole = True
        following: str | None = path
        for _ in range(MOST_PAGES):
            if following is None:
                break
            reply = await self.ask(service, "GET", following, **how)
            if reply.status not in (200, 0, 503, TOO_MANY):
                self.complaints.append(f"a list was refused: GET {following}: {reply}")
            if reply.status != 200:
                return None
            is_whole = is_whole and not reply.is_partial
            # Keypairs are wrapped once more.
            found += [each.get("keypair", each) for each in reply.json[key]]
            following = _next(reply.json, key, path)
        else:
            self.complaints.append(f"GET {path} has no end")
        ids = [each[identity] for each in found]
        # Where pods tell the same, they tell it with times of their own, and the order changes with who is away.
        if len(set(ids)) != len(ids) and (is_whole or key not in UNIONS):
            self.complaints.append(f"GET {path} tells things twice: {ids}")
        return found if is_whole else None

    async def compare(self, kind: str, *where: Any, identity: str = "id", **how: Any) -> list[Any] | None:
        """A list has what was promised; what nobody knew to be there gets known. The list, where it is whole."""
        found = await self.listed(*where, identity=identity, **how)
        if found is None:
            return None
        by_name = {each["name"]: each for each in found}
        for promise in self.promises:
            if promise.kind != kind or promise.state is State.NOT_THERE:
                continue
            if (told := by_name.get(promise.name)) is not None:
                if promise.state is State.OPEN and not (promise.is_everywhere or promise.is_leaving):
                    promise.said.append("it was in the list")
                    promise.state = State.THERE
                promise.id = promise.id or told[identity]
            elif promise.state is State.THERE:
                self.complaints.append(f"{kind} {promise.name} is not in GET {where[1]}: {promise.said}")
        return found

    async def show(self, promise: Promise, service: str, path: str) -> Reply:
        """What is there is never said not to be there."""
        reply = await self.ask(service, "GET", path, expected=(404,))
        # What all pods hold is judged by those that answer.
        if reply.status == 404 and not (promise.is_everywhere and reply.is_partial):
            self.complaints.append(f"GET {path} is 404: {promise.said}")
        return reply

    async def repeat(self) -> None:
        """Ask again for what answers have left open, as users are told to, now that all pods answer."""


def _next(document: Any, key: str, path: str) -> str | None:
    """Where the next page is, below the version."""
    links = [link["href"] for link in document.get(f"{key}_links", []) if link["rel"] == "next"]
    links += [document["next"]] if document.get("next") else []
    if not links:
        return None
    return f"{path.partition('?')[0]}?{links[0].partition('?')[2]}"
