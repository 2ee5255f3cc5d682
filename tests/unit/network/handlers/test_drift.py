"""Comparing a pod with the plan, where that itself is known."""

from types import SimpleNamespace

import pytest

from triune.network import names
from triune.network.drift import DIFFERENT, TWICE, Wanted
from triune.network.handlers import drift
from triune.network.plan import Twin
from triune.network.realize import Limits, Realizer
from triune.work.requests import Key

ROUTER, OTHER = (Key(names.ROUTER, each, "pod") for each in "rs")


async def test_what_is_there_twice_is_forgotten_so_that_it_is_searched_for(monkeypatch: pytest.MonkeyPatch):
    forgotten, asked = [], []

    async def answer(value=None):
        return value

    async def request(keys, backlog):
        asked.extend(keys)

    async def forget(kind, top_id):
        forgotten.append((kind, top_id))

    pod = SimpleNamespace(
        pod_id="pod", features=frozenset(), limits=Limits(), forget=forget,
        neutron=SimpleNamespace(pod=SimpleNamespace(region_name="RegionOne")),
    )  # fmt: skip
    shop = SimpleNamespace(pod=lambda pod_id: answer(pod), waits=lambda keys: answer(set()), request=request)
    made = drift.Drift(shop)
    monkeypatch.setattr(made, "_records", lambda pod: answer({names.PORT: []}))
    monkeypatch.setattr(made, "_wanted", lambda pod: answer((Wanted(), [])))
    monkeypatch.setattr(made, "_owners", lambda surplus: answer({}))
    monkeypatch.setattr(drift, "routing_drift", lambda shop, pod: answer({ROUTER: TWICE, OTHER: DIFFERENT}))
    await made(Key(names.DRIFT, "pod", "pod"))
    assert (forgotten, asked) == ([(names.ROUTER, "r")], [ROUTER, OTHER])


async def test_of_two_pod_routers_the_one_with_interfaces_stays(monkeypatch: pytest.MonkeyPatch):
    removed = []
    twins = [
        {"id": each, "project_id": "p", "name": "", "tags": ["triune", "triune:r"], "created_at": each}
        for each in ("older", "younger")
    ]

    async def ports(path, name, values, fields):
        assert (path, name) == ("ports", "device_id")
        return [{"id": "1", "device_id": each} for each in values if each == "younger"]

    async def delete(path, id_):
        removed.append((path, id_))

    async def find(kind, top_id):
        return twins

    realizer = Realizer(SimpleNamespace(of=ports, delete=delete), frozenset(), None, Limits())
    monkeypatch.setattr(realizer, "find", find)
    assert await realizer._searched(Twin(names.ROUTER, "r", "p", {})) == twins[1]
    assert removed == [("routers", "older")]
