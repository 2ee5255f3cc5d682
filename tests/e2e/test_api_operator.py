"""What an operator sees and does over all pods: hypervisors, services, aggregates, zones, flavors, events."""

from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import LATEST, alike, both, microversion, plain, shape
from .people import CENTRAL, Person

VERSIONS = ["2.1", "2.37", "2.69", "2.90", LATEST]
AT_EACH = pytest.mark.parametrize("version", VERSIONS)
# What changes from one moment to the next.
PASSING = (
    "updated_at",
    "uptime",
    "cpu_info",
    "free_disk_gb",
    "free_ram_mb",
    "running_vms",
    "memory_mb_used",
    "vcpus_used",
    "local_gb_used",
    "disk_available_least",
    "current_workload",
    "zone",
)
# Before 2.53 hypervisors are numbers, of which each pod has its own.
NUMBERING = ("2.1", "2.37")
NUMBERED = ("id",)


@AT_EACH
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/os-hypervisors", "hypervisors"),
        ("/os-hypervisors/detail", "hypervisors"),
        ("/os-services", "services"),
        ("/os-services?binary=nova-compute", "services"),
        ("/os-hosts", "hosts"),
    ],
)
@pytest.mark.proves("compute", "GET /os-hypervisors", "GET /os-hypervisors/detail", "GET /os-services", "GET /os-hosts")
def test_what_all_pods_have(admin: Person, lab: Lab, path: str, key: str, version: str) -> None:
    answers = [admin.ask("compute", path, region=region, **microversion(version)) for region in (CENTRAL, *lab.regions)]
    ours, *native = answers
    if native[0].status_code != 200:
        alike(ours, native[0])
        return
    passing = (*PASSING, *(NUMBERED if key == "hypervisors" and version in NUMBERING else ()))
    there = [plain(each, *passing) for answer in native for each in answer.json()[key]]
    assert sorted(plain(ours.json()[key], *passing), key=str) == sorted(there, key=str)
    if key == "hypervisors":
        assert len({each["id"] for each in ours.json()[key]}) == len(there)
    assert len(there) >= len(lab.regions)


def hypervisors(person: Person, region: str, version: str) -> dict[str, Any]:
    """The ids of hypervisors by name."""
    answer = person.ask("compute", "/os-hypervisors", region=region, **microversion(version))
    return {each["hypervisor_hostname"]: each["id"] for each in answer.json()["hypervisors"]}


@pytest.mark.parametrize("version", ["2.1", "2.53", "2.87", LATEST])
@pytest.mark.proves(
    "compute",
    "GET /os-hypervisors/{hypervisor_id}",
    "GET /os-hypervisors/{hypervisor_id}/uptime",
    "GET /os-hypervisors/statistics",
)
def test_hypervisors(admin: Person, lab: Lab, version: str) -> None:
    numbered = NUMBERED if version in NUMBERING else ()
    everywhere = hypervisors(admin, CENTRAL, version)
    for region in lab.regions:
        name, native_id = next(iter(hypervisors(admin, region, version).items()))
        for below in ("", "/uptime"):
            ours, native = (
                admin.ask("compute", f"/os-hypervisors/{number}{below}", region=where, **microversion(version))
                for where, number in ((CENTRAL, everywhere[name]), (region, native_id))
            )
            alike(ours, native, *PASSING, *numbered)
        asked = f"/os-hypervisors/{name}/search"
        ours, native = both(admin, region, "compute", asked, **microversion(version))
        assert ours.status_code == native.status_code
    ours, native = both(admin, lab.regions[0], "compute", "/os-hypervisors/statistics", **microversion(version))
    assert ours.status_code == native.status_code
    if ours.status_code == 200:
        assert shape(ours.json()) == shape(native.json())
        assert ours.json()["hypervisor_statistics"]["count"] >= len(lab.regions)


def test_the_command_line_shows_all_pods(admin: Person, lab: Lab) -> None:
    hosts = [each.name for region in lab.regions for each in admin.pod(region).compute.hypervisors()]
    assert sorted(row["Hypervisor Hostname"] for row in admin.cli("hypervisor list")) == sorted(hosts)
    shown = admin.cli("hypervisor show", hosts[-1])
    assert shown["hypervisor_hostname"] == hosts[-1]
    services = [row["Host"] for row in admin.cli("compute service list --service nova-compute")]
    assert sorted(services) == sorted(hosts)
    zones = {row["Zone Name"]: row["Zone Status"] for row in admin.cli("availability zone list --compute")}
    assert {zone: zones.get(zone) for zone in lab.zones} == dict.fromkeys(lab.zones, "available")
    zones = {row["Zone Name"]: row["Zone Status"] for row in admin.cli("availability zone list --volume")}
    assert {zone: zones.get(zone) for zone in lab.zones} == dict.fromkeys(lab.zones, "available")


@pytest.mark.proves("compute", "PUT /os-services/{service_id}")
def test_a_service_is_disabled_where_it_is(admin: Person, lab: Lab) -> None:
    """A service that nobody uses: what hosts servers is left alone."""
    region = lab.regions[-1]
    (service,) = [each for each in admin.pod(region).compute.services() if each.binary == "nova-conductor"]
    for body in ({"status": "disabled", "disabled_reason": "for the test"}, {"status": "enabled"}, {"status": "none"}):
        ours, native = both(
            admin, region, "compute", f"/os-services/{service.id}", "PUT", json=body, **microversion(LATEST)
        )
        alike(ours, native, "updated_at")


@pytest.mark.proves(
    "compute",
    "GET /os-aggregates",
    "POST /os-aggregates",
    "GET /os-aggregates/{aggregate_id}",
    "PUT /os-aggregates/{aggregate_id}",
    "DELETE /os-aggregates/{aggregate_id}",
    "POST /os-aggregates/{aggregate_id}/action add_host",
    "POST /os-aggregates/{aggregate_id}/action remove_host",
    "POST /os-aggregates/{aggregate_id}/action set_metadata",
)
def test_an_aggregate_of_hosts_of_all_pods(admin: Person, lab: Lab, prefix: str) -> None:
    name = f"{prefix}-aggregate"
    hosts = [each.name for region in lab.regions for each in admin.pod(region).compute.hypervisors()]
    made = admin.cli("aggregate create --property colour=blue", name)
    identifier = str(made["id"])
    try:
        for host in hosts:
            admin.central.compute.add_host_to_aggregate(int(identifier), host)
        shown = admin.cli("aggregate show", identifier)
        assert sorted(shown["hosts"]) == sorted(hosts)
        for region in lab.regions:
            (held,) = [each for each in admin.pod(region).compute.aggregates() if each.name == name]
            assert (len(held.hosts), held.metadata["colour"]) == (1, "blue")
        admin.run("aggregate set --property colour=red", identifier)
        listed = [each for each in admin.central.compute.aggregates() if each.name == name]
        assert [(str(each.id), each.metadata) for each in listed] == [(identifier, {"colour": "red"})]
    finally:
        for host in hosts:
            admin.central.compute.remove_host_from_aggregate(int(identifier), host)
        admin.run("aggregate delete", identifier)
    for region in lab.regions:
        assert not [each for each in admin.pod(region).compute.aggregates() if each.name == name]


@pytest.mark.parametrize("version", ["2.1", "2.69", LATEST])
@pytest.mark.proves(
    "compute",
    "GET /flavors",
    "GET /flavors/detail",
    "GET /flavors/{flavor_id}",
    "PUT /flavors/{flavor_id}",
    "POST /flavors/{flavor_id}/os-extra_specs",
    "GET /flavors/{flavor_id}/os-extra_specs",
    "GET /flavors/{flavor_id}/os-extra_specs/{key}",
    "PUT /flavors/{flavor_id}/os-extra_specs/{key}",
    "DELETE /flavors/{flavor_id}/os-extra_specs/{key}",
    "POST /flavors/{flavor_id}/action addTenantAccess",
    "POST /flavors/{flavor_id}/action removeTenantAccess",
    "GET /flavors/{flavor_id}/os-flavor-access",
)
def test_a_flavor_of_one_project(
    tenant: Person, stranger: Person, admin: Person, lab: Lab, prefix: str, version: str
) -> None:
    how = microversion(version)
    body = {"name": f"{prefix}-private", "ram": 64, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}
    answer = admin.ask("compute", "/flavors", "POST", json={"flavor": body}, **how)
    assert answer.status_code == 200, answer.text
    path = f"/flavors/{answer.json()['flavor']['id']}"
    try:
        changes = [
            ("POST", f"{path}/os-extra_specs", {"extra_specs": {"hw:cpu_policy": "shared", "hw:mem_page_size": "any"}}),
            ("PUT", f"{path}/os-extra_specs/hw:mem_page_size", {"hw:mem_page_size": "small"}),
            ("PUT", f"{path}/os-extra_specs/hw:mem_page_size", {"hw:other": "small"}),
            ("POST", f"{path}/os-extra_specs", {"extra_specs": {"hw:cpu_policy": 7}}),
            ("PUT", path, {"flavor": {"description": "of the tests"}}),
            ("POST", f"{path}/action", {"nonsense": {}}),
        ]
        for method, where, change in changes:
            for region in lab.regions:
                ours, native = both(admin, region, "compute", where, method, json=change, **how)
                alike(ours, native)
        access = {"tenant": tenant.project_id}
        added = admin.ask("compute", f"{path}/action", "POST", json={"addTenantAccess": access}, **how)
        assert added.status_code == 200, added.text
        gone = admin.ask("compute", f"{path}/os-extra_specs/hw:mem_page_size", "DELETE", **how)
        assert gone.status_code == 200
        for region in lab.regions:
            for below in (
                "",
                "/os-extra_specs",
                "/os-extra_specs/hw:cpu_policy",
                "/os-extra_specs/no",
                "/os-flavor-access",
            ):
                for person in (admin, tenant, stranger):
                    alike(*both(person, region, "compute", path + below, **how))
            for below in (
                "/flavors?is_public=None",
                "/flavors/detail",
                "/flavors/detail?minRam=100",
                "/flavors?sort_key=name",
            ):
                alike(*both(tenant, region, "compute", below, **how))
            # A second time, by the pod itself.
            again = {"json": {"addTenantAccess": access}, **how}
            alike(*both(admin, region, "compute", f"{path}/action", "POST", **again))
        removed = admin.ask("compute", f"{path}/action", "POST", json={"removeTenantAccess": access}, **how)
        assert (removed.status_code, removed.json()) == (200, {"flavor_access": []})
        for region in (CENTRAL, *lab.regions):
            assert tenant.ask("compute", path, region=region, **how).status_code == 404
    finally:
        assert admin.ask("compute", path, "DELETE", **how).status_code == 202


@pytest.mark.proves("compute", "POST /os-server-external-events")
def test_events_go_to_the_pods_of_their_servers(
    tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    requests = [
        {"name": f"{prefix}-{zone}", "availability_zone": zone, "networks": "none", **boot} for zone in lab.zones
    ]
    with things.servers(tenant, *requests) as servers:
        ids = [server.id for server in servers]
        unknown = "11111111-2222-3333-4444-555555555555"
        events = [{"name": "network-changed", "server_uuid": each, "status": "completed"} for each in (*ids, unknown)]
        answer = admin.ask(
            "compute", "/os-server-external-events", "POST", json={"events": events}, **microversion(LATEST)
        )
        assert answer.status_code == 207, answer.text
        assert [(each["server_uuid"], each["code"]) for each in answer.json()["events"]] == [
            *((each, 200) for each in ids),
            (unknown, 404),
        ]
        for body in ({"events": [{"name": "nonsense", "server_uuid": ids[0]}]}, {"events": []}, {}):
            how = {"json": body, **microversion(LATEST)}
            alike(*both(admin, lab.regions[0], "compute", "/os-server-external-events", "POST", **how))
        how = {"json": {"events": events[:1]}, **microversion(LATEST)}
        alike(*both(tenant, lab.regions[0], "compute", "/os-server-external-events", "POST", **how))


@AT_EACH
@pytest.mark.proves("compute", "GET /os-availability-zone", "GET /os-availability-zone/detail")
def test_zones_are_those_of_the_top(tenant: Person, admin: Person, lab: Lab, version: str) -> None:
    answer = tenant.ask("compute", "/os-availability-zone", **microversion(version))
    zones = {each["zoneName"]: each for each in answer.json()["availabilityZoneInfo"]}
    assert set(lab.zones) <= zones.keys()
    native = tenant.ask("compute", "/os-availability-zone", region=lab.regions[0], **microversion(version)).json()
    assert shape(zones[next(iter(lab.zones))]) == shape(native["availabilityZoneInfo"][0])
    detail = admin.ask("compute", "/os-availability-zone/detail", **microversion(version))
    assert detail.status_code == 200
    alike(*both(tenant, lab.regions[0], "compute", "/os-availability-zone/detail", **microversion(version)))
