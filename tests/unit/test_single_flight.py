"""Work that is done once for all who ask."""

import asyncio

import pytest

from triune.single_flight import SingleFlight


class Away(Exception):
    """The failure that is remembered."""


async def test_one_for_all() -> None:
    flights: SingleFlight[int] = SingleFlight(1, 1, Away)
    calls = 0

    async def work() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        return calls

    assert await asyncio.gather(*(flights.run("a", work) for _ in range(5))) == [1] * 5
    assert await flights.run("a", work) == 2


async def test_whoever_leaves_does_not_end_it_for_the_others() -> None:
    flights: SingleFlight[str] = SingleFlight(1, 1, Away)

    async def work() -> str:
        await asyncio.sleep(0.02)
        return "done"

    first = asyncio.create_task(flights.run("a", work))
    second = asyncio.create_task(flights.run("a", work))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "done"


async def test_a_failure_is_remembered_for_a_moment() -> None:
    flights: SingleFlight[None] = SingleFlight(0.02, 0.05, Away)
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(10)

    for _ in range(3):
        with pytest.raises(Away, match="no answer in"):
            await flights.run("a", work)
    assert calls == 1
    await asyncio.sleep(0.06)
    with pytest.raises(Away):
        await flights.run("a", work)
    assert calls == 2
