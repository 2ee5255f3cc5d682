"""Lists of several pods that hold the same: one order out of those of the pods."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.gateway.union import in_one_order


@pytest.mark.parametrize(
    ("orders", "together"),
    [
        ([], ""),
        (["", ""], ""),
        (["cba"], "cba"),
        (["cba", "cba"], "cba"),
        # One that a pod lacks stands where the others have it.
        (["ca", "cba"], "cba"),
        (["ba", "cba"], "cba"),
        (["cb", "cba"], "cba"),
        (["dca", "cba", "dcb"], "dcba"),
        # Nothing in common: one pod behind the other.
        (["ba", "dc"], "badc"),
        # The first pod that tells both is right.
        (["ab", "ba"], "ab"),
        (["ac", "cb", "ba"], "acb"),
    ],
)
def test_one_order(orders: list[str], together: str) -> None:
    assert "".join(in_one_order(orders)) == together


@given(st.permutations("abcdefgh"), st.lists(st.sets(st.sampled_from("abcdefgh")), max_size=5))
def test_each_is_told_once_and_pods_that_agree_are_followed(whole: list[str], held: list[set[str]]) -> None:
    orders = [[each for each in whole if each in some] for some in held]
    together = in_one_order(orders)
    assert sorted(together) == sorted(set().union(*held))
    # One that leaves nothing out is kept by what comes after.
    assert in_one_order([whole, *orders]) == whole
    for order in orders[:1]:
        assert all(together.index(one) < together.index(other) for one, other in pairwise(order))
