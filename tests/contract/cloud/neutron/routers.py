"""Routers of a fake Neutron: what they are, and their routes."""

import copy
import json
from ipaddress import ip_address, ip_network
from typing import Any

from ..service import Answer, Asked
from .addresses import ROUTER_INTERFACE
from .errors import bad_request, refusal
from .gateways import Gateways
from .kinds import ROUTER, Record
from .networks import ROUTER_PORTS, _plain

# How many routes a router may have, where no quota says otherwise.
_MAX_ROUTES = 30
_ROUTE = {"destination", "nexthop"}


class Routers(Gateways):
    """Routers with their gateways and routes."""

    def add_router(self, project_id: str, network: Record | None = None, **fields: Any) -> Record:
        """A router that is there already, with a gateway on a network."""
        router = self.put(ROUTER, project_id, **{"name": "router", **fields})
        if network is not None:
            self._make(router, network["id"], [])
            self.show_gateway(router)
        return router

    def create_router(self, asked: Asked, wanted: Record) -> Record:
        if "routes" in wanted:
            raise bad_request("Attribute 'routes' not allowed in POST")
        info = self.check_gateway(asked.user, wanted.pop("external_gateway_info", None), "create")
        project_id = self.project(asked.user, wanted)
        self.within_quota(ROUTER, project_id)
        record = self.put(ROUTER, project_id, **_plain(wanted))
        try:
            if info:
                self.set_gateway(asked.user, record, info)
        except Exception:
            del self.records["routers"][record["id"]]
            raise
        return record

    def update_router(self, asked: Asked, record: Record, wanted: Record) -> None:
        gateway = wanted.pop("external_gateway_info", ...)
        info = self.check_gateway(asked.user, {} if gateway is ... else gateway, "update")
        if "routes" in wanted:
            self._set_routes(record, wanted.pop("routes"))
        if gateway is not ...:
            self.set_gateway(asked.user, record, info)
        record.update(wanted)

    def delete_router(self, _asked: Asked, record: Record) -> None:
        if used := self.ports_of(record["id"], ROUTER_INTERFACE):
            ids = ", ".join(port["id"] for port in used)
            raise refusal(409, "RouterInUse", f"Router {record['id']} has ports still attached: {ids}")
        if (port := self.gateway_of(record["id"])) is not None:
            self.drop_gateway(record, port)

    def _set_routes(self, router: Record, given: Any) -> None:
        routes = _checked(given)
        self.check_routes(router, routes)
        if len(routes) > self.quota.get((router["project_id"], "router_route"), _MAX_ROUTES):
            raise refusal(409, "OverQuota", "Quota exceeded for resources: ['router_route'].")
        kept = [route for route in router["routes"] if route in routes]
        router["routes"] = [*kept, *(route for route in routes if route not in kept)]

    def change_routes(self, asked: Asked) -> Answer:
        """`add_extraroutes` and `remove_extraroutes`."""
        id_, verb = asked.parameters
        router = self.owned(asked.user, ROUTER, id_)
        before = copy.deepcopy(router)
        given = _checked(json.loads(asked.body)[ROUTER.member]["routes"])
        others = [route for route in router["routes"] if route not in given]
        self._set_routes(router, [*others, *given] if verb == "add" else others)
        self.revise(router)
        self.note(ROUTER, before, router)
        return Answer(200, {ROUTER.member: self.view(asked.user, ROUTER, router)})

    def update_port(self, asked: Asked, record: Record, wanted: Record) -> None:
        router = self.records["routers"].get(record["device_id"])
        mine = router is not None and record["device_owner"] in ROUTER_PORTS
        if mine and self.ovn and wanted.get("fixed_ips") == []:
            raise _service_port(record, "Router port must have at least one IP.")
        super().update_port(asked, record, wanted)
        if router is not None:
            self.show_gateway(router)

    def delete_port(self, asked: Asked, record: Record) -> None:
        owners = {"network:floatingip": "floatingips", **dict.fromkeys(ROUTER_PORTS, "routers")}
        collection = owners.get(record["device_owner"])
        if collection is not None and record["device_id"] in self.records[collection]:
            raise _service_port(record, f"has device owner {record['device_owner']}")
        super().delete_port(asked, record)


def _service_port(port: Record, reason: str) -> Exception:
    message = f"Port {port['id']} cannot be deleted directly via the port API: {reason}."
    return refusal(409, "ServicePortInUse", message)


def _checked(given: Any) -> list[Record]:
    """The routes of a body. Raises `Refusal` 400."""
    routes: list[Record] = [] if given is None else given
    reason = "" if isinstance(routes, list) else f"Invalid data format for hostroute: '{routes}'"
    for number, route in enumerate(routes if not reason else ()):
        reason = reason or _fault(route)
        if not reason and route in routes[:number]:
            reason = f"Duplicate hostroute '{route}'"
    if reason:
        raise bad_request(f"Invalid input for routes. Reason: {reason}.")
    return routes


def _fault(route: Any) -> str:
    if not isinstance(route, dict) or set(route) != _ROUTE:
        return f"Validation of dictionary's keys failed. Expected keys: {_ROUTE} Provided keys: {set(route)}"
    try:
        ip_network(route["destination"])
    except ValueError:
        return f"'{route['destination']}' is not a valid CIDR"
    if "/" not in route["destination"]:
        return f"'{route['destination']}' is not a valid CIDR"
    try:
        ip_address(route["nexthop"])
    except ValueError:
        return f"'{route['nexthop']}' is not a valid IP address"
    return ""
