"""Port forwardings of the floating IPs of a fake Neutron."""

import copy
import json
import uuid
from ipaddress import ip_address
from typing import Any

from ..service import Answer, Asked, Refusal
from .errors import bad, bad_request, refusal
from .floating_ips import FloatingIps
from .kinds import FLOATING_IP, PORT, PORT_FORWARDING, Record
from .lists import listed

_MEMBER = PORT_FORWARDING.member
_PROTOCOLS = {"dccp", "icmp", "ipv6-icmp", "sctp", "tcp", "udp"}
_SHOWN = ("id", *PORT_FORWARDING.required, *PORT_FORWARDING.defaults)
# What a floating IP tells of them.
_BRIEF = ("id", "internal_ip_address", "protocol", "internal_port", "external_port", "internal_port_id")
_SIDES = ("external", "internal")


class PortForwardings(FloatingIps):
    """Ports of a floating IP that stand for ports of servers."""

    def forwardings(self, asked: Asked) -> Answer:
        """Port forwardings: made, listed, shown, changed, removed."""
        floating = self.owned(asked.user, FLOATING_IP, asked.parameters[0])
        id_ = asked.parameters[1]
        if id_ is None and asked.method == "GET":
            return self._listed(asked, floating)
        if id_ is None and asked.method == "POST":
            return Answer(201, {_MEMBER: self._view(self._create_forwarding(asked, floating))})
        record = self.records["port_forwardings"].get(id_ or "")
        if record is None or record["floatingip_id"] != floating["id"]:
            message = PORT_FORWARDING.not_found.format(id=id_)
            raise refusal(404, "PortForwardingNotFound", message)
        if asked.method == "DELETE":
            self._remove_forwarding(record)
            return Answer(204)
        if asked.method == "PUT":
            self._update_forwarding(asked, floating, record)
        return Answer(200, {_MEMBER: self._view(record)})

    def _view(self, record: Record) -> Record:
        return {name: record[name] for name in _SHOWN if self.knows(PORT_FORWARDING, name)}

    def _listed(self, asked: Asked, floating: Record) -> Answer:
        for name in ("internal_ip_address", "internal_port"):
            if asked.first(name) is not None:
                message = f"Port Forwarding filter {name} is not supported."
                raise refusal(400, "PortForwardingNotSupportFilterField", message)
        views = [self._view(each) for each in self._of(floating)]
        url = f"{self.root}/v2.0/floatingips/{floating['id']}/port_forwardings"
        return listed(asked, PORT_FORWARDING, views, url, lambda name: name in _SHOWN, self.max_limit)

    def _of(self, floating: Record) -> list[Record]:
        found = self.records["port_forwardings"].values()
        return [each for each in found if each["floatingip_id"] == floating["id"]]

    def _body(self, asked: Asked, creates: bool) -> Record:
        document = json.loads(asked.body)
        if not isinstance(document, dict) or not isinstance(document.get(_MEMBER), dict):
            raise bad_request(f"Unable to find '{_MEMBER}' in request body")
        wanted: Record = dict(document[_MEMBER])
        known = {name for name in _SHOWN if self.knows(PORT_FORWARDING, name)}
        if unknown := sorted(set(wanted) - known - {"project_id", "tenant_id"}):
            raise bad_request(f"Unrecognized attribute(s) '{', '.join(unknown)}'")
        missing = [name for name in PORT_FORWARDING.required if name not in wanted]
        if creates and missing:
            raise bad_request(f"Failed to parse request. Required attribute '{missing[0]}' not specified")
        for name, value in wanted.items():
            if reason := _fault(name, value):
                raise bad_request(f"Invalid input for {name}. Reason: {reason}.")
        return wanted

    def _create_forwarding(self, asked: Asked, floating: Record) -> Record:
        wanted = self._body(asked, creates=True)
        ranges = {f"{side}_port_range": _range(wanted, side) for side in _SIDES}
        self._check_collisions({**wanted, **ranges}, floating, None)
        self._check_no_floating_ip(wanted)
        if floating["port_id"] is not None:
            message = f"Cannot associate floating IP {floating['floating_ip_address']} ({floating['id']}) with port "
            message += f"{wanted['internal_port_id']} using fixed IP {wanted['internal_ip_address']}, as that fixed IP "
            message += f"already has a floating IP on external network {floating['floating_network_id']}."
            raise refusal(409, "FloatingIPPortAlreadyAssociated", message)
        router_id = self._router(asked, floating, wanted)
        before = copy.deepcopy(floating)
        floating["router_id"] = router_id
        fields = {name: wanted[name] for name in wanted if name in _SHOWN}
        numbers = {f"{side}_port": _number(ranges[f"{side}_port_range"]) for side in _SIDES}
        fields = {"floatingip_id": floating["id"], **fields, **ranges, **numbers}
        record = self.put(PORT_FORWARDING, floating["project_id"], **fields)
        self._tell(before, floating)
        self.becomes(floating, "ACTIVE")
        return record

    def _tell(self, before: Record, floating: Record) -> None:
        """Let a floating IP tell of its port forwardings as they are."""
        forwardings = [{name: each[name] for name in _BRIEF} for each in self._of(floating)]
        floating["port_forwardings"] = forwardings
        self.revise(floating)
        self.note(FLOATING_IP, before, floating)

    def _update_forwarding(self, asked: Asked, floating: Record, record: Record) -> None:
        wanted = self._body(asked, creates=False)
        if wanted.get("internal_port_id"):
            self._check_no_floating_ip({**record, **wanted})
            if wanted["internal_port_id"] != record["internal_port_id"]:
                self._router(asked, floating, {**record, **wanted})
        new = {**record, **wanted}
        for side in _SIDES:
            if f"{side}_port" in wanted or f"{side}_port_range" in wanted:
                new[f"{side}_port_range"] = _range(wanted, side)
                new[f"{side}_port"] = _number(new[f"{side}_port_range"])
        port = self.ports[new["internal_port_id"]]
        if new["internal_ip_address"] not in [each["ip_address"] for each in port["fixed_ips"]]:
            message = "The internal IP does not correspond to an address on the internal port, which has fixed_ips "
            raise bad(_MEMBER, f"{message}{port['fixed_ips']}")
        self._check_collisions(new, floating, record["id"])
        before, before_floating = copy.deepcopy(record), copy.deepcopy(floating)
        record.update(new)
        self.note(PORT_FORWARDING, before, record)
        self._tell(before_floating, floating)

    def _remove_forwarding(self, record: Record) -> None:
        floating = self.records["floatingips"][record["floatingip_id"]]
        before = copy.deepcopy(floating)
        del self.records["port_forwardings"][record["id"]]
        self.note(PORT_FORWARDING, record, None)
        if not self._of(floating):
            floating["router_id"] = None
            self.becomes(floating, "DOWN")
        self._tell(before, floating)

    def _check_no_floating_ip(self, wanted: Record) -> None:
        port_id = wanted["internal_port_id"]
        for each in self.records["floatingips"].values():
            if each["port_id"] == port_id:
                message = f"Cannot create port forwarding to floating IP {each['floating_ip_address']} ({each['id']}) "
                message += f"with port {port_id} using fixed IP {wanted['internal_ip_address']}, as that port already "
                raise refusal(409, "PortHasBindingFloatingIP", f"{message}has a binding floating IP.")

    def _router(self, asked: Asked, floating: Record, wanted: Record) -> str:
        """The router by which a server is reached. Raises `Refusal`."""
        port = self.find(asked.user, PORT, wanted["internal_port_id"])
        addresses = [each for each in port["fixed_ips"] if ip_address(each["ip_address"]).version == 4]
        if not addresses:
            message = f"Requested internal port {port['id']} must allocate an IPv4 address at least."
            raise bad(_MEMBER, message)
        found = [each["subnet_id"] for each in addresses if each["ip_address"] == wanted["internal_ip_address"]]
        if not found:
            message = f"Requested internal IP address {wanted['internal_ip_address']} is not suitable for internal "
            raise bad(_MEMBER, f"{message}neutron port {port['id']}, as its fixed_ips are {addresses}")
        network_id = floating["floating_network_id"]
        try:
            router_id = self.router_for(port, found[0], network_id)
        except Refusal:
            message = f"External network {network_id} is not reachable from subnet {found[0]}. Cannot set Port "
            message += f"forwarding for port {port['id']} with Floating IP {floating['id']}"
            raise bad(_MEMBER, message) from None
        if floating["router_id"] not in (None, router_id):
            message = f"The Floating IP {floating['id']} had been set on router {floating['router_id']}, the internal "
            raise bad(_MEMBER, f"{message}Neutron port {port['id']} can not reach it")
        return router_id

    def _check_collisions(self, new: Record, floating: Record, own: str | None) -> None:
        external, internal = (_ends(new[f"{side}_port_range"]) for side in _SIDES)
        if internal[1] > internal[0] and internal[1] - internal[0] != external[1] - external[0]:
            message = "Invalid ranges of internal and/or external ports. The relation between internal and external "
            raise bad(_MEMBER, f"{message}ports must be N-N or 1-N")
        inside = ("protocol", "internal_port_id", "internal_ip_address")
        for side, names in (("internal", inside), ("external", ("protocol", "floatingip_id"))):
            key, wanted = f"{side}_port_range", {**new, "floatingip_id": floating["id"]}
            for each in self.records["port_forwardings"].values():
                if each["id"] == own or any(each[name] != wanted[name] for name in names):
                    continue
                old, now = _ends(each[key]), _ends(new[key])
                if max(old[0], now[0]) <= min(old[1], now[1]):
                    message = f"There is a port collision with the {key}. The following ranges collide: {each[key]} "
                    raise bad(_MEMBER, f"{message}and {new[key]}")

    def update_port(self, asked: Asked, record: Record, wanted: Record) -> None:
        super().update_port(asked, record, wanted)
        self._forget_forwardings(record, {each["ip_address"] for each in record["fixed_ips"]})

    def release(self, port: Record) -> None:
        super().release(port)
        self._forget_forwardings(port, set())

    def _forget_forwardings(self, port: Record, kept: set[str]) -> None:
        for record in list(self.records["port_forwardings"].values()):
            if record["internal_port_id"] == port["id"] and record["internal_ip_address"] not in kept:
                self._remove_forwarding(record)


def _range(wanted: Record, side: str) -> str:
    """The ports of one side, as Neutron keeps them. Raises `Refusal`."""
    given = wanted.get(f"{side}_port_range") or wanted.get(f"{side}_port")
    if given is None:
        # Neutron does not look whether there is any.
        message = "Request Failed: internal server error while processing your request."
        raise refusal(500, "HTTPInternalServerError", message)
    first, last = _ends(str(given))
    return f"{first}:{last}"


def _ends(ports: str) -> tuple[int, int]:
    first, _, last = ports.partition(":")
    return int(first), int(last or first)


def _number(ports: str) -> int | None:
    first, last = _ends(ports)
    return first if first == last else None


def _fault(name: str, value: Any) -> str:
    """What is wrong with a value; empty where nothing is."""
    if name == "protocol" and str(value).lower() not in _PROTOCOLS:
        return f"{value} is not in valid_values"
    if name == "internal_ip_address":
        try:
            ip_address(value)
        except ValueError:
            return f"'{value}' is not a valid IP address"
    if name == "internal_port_id":
        try:
            uuid.UUID(value)
        except (ValueError, AttributeError):
            return f"'{value}' is not a valid UUID"
    if name in ("external_port", "internal_port") and value is not None:
        if not str(value).isdigit():
            return f"'{value}' is not an integer"
        if int(value) < 1:
            return f"'{value}' is too small - must be at least '1'"
        if int(value) > 65535:
            return f"'{value}' is too large - must be no larger than '65535'"
    return ""
