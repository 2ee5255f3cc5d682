"""Filters and weighers by their names."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from triune import conf as settings
from triune.scheduler import scheduler
from triune.scheduler.base import Filter, Weigher

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(("group", "kind"), [(scheduler.FILTERS, Filter), (scheduler.WEIGHERS, Weigher)])
def test_what_the_package_brings_is_there(group: str, kind: type) -> None:
    for name, value in PROJECT["entry-points"][group].items():
        plugin = EntryPoint(name, value, group).load()()
        assert isinstance(plugin, kind)
        assert plugin.__doc__.startswith(f"`{name}`")


def test_the_defaults_are_what_the_package_brings() -> None:
    conf = settings.new()
    conf([], default_config_files=[])
    loaded = scheduler.load(conf.gateway.enabled_filters, conf.gateway.enabled_weighers)
    assert len(loaded.filters) == 4
    assert len(loaded.weighers) == 3


@pytest.mark.parametrize(("filters", "weighers"), [(["nonsense"], []), ([], ["nonsense"])])
def test_a_name_that_is_not_there(filters: list[str], weighers: list[str]) -> None:
    with pytest.raises(ValueError, match=r"nonsense.*capacity"):
        scheduler.load(filters, weighers)


def test_what_is_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("triune.nowhere:Thing", "triune.scheduler.filters:Thing", "pathlib:Path"):
        found = [EntryPoint("odd", value, scheduler.FILTERS)]
        monkeypatch.setattr(scheduler, "entry_points", lambda group, name, found=found: found)
        scheduler._load.cache_clear()
        with pytest.raises(ValueError, match="odd"):
            scheduler.load(["odd"], [])
    scheduler._load.cache_clear()
