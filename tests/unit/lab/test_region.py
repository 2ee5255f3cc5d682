"""Names, ports and places that follow from a region's number."""

from pathlib import Path

from lab import ports, region
from lab.layout import Layout
from lab.services import openstack


def test_names_follow_from_the_index(tmp_path: Path) -> None:
    one, two = region.first(2, Layout(tmp_path))
    assert (one.name, one.host, two.name, two.host) == ("RegionOne", "pod1", "RegionTwo", "pod2")
    assert two.directory == tmp_path / "regions" / "RegionTwo"
    assert two.service("nova-api") == "RegionTwo/nova-api"
    assert two.database("nova_cell0") == "regiontwo_nova_cell0"


def test_a_port_shows_region_and_service() -> None:
    assert ports.api_port(1, "nova") == 10174
    assert ports.api_port(2, "glance") == 10292


def test_no_two_services_share_a_port_or_a_name(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    services = openstack(layout, tuple(region.first(len(region.NUMERALS), layout)))
    taken = [service.port for service in services if service.port is not None]
    taken += [ports.MEMCACHED, ports.RABBITMQ, ports.RABBITMQ_CLUSTER, ports.EPMD]
    assert len(taken) == len(set(taken))
    assert len({service.name for service in services}) == len(services)


def test_only_regions_with_a_past_are_beyond(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    (layout.regions / "RegionThree").mkdir(parents=True)
    assert [each.name for each in region.beyond(2, layout)] == ["RegionThree"]
    assert region.beyond(3, layout) == []
