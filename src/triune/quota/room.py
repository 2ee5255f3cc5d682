"""Whether what is asked for fits under the limits, with what is used in all pods and what is under way.

What a pod has just been asked for is not always in what it tells to be used. So each request takes a ticket before it
looks, and counts what came before it as used until that is answered and settled. Where only that makes it too much, it
waits and looks again, for what is used then tells it.

Nobody looks where an owner was seen a short while ago to use little of what it may.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cachetools import TTLCache

from triune.quota.numbers import least

Amounts = Mapping[str, int]

# Seconds until a server that was just accepted is counted by its Nova, which first puts it into a cell. What Cinder
# takes is reserved at once, and told.
SETTLES = 2.0
# How many flavors are remembered.
FLAVORS = 1000
# How many owners of quotas are remembered, and for how many seconds what they used.
OWNERS, FRESH = 10_000, 20.0
# The part of a limit that may come to be used before anybody looks again.
EASY = 0.5
# Seconds for which one request waits for those before it.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Quota:
    """The limit of a resource (-1: none) and what is used of it."""

    limit: int
    used: int

    @property
    def free(self) -> int:
        """How much may be had, 0 where more is used than may be; -1: without limit."""
        return -1 if self.limit < 0 else max(0, self.limit - self.used)


Look = Callable[[], Awaitable[Mapping[str, Quota]]]


class TooMuch(Exception):
    """It does not fit. `overs` are the resources of which too much was asked for, in their order, with their quotas."""

    def __init__(self, overs: Mapping[str, Quota]) -> None:
        super().__init__(", ".join(overs))
        self.overs = overs


def fitting(quotas: Mapping[str, Quota], one: Amounts, most: int) -> int:
    """How many times an amount fits, at most `most`; resources without a quota are not looked at."""
    room = -1
    for name, amount in one.items():
        free = quotas[name].free if name in quotas else -1
        if amount > 0 and free >= 0:
            room = least(room, free // amount)
    return most if room < 0 else min(room, most)


def overs(quotas: Mapping[str, Quota], amounts: Amounts) -> dict[str, Quota]:
    """The resources of which these amounts are too much."""
    return {
        name: quotas[name]
        for name, amount in amounts.items()
        if name in quotas and amount > 0 and 0 <= quotas[name].limit < quotas[name].used + amount
    }


def with_more(quotas: Mapping[str, Quota], more: list[Amounts]) -> dict[str, Quota]:
    """The same when more is used."""
    return {
        name: Quota(quota.limit, quota.used + sum(amounts.get(name, 0) for amounts in more))
        for name, quota in quotas.items()
    }


@dataclass(slots=True)
class _Owner:
    """The tickets of an owner by their numbers; who looks is told of those that come meanwhile."""

    tickets: dict[int, Amounts] = field(default_factory=dict)
    lookers: list[dict[int, Amounts]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Room:
    """What is under way in this process, for each owner of quotas; and what was seen of their quotas.

    `settles` seconds after a request was answered, its pod tells it to be used.
    """

    def __init__(self, settles: float = 0.0) -> None:
        self.settles = settles
        self._numbers = itertools.count()
        self._owners: dict[str, _Owner] = {}
        self._seen: TTLCache[str, dict[str, Quota]] = TTLCache(OWNERS, FRESH)

    @asynccontextmanager
    async def taken(
        self, owner: str, one: Amounts, fewest: int, most: int, limits: Amounts, look: Look
    ) -> AsyncIterator[int]:
        """Hold an amount, `fewest` to `most` times, for as long as the block lasts; gives how many times.

        `limits` hold instead of those that were seen before, and `look` tells the quotas as they are now. Raises
        `TooMuch`.
        """
        ticket = next(self._numbers)
        held = self._owners.setdefault(owner, _Owner())
        for tickets in (held.tickets, *held.lookers):
            tickets[ticket] = times(one, most)
        is_done = False
        try:
            count = most
            if not self._is_easy(owner, times(one, most), limits):
                count = await self._fit(owner, ticket, one, fewest, most, look)
            held.tickets[ticket] = times(one, count)
            if (seen := self._seen.get(owner)) is not None:
                # In place: it is as old as it was.
                seen.update(with_more(seen, [times(one, count)]))
            yield count
            is_done = True
        finally:
            if is_done and self.settles:
                asyncio.get_running_loop().call_later(self.settles, self._release, owner, ticket)
            else:
                self._release(owner, ticket)

    def _is_easy(self, owner: str, amounts: Amounts, limits: Amounts) -> bool:
        """Whether an owner was seen a short while ago to stay far from its limits with this."""
        quotas = self._seen.get(owner)
        if quotas is None or any(name not in quotas for name in amounts):
            return False
        return not overs(
            {name: _part(limits.get(name, quota.limit), quota.used) for name, quota in quotas.items()}, amounts
        )

    async def _fit(self, owner: str, ticket: int, one: Amounts, fewest: int, most: int, look: Look) -> int:
        held = self._owners[owner]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            changed = held.changed
            others = {number: amounts for number, amounts in held.tickets.items() if number != ticket}
            earlier = [amounts for number, amounts in others.items() if number < ticket]
            held.lookers.append(others)
            try:
                quotas = await look()
            finally:
                held.lookers[:] = [looker for looker in held.lookers if looker is not others]
            # Whether what is under way is among what is used cannot be told: rather too much than too little.
            self._seen[owner] = with_more(quotas, list(others.values()))
            count = fitting(with_more(quotas, earlier), one, most)
            alone = fitting(quotas, one, most)
            if alone < fewest:
                # What is under way may be among what is used: it is not told as used twice.
                raise TooMuch(overs(quotas, times(one, most)))
            if count == alone or loop.time() >= deadline:
                if count >= fewest:
                    return count
                raise TooMuch(overs(with_more(quotas, earlier), times(one, most)))
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                continue

    def _release(self, owner: str, ticket: int) -> None:
        held = self._owners[owner]
        del held.tickets[ticket]
        if not held.tickets:
            del self._owners[owner]
        held.changed.set()
        held.changed = asyncio.Event()


def times(one: Amounts, count: int) -> dict[str, int]:
    """An amount so many times."""
    return {name: amount * count for name, amount in one.items()}


def _part(limit: int, used: int) -> Quota:
    return Quota(int(limit * EASY) if limit > 0 else limit, used)


class Rooms:
    """The rooms of one process; and what flavors count for, by their ids."""

    def __init__(self) -> None:
        self.servers = Room(SETTLES)
        self.volumes = Room()
        # What an id stands for does not change, unless the flavor is made anew.
        self.flavors: TTLCache[str, dict[str, int]] = TTLCache(FLAVORS, FRESH)
