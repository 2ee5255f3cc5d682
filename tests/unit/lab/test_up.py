"""The steps from a bare machine to a working lab."""

from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from lab import central_neutron, credentials, mariadb, services, up
from lab.layout import Layout
from lab.region import first
from lab.settings import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    layout = Layout(tmp_path / "lab")
    return Lab(layout, credentials.ensure(layout.credentials), tuple(first(3, layout)))


def test_every_step_waits_for_steps_that_there_are_and_none_for_itself(lab: Lab) -> None:
    steps = up.steps(lab)
    names = [step.name for step in steps]
    assert len(set(names)) == len(names)
    assert {need for step in steps for need in step.needs} <= set(names)
    order = list(TopologicalSorter({step.name: step.needs for step in steps}).static_order())
    # Both write into one database: its tables are there before either starts.
    assert order.index("central Neutron: database") < order.index("Triune: settings and database")
    assert order.index("Triune: settings and database") < order.index("central Neutron")


def test_central_neutron_is_one_of_the_services(lab: Lab) -> None:
    listed = services.openstack(lab.layout, lab.regions)
    assert central_neutron.NAME in [service.name for service in listed]
    ports = [service.port for service in listed if service.port]
    assert len(set(ports)) == len(ports)


def test_infrastructure_can_be_started_alone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Lab] = []
    monkeypatch.setattr(up, "start_database", started.append)
    up.start_infrastructure(lab, mariadb.NAME)
    assert started == [lab]
    with pytest.raises(KeyError):
        up.start_infrastructure(lab, "keystone")
