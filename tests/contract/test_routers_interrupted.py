"""Routers and floating IPs are brought and removed while requests fail and processes die: nothing is lost or twice."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from triune.network import names
from triune.work.requests import Key
from triune.work.runner import KeyFailed, KeyWaits

from .network_wire import Crash
from .network_world import ROUTING, World, world
from .routed_world import Roads, emptied, nothing_left

# More requests than anything here needs.
MOST = 400
# One of so many requests is tried; all with 1.
EVERY = int(os.environ.get("TRIUNE_TEST_EVERY", "11"))


async def _made(there: World) -> Roads:
    """Servers in two pods, ready; a router with a gateway, floating IPs and a port forwarding, all still to be made."""
    roads = Roads(there)
    blue, green = roads.network(1), roads.network(2, "vlan")
    near, far = await roads.server(blue, 0), await roads.server(green, 1)
    forwarded = await roads.server(green, 1, 51)
    await there.settle()
    await roads.server(green, 0, 52)
    outside = roads.external()
    await there.settle()
    router = roads.router()
    await roads.attach(router, blue)
    await roads.attach(router, green)
    await roads.gateway(router, outside, 0)
    for port in (near, far):
        await roads.floating(outside, port)
    await roads.forward(await roads.floating(outside), forwarded, 80, 8080)
    await there.tables.follow()
    return roads


async def _unmade(roads: Roads) -> None:
    """All of it goes at the top."""
    records = roads.central.records
    await roads.remove(*records["floatingips"].values(), *records["routers"].values())
    await emptied(roads)
    await roads.there.tables.follow()


def _routing(there: World) -> list[Key]:
    everything = list(there.keys())
    return [key for key in everything if key.kind in ROUTING]


async def _broken_off(there: World, keys: Iterable[Key], index: int, fault: str) -> bool:
    """Run keys, of whose requests one goes wrong; whether there were fewer."""
    there.wire.fails_in, there.wire.fault = index, fault
    for key in keys:
        try:
            await there.runner.now(key, 20.0)
        except (KeyFailed, KeyWaits):
            pass  # that is what this is for
        except Crash:
            await there._restart()
    done, there.wire.fails_in = there.wire.fails_in is not None, None
    return done


def _pictures(roads: Roads) -> list[dict[str, Any]]:
    return [roads.routed(number).picture() for number, _ in enumerate(roads.there.pods)]


@pytest.mark.faults
@pytest.mark.parametrize("fault", ["crash after", "after", "500"])
async def test_what_is_brought_is_whole_and_nothing_twice(tmp_path: Path, empty_database: Path, fault: str) -> None:
    wanted = None
    for index in [MOST, *range(0, MOST, EVERY)]:
        async with world(tmp_path, empty_database) as there:
            roads = await _made(there)
            done = await _broken_off(there, _routing(there), index, fault)
            await there.settle()
            found = _pictures(roads)
            wanted = wanted or found
            assert found == wanted, index
            devices = [names.LINK_DEVICE, names.EXIT_DEVICE, names.FLOATING_DEVICE]
            assert [len(roads.held(each)) for each in devices] == [2, 2, 2], index
            assert len(roads.made()) == 2, index
            if done and index != MOST:
                return
    raise AssertionError("more requests than were thought")


@pytest.mark.faults
@pytest.mark.parametrize("fault", ["crash after", "500"])
async def test_what_is_removed_leaves_nothing(tmp_path: Path, empty_database: Path, fault: str) -> None:
    for index in range(0, MOST, EVERY):
        async with world(tmp_path, empty_database) as there:
            roads = await _made(there)
            await there.settle()
            keys = _routing(there)
            await _unmade(roads)
            done = await _broken_off(there, keys, index, fault)
            await there.settle()
            nothing_left(roads)
            if done:
                return
    raise AssertionError("more requests than were thought")
