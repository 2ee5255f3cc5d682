"""Whether what is asked for fits."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.quota.room import Quota, Room, TooMuch, fitting, overs, with_more


@pytest.mark.parametrize(
    ("limit", "used", "amount", "most", "fits"),
    [(10, 8, 1, 5, 2), (10, 8, 3, 5, 0), (10, 12, 1, 5, 0), (-1, 99, 3, 5, 5), (0, 0, 1, 5, 0), (10, 0, 0, 5, 5),
     (10, 0, 2, 5, 5), (10, 12, 0, 5, 5)],
)  # fmt: skip
def test_what_fits(limit: int, used: int, amount: int, most: int, fits: int) -> None:
    assert fitting({"a": Quota(limit, used)}, {"a": amount, "unknown": 7}, most) == fits


amounts = st.fixed_dictionaries({"a": st.integers(0, 5), "b": st.integers(0, 5)})
quotas = st.fixed_dictionaries({name: st.builds(Quota, st.integers(-1, 30), st.integers(0, 30)) for name in "ab"})


@given(quotas, amounts, st.integers(0, 20))
def test_what_fits_is_not_too_much_and_one_more_is(
    quotas: Mapping[str, Quota], one: Mapping[str, int], most: int
) -> None:
    count = fitting(quotas, one, most)
    assert not overs(quotas, {name: amount * count for name, amount in one.items()}) or count == 0
    if count < most:
        assert overs(quotas, {name: amount * (count + 1) for name, amount in one.items()})


def test_more_is_used() -> None:
    assert with_more({"a": Quota(9, 1)}, [{"a": 2, "b": 5}, {"a": 3}]) == {"a": Quota(9, 6)}


class Pods:
    """What is used somewhere, which takes a moment to be told and to change."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.looks = 0

    async def look(self) -> Mapping[str, Quota]:
        self.looks += 1
        told = self.used
        await asyncio.sleep(0.001 * (self.looks % 3))
        return {"a": Quota(self.limit, told)}

    async def make(self, room: Room, fewest: int = 1, most: int = 1, fails: bool = False) -> int:
        try:
            async with room.taken("p", {"a": 1}, fewest, most, {}, self.look) as count:
                await asyncio.sleep(0.001)
                if fails:
                    raise ValueError
                self.used += count
                await asyncio.sleep(0.001)
                return count
        except TooMuch as error:
            assert error.overs["a"].limit == self.limit
            return 0


@pytest.mark.parametrize("limit", [0, 1, 7, 50, 100])
@pytest.mark.parametrize("settles", [0.0, 0.02])
async def test_a_hundred_at_once_are_as_many_as_may_be_had(limit: int, settles: float) -> None:
    pods, room = Pods(limit), Room(settles)
    assert sum(await asyncio.gather(*(pods.make(room) for _ in range(100)))) == limit == pods.used


async def test_one_after_the_other_too() -> None:
    pods, room = Pods(8), Room()
    assert [await pods.make(room) for _ in range(10)] == [1] * 8 + [0] * 2
    # The first looks, then who may come to use half of it does not.
    assert pods.looks == 1 + 6


async def test_what_failed_is_free_again() -> None:
    pods, room = Pods(2), Room(settles=60.0)
    for _ in range(5):
        with pytest.raises(ValueError):
            await pods.make(room, fails=True)
    assert not room._owners
    room.settles = 0.0
    assert [await pods.make(room) for _ in range(2)] == [1, 1]


async def test_fewer_than_wanted() -> None:
    pods, room = Pods(5), Room()
    assert await pods.make(room, 1, 9) == 5
    pods.used = 3
    assert await pods.make(room, 3, 9) == 0


async def test_a_limit_that_was_lowered_holds_at_once() -> None:
    pods, room = Pods(100), Room()
    await pods.make(room)
    pods.limit, looks = 1, pods.looks
    with pytest.raises(TooMuch):
        async with room.taken("p", {"a": 1}, 1, 1, {"a": 1}, pods.look):
            pass
    assert pods.looks == looks + 1


async def test_whoever_goes_away_leaves_nothing() -> None:
    pods, room = Pods(2), Room()
    task = asyncio.create_task(pods.make(room))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sum(await asyncio.gather(*(pods.make(room) for _ in range(3)))) == 2
    assert not room._owners


async def test_what_settles_is_not_told_as_used_twice() -> None:
    pods, room = Pods(2), Room(settles=5.0)
    # Each is told to be used at once, and under way for a while yet.
    assert await pods.make(room, 2, 2) == 2
    with pytest.raises(TooMuch) as refused:
        async with room.taken("p", {"a": 1}, 1, 1, {}, pods.look):
            pass
    assert refused.value.overs == {"a": Quota(2, 2)}
