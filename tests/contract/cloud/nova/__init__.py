"""A fake Nova: servers with their interfaces, flavors, keypairs, zones (nova/api/openstack of release 34)."""

from collections.abc import Iterable

from ..pod_service import Record
from ..service import Answer, Asked, On
from .about import About
from .aggregates import Aggregates
from .base import ROOT
from .events import Events
from .flavors import Flavors
from .hypervisors import Hypervisors
from .keypairs import Keypairs
from .proxies import Proxies
from .removed import removed_routes
from .servers import Servers
from .usages import Usages


class Nova(Servers, Flavors, Keypairs, Hypervisors, Usages, Events, Aggregates, Proxies, About):
    """The compute service of one pod."""

    def routes(self) -> Iterable[On]:
        return (
            *self.server_routes(),
            *self.part_routes(),
            *self.attached_routes(),
            *self.interface_routes(),
            *self.flavor_routes(),
            *self.keypair_routes(),
            *self.host_routes(),
            *self.hypervisor_routes(),
            *self.usage_routes(),
            *self.event_routes(),
            *self.aggregate_routes(),
            *self.quota_routes(),
            *self.proxy_routes(),
            *self.about_routes(),
            *self.group_routes(),
            *removed_routes(),
            On("GET", "/", self._versions),
            On("GET", "/v2.1/?", self._version),
            On("GET", "/v2/?", self._old_version),
            On("GET", f"{ROOT}/os-availability-zone", self._zones),
            On("GET", f"{ROOT}/os-availability-zone/detail", self._zones_with_hosts),
        )

    def _entry(self) -> Record:
        return {
            "id": "v2.1", "status": "CURRENT", "version": self.highest, "min_version": self.lowest,
            "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": f"{self.root}/v2.1/"}],
        }  # fmt: skip

    def _old_entry(self) -> Record:
        return {
            "id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "",
            "updated": "2025-07-04T12:00:00Z", "links": [{"rel": "self", "href": f"{self.root}/v2/"}],
        }  # fmt: skip

    def _versions(self, _asked: Asked) -> Answer:
        return Answer(200, {"versions": [self._old_entry(), self._entry()]})

    def _old_version(self, _asked: Asked) -> Answer:
        entry = self._old_entry()
        entry["links"].append({"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"})
        entry["media-types"] = [
            {"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2"}
        ]
        return Answer(200, {"version": entry})

    def _version(self, asked: Asked) -> Answer:
        asked.headers["accepted"] = self.lowest
        entry = self._entry()
        entry["links"].append({"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"})
        entry["media-types"] = [
            {"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}
        ]
        return Answer(200, {"version": entry})

    def _zones(self, _asked: Asked) -> Answer:
        zones = [{"zoneName": zone, "zoneState": {"available": True}, "hosts": None} for zone in sorted(self.zones)]
        return Answer(200, {"availabilityZoneInfo": zones})

    def _zones_with_hosts(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-availability-zone:detail")
        zones: Record = {}
        for each in self.services:
            zone = self.zone if each["binary"] == "nova-compute" else "internal"
            state = {"available": not each["forced_down"], "active": True, "updated_at": "2026-11-20T15:30:22.000000"}
            zones.setdefault(zone, {}).setdefault(each["host"], {})[each["binary"]] = state
        told = [
            {"zoneName": zone, "zoneState": {"available": True}, "hosts": hosts}
            for zone, hosts in sorted(zones.items())
        ]
        return Answer(200, {"availabilityZoneInfo": told})
