"""Interfaces of servers of the fake Nova (nova/network/neutron.py, compute/attach_interfaces.py)."""

import json
import uuid
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from ..pod_service import Record
from ..schema import is_uuid_like
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase, now

HOST = "compute1"


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and is_uuid_like(value)


class Interfaces(NovaBase):
    """What Nova does with ports: it takes them while it builds a server, and lets them go with it."""

    def interface_routes(self) -> Iterable[On]:
        """Their part of the table."""
        root = f"{ROOT}/servers/([^/]+)"
        return (
            On("GET", f"{root}/os-interface", self._list_interfaces),
            On("GET", f"{root}/os-interface/([^/]+)", self._show_interface),
            On("POST", f"{root}/os-interface", self._attach_interface),
            On("DELETE", f"{root}/os-interface/([^/]+)", self._detach_interface),
            On("GET", f"{root}/os-security-groups", self._server_groups),
            On("GET", f"{root}/os-instance-actions", self._list_actions),
            On("GET", f"{root}/os-instance-actions/([^/]+)", self._show_action),
        )

    # -- the test's own hand

    def build(self, server: Record) -> None:
        """Finish a server whose building was held up."""
        for port_id in server["ports"]:
            self._take(server, self.neutron.ports[port_id])
        server |= {"status": "ACTIVE", "vm_state": "active", "task_state": None, "updated": now()}

    def fail(self, server: Record) -> None:
        """A server for which there was no place, or whose building failed: its ports are free."""
        self.let_go(server)
        server |= {"status": "ERROR", "vm_state": "error", "task_state": None, "updated": now()}

    def bury(
        self, server: Record, message: str = "No valid host was found. There are not enough hosts available."
    ) -> None:
        """The end of a server for which the scheduler found no host (conductor/manager.py, `_bury_in_cell0`)."""
        server |= {"status": "ERROR", "vm_state": "error", "task_state": None, "updated": now(), "host": None}
        server["fault"] = {"code": 500, "created": now(), "message": message}

    def let_go(self, server: Record) -> None:
        """Unbind all ports of a server."""
        for port in self.neutron.ports.values():
            if port["device_id"] == server["id"]:
                self._free(port)

    # -- ports

    def _take(self, server: Record, port: Record) -> None:
        port |= {
            "device_id": server["id"],
            "device_owner": f"compute:{server['zone']}",
            "binding:host_id": HOST,
            "status": "ACTIVE",
        }
        self.neutron.revise(port)

    def _free(self, port: Record) -> None:
        port |= {"device_id": "", "device_owner": "", "binding:host_id": "", "status": "DOWN"}
        self.neutron.revise(port)

    def requested_ports(self, asked: Asked, server: Record) -> list[str]:
        """The ports that a new server is to have. Raises `Refusal` as `validate_networks` does."""
        wanted = server.get("networks")
        if not isinstance(wanted, list):
            return []
        found: list[str] = []
        if not all(isinstance(item, dict) for item in wanted):
            raise fault(400, f"Invalid input for field/attribute networks. Value: {wanted!r}.")
        for item in wanted:
            if (port_id := item.get("port")) is not None:
                port = self.neutron.ports.get(port_id)
                if port is None or port["project_id"] != asked.user.project_id:
                    raise fault(400, f"Port id {port_id} could not be found.")
                if port["device_id"]:
                    raise fault(409, f"Port {port_id} is still in use.")
                found.append(port_id)
            elif not _is_uuid(item.get("uuid")):
                # nova/api/openstack/compute/servers.py, `_get_requested_networks`
                raise fault(400, f"Bad networks format: network uuid is not in proper format ({item.get('uuid')})")
            elif item["uuid"] not in self.neutron.networks:
                raise fault(400, f"Network {item['uuid']} could not be found.")
        return found

    def require_groups(self, asked: Asked, server: Record) -> None:
        """Raises `Refusal` for a security group that the project does not have."""
        names = {
            group["name"] for group in self.neutron.groups.values() if group["project_id"] == asked.user.project_id
        }
        for group in server.get("security_groups", ()):
            if group.get("name", "default") not in {"default", *names, *self.neutron.groups}:
                raise fault(400, f"Unable to find security_group with name or id '{group['name']}'")

    def ports_of(self, server_id: str) -> list[Record]:
        """The ports of a server."""
        return [port for port in self.neutron.ports.values() if port["device_id"] == server_id]

    def addresses_of(self, server: Record) -> Record:
        """The addresses as a server's body has them: by network, unless a test has given others."""
        networks: Record = {}
        for port in self.ports_of(server["id"]):
            told = networks.setdefault(self.neutron.networks[port["network_id"]]["name"], [])
            for fixed_ip in port["fixed_ips"]:
                address = fixed_ip["ip_address"]
                words = {"OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": port["mac_address"]}
                told.append({"version": ip_address(address).version, "addr": address, **words})
        return server.get("addresses", networks)

    def groups_of(self, server: Record) -> list[dict[str, str]]:
        """The security groups as a server's body has them."""
        groups = self.neutron.groups
        return [
            {"name": groups[group_id]["name"]}
            for port in self.ports_of(server["id"])
            for group_id in port["security_groups"]
        ]

    # -- what is asked

    def _view_interface(self, port: Record) -> Record:
        return {
            "net_id": port["network_id"],
            "port_id": port["id"],
            "mac_addr": port["mac_address"],
            "port_state": port["status"],
            "fixed_ips": port["fixed_ips"],
        }

    def _list_interfaces(self, asked: Asked) -> Answer:
        server = self.server(asked)
        return Answer(
            200, {"interfaceAttachments": [self._view_interface(port) for port in self.ports_of(server["id"])]}
        )

    def _port(self, server: Record, port_id: str) -> Record:
        port = self.neutron.ports.get(port_id)
        if port is None:
            raise fault(404, f"Port id {port_id} could not be found.")
        if port["device_id"] != server["id"]:
            raise fault(404, f"Instance {server['id']} does not have a port with id {port_id}")
        return port

    def _show_interface(self, asked: Asked) -> Answer:
        port = self._port(self.server(asked), asked.parameters[1])
        return Answer(200, {"interfaceAttachment": self._view_interface(port)})

    def _attach_interface(self, asked: Asked) -> Answer:
        server = self.server(asked)
        attachment: dict[str, Any] = json.loads(asked.body)["interfaceAttachment"]
        if "bogus" in attachment:
            raise fault(400, "Additional properties are not allowed ('bogus' was unexpected)")
        port = self.neutron.ports.get(attachment.get("port_id", ""))
        if port is None:
            raise fault(404, f"Port id {attachment.get('port_id')} could not be found.")
        if port["device_id"]:
            raise fault(409, f"Port {port['id']} is still in use.")
        if self.refuses_interfaces:
            raise fault(400, f"Failed to attach network adapter device to {server['id']}: port {port['id']}")
        self.acted(server, "attach_interface")
        self._take(server, port)
        return Answer(200, {"interfaceAttachment": self._view_interface(port)})

    def _detach_interface(self, asked: Asked) -> Answer:
        server = self.server(asked)
        port = self._port(server, asked.parameters[1])
        self.acted(server, "detach_interface")
        if not self.holds:
            self._free(port)
        return Answer(202)

    def _server_groups(self, asked: Asked) -> Answer:
        server = self.server(asked)
        names = {group["name"] for group in self.groups_of(server)}
        groups = [group for group in self.neutron.groups.values() if group["name"] in names]
        return Answer(200, {"security_groups": [{"id": group["id"], "name": group["name"]} for group in groups]})

    def acted(self, server: Record, action: str) -> None:
        """Write down what was asked of a server."""
        entry = {"action": action, "start_time": f"{now()[:-1]}.000000", "request_id": f"req-{uuid.uuid4()}"}
        server.setdefault("actions", []).insert(0, entry)

    def _acted_on(self, asked: Asked) -> Record:
        """The server of a path; newer microversions know the deleted ones, too (instance_actions.py)."""
        gone = self.deleted.get(asked.parameters[0]) if self._at_least(asked, "2.21") else None
        return gone if gone is not None and self._visible(asked, gone) else self.server(asked)

    def _list_actions(self, asked: Asked) -> Answer:
        return Answer(200, {"instanceActions": self._acted_on(asked).get("actions", [])})

    def _show_action(self, asked: Asked) -> Answer:
        for action in self._acted_on(asked).get("actions", []):
            if action["request_id"] == asked.parameters[1]:
                return Answer(200, {"instanceAction": action})
        raise fault(404, f"Action for request_id {asked.parameters[1]} on instance {asked.parameters[0]} not found")
