"""Observing owners without comparing clocks; keeping a lease, and losing it."""

import asyncio
import time
from dataclasses import replace

import pytest

from triune.db.models import now
from triune.work.entry import Entry
from triune.work.lease import LeaseLost, Observer, kept
from triune.work.requests import Key

OWNED = Entry("id", Key("k", "r", "p"), None, None, 1, 0, 0, None, now(), "owner", 1, 0, now(), now())


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_a_key_without_owner_is_claimable_at_once():
    assert Observer(15.0).claimable([replace(OWNED, owner=None)])


def test_an_owner_is_dead_when_it_has_not_moved_for_longer_than_the_lease():
    clock = Clock()
    observer = Observer(15.0, clock)
    assert observer.claimable([OWNED]) == []
    clock.time = 15.0
    assert observer.claimable([OWNED]) == []
    clock.time = 15.1
    assert observer.claimable([OWNED]) == [OWNED]


def test_an_owner_that_moves_lives():
    clock = Clock()
    observer = Observer(15.0, clock)
    for beat in range(10):
        assert observer.claimable([replace(OWNED, beat=beat)]) == []
        clock.time += 14.0


def test_a_key_claimed_anew_is_observed_anew():
    clock = Clock()
    observer = Observer(15.0, clock)
    observer.claimable([OWNED])
    clock.time = 20.0
    assert observer.claimable([replace(OWNED, fence=2)]) == []


def test_what_was_seen_of_a_finished_key_is_forgotten():
    clock = Clock()
    observer = Observer(15.0, clock)
    observer.claimable([OWNED])
    observer.claimable([])
    clock.time = 20.0
    assert observer.claimable([OWNED]) == []


class Beats:
    """Stands for the journal; `answer` is what a beat does after it has begun."""

    def __init__(self, answer) -> None:
        self.began: list[float] = []
        self.under_way = asyncio.Event()
        self._answer = answer

    async def beat(self, lease: Entry) -> bool:
        self.began.append(time.monotonic())
        self.under_way.set()
        return await self._answer()


async def test_a_lease_that_is_lost_while_its_block_ends_cancels_nobody():
    """Whoever writes the outcome is told that the lease is lost."""
    known = asyncio.Event()

    async def lost() -> bool:
        await known.wait()
        return False

    beats = Beats(lost)

    async def caller() -> str:
        async with kept(beats, OWNED, 0.4):
            await beats.under_way.wait()
            asyncio.get_running_loop().call_later(0.05, known.set)
        return "ended well"

    task = asyncio.create_task(caller())
    await asyncio.wait({task})
    assert not task.cancelled()
    assert task.result() == "ended well"


async def test_no_beat_begins_when_the_lease_is_over():
    """Its answer would be waited for while others may have taken the key."""

    async def fails() -> bool:
        raise OSError("no connection")

    beats, lease_time, began = Beats(fails), 0.4, time.monotonic()
    with pytest.raises(LeaseLost):
        async with kept(beats, OWNED, lease_time):
            await asyncio.sleep(60)
    assert all(each - began < lease_time for each in beats.began)


async def test_a_beat_that_is_not_answered_is_waited_for_as_long_as_the_lease_lasts():
    async def hangs() -> bool:
        await asyncio.sleep(60)
        raise AssertionError

    began = time.monotonic()
    with pytest.raises(LeaseLost):
        async with kept(Beats(hangs), OWNED, 0.4):
            await asyncio.sleep(60)
    assert 0.35 < time.monotonic() - began < 5.0
