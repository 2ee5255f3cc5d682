"""Values that mean the same are the same, and no others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triune.network import forms


@pytest.mark.parametrize(
    ("same", "wanted", "found", "result"),
    [
        (forms.plain, None, "", True),
        (forms.plain, [], None, True),
        (forms.plain, False, None, False),
        (forms.plain, True, False, False),
        (forms.plain, "a", "A", False),
        (forms.plain, 0, 0, True),
        (forms.address, "fd00::0:1", "fd00::1", True),
        (forms.address, None, "10.0.0.1", False),
        (forms.mac, "FA:16:3E:00:00:01", "fa:16:3e:00:00:01", True),
        (forms.members, ["a", "b"], ["b", "a"], True),
        (forms.servers, ["1.1.1.1", "9.9.9.9"], ["9.9.9.9", "1.1.1.1"], False),
        (
            forms.routes,
            [{"destination": "10.1.2.3/16", "nexthop": "10.0.0.1"}],
            [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.1"}],
            True,
        ),
        (
            forms.pairs,
            [{"ip_address": "10.0.0.1", "mac_address": "AA:BB:CC:DD:EE:FF"}],
            [{"ip_address": "10.0.0.1/32", "mac_address": "aa:bb:cc:dd:ee:ff"}],
            True,
        ),
        (
            forms.options,
            [{"opt_name": "mtu", "opt_value": 1300}],
            [{"opt_name": "mtu", "opt_value": "1300", "ip_version": 4}],
            True,
        ),
        (forms.pools, [], [{"start": "10.0.0.1", "end": "10.0.0.9"}], False),
        (
            forms.pools,
            [{"start": "10.0.0.3", "end": "10.0.0.3"}, {"start": "10.0.0.2", "end": "10.0.0.2"}],
            [{"start": "10.0.0.2", "end": "10.0.0.3"}],
            True,
        ),
    ],
)
def test_same(same, wanted, found, result):
    assert same(wanted, found) is result


def ip(subnet, address=None):
    return {"subnet_id": subnet, "ip_address": address} if address else {"subnet_id": subnet}


@pytest.mark.parametrize(
    ("wanted", "found", "result"),
    [
        ([ip("a", "10.0.0.1")], [ip("a", "10.0.0.1")], True),
        ([ip("a", "10.0.0.1")], [ip("b", "10.0.0.1")], False),
        ([ip("a", "10.0.0.1")], [ip("a", "10.0.0.1"), ip("a", "10.0.0.2")], False),
        ([ip("a", "10.0.0.1"), ip("s")], [ip("s", "fd00::1"), ip("a", "10.0.0.1")], True),
        ([ip("s")], [], False),
        ([], [], True),
        ([], [ip("a", "10.0.0.1")], False),
    ],
)
def test_fixed_ips(wanted, found, result):
    assert forms.fixed_ips(wanted, found) is result


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8))
def test_pools_are_the_same_exactly_when_their_addresses_are(pairs):
    pools = [{"start": f"10.0.0.{min(pair)}", "end": f"10.0.0.{max(pair)}"} for pair in pairs]
    addresses = {number for pair in pairs for number in range(min(pair), max(pair) + 1)}
    single = [{"start": f"10.0.0.{number}", "end": f"10.0.0.{number}"} for number in addresses]
    assert forms.pools(single, pools)
    assert not forms.pools([*single, {"start": "10.0.0.99", "end": "10.0.0.99"}], pools)


def test_prefixes_keep_their_bits_and_get_a_length():
    assert [forms.prefix(each) for each in (None, "10.0.0.5", "10.0.0.5/24", "fd00::1")] == [
        None, "10.0.0.5/32", "10.0.0.5/24", "fd00::1/128",
    ]  # fmt: skip
