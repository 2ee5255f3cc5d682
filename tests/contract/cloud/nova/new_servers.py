"""New servers of the fake Nova (nova/api/openstack/compute/servers.py, `create`)."""

import json
import uuid
from typing import Any

from ..pod_service import Record
from ..schema import Invalid, validate
from ..service import Answer, Asked, fault
from .base import now
from .images import ImagesOfServers
from .interfaces import Interfaces
from .quotas import Quotas
from .schemas import create_server
from .server_groups import ServerGroups


class NewServers(Interfaces, ImagesOfServers, Quotas, ServerGroups):
    """What is asked of new servers, and how they begin."""

    def add_server(self, project_id: str, name: str = "vm", **fields: Any) -> Record:
        """A server that is there already."""
        server_id = str(uuid.uuid4())
        record = {
            "id": server_id,
            "reservation": f"r-{server_id[:8]}",
            "name": name,
            "project_id": project_id,
            "created": now(),
            "updated": now(),
            "zone": self.zone,
            "pinned": None,
            "host": "pod",
            "vm_state": "active",
            "status": "ACTIVE",
            "task_state": None,
            "launched_at": None,
            "metadata": {},
            "flavor": "1",
            "ports": [],
            **fields,
        }
        self.servers[record["id"]] = record
        return record

    def _check_words(self, server: Record) -> None:
        """Names and booleans by Nova's schema. Raises `Refusal`."""
        groups = server.get("security_groups", [])
        if not isinstance(groups, list):
            raise fault(400, f"Invalid input for field/attribute security_groups. Value: {groups!r}.")
        for name in (server.get("name"), *(group["name"] for group in groups if "name" in group)):
            if not isinstance(name, str) or not name:
                raise fault(400, f"Invalid input for field/attribute name. Value: {name}. {name!r} is too short")
            if name != name.strip():
                raise fault(
                    400,
                    f"Invalid input for field/attribute name. Value: {name}. An invalid 'name' value was provided. "
                    "The name must be: printable characters. Can not start or end with whitespace.",
                )
        value = server.get("return_reservation_id", False)
        if value not in (True, False, "true", "false", "True", "False", "yes", "no"):
            raise fault(400, f"Invalid input for field/attribute return_reservation_id. Value: {value!r}.")

    def _check_networks(self, asked: Asked, server: Record) -> None:
        """Networks and numbers of servers by Nova's schema. Raises `Refusal`."""
        wanted = server.get("networks", None if self._at_least(asked, "2.37") else [])
        listed = isinstance(wanted, list) and all(isinstance(item, dict) for item in wanted)
        words = self._at_least(asked, "2.37") and wanted in ("none", "auto")
        ids = [item.get(name) for item in wanted for name in ("uuid", "port")] if listed else []
        if not (listed or words) or any(not isinstance(each, str | None) for each in ids):
            raise fault(400, f"Invalid input for field/attribute networks. Value: {wanted!r}.")
        least = int(server.get("min_count", 1))
        if least > int(server.get("max_count", least)):
            raise fault(400, "min_count must be <= max_count")

    def _check_zone(self, server: Record) -> None:
        """The forms of a zone (nova/compute/api.py, `parse_availability_zone`). Raises `Refusal`."""
        if server.get("availability_zone", "").count(":") > 2:
            raise fault(400, "Invalid input received: Unable to parse availability_zone")

    def _check_schema(self, asked: Asked) -> None:
        try:
            validate(
                create_server(asked.headers["version"]), json.loads(asked.body), relaxed=asked.headers["api"] == "v2"
            )
        except Invalid as error:
            raise fault(400, error.text) from None

    def _create_server(self, asked: Asked) -> Answer:
        server = self.body(asked, "server")
        if not self.is_newer:
            self._check_schema(asked)
        if "flavorRef" not in server:
            raise fault(
                400, f"Invalid input for field/attribute server. Value: {server!r}. 'flavorRef' is a required property"
            )
        self._check_words(server)
        self._check_networks(asked, server)
        self._check_zone(server)
        if server["flavorRef"] not in self.flavors:
            raise fault(400, f"Flavor {server['flavorRef']} could not be found.")
        pinned = server.get("availability_zone", "").partition(":")[0] or None
        zone = pinned or self.zone
        if zone not in self.zones:
            raise fault(400, "The requested availability zone is not available")
        image_id = server.get("imageRef")
        if image_id:
            self.require_image(image_id)
        if (name := server.get("key_name")) and (asked.user.user_id, name) not in self.keypairs:
            raise fault(400, "Invalid key_name provided.")
        self.require_groups(asked, server)
        hints, group = self.requested_group(asked)
        ports = self.requested_ports(asked, server)
        least = int(server.get("min_count", 1))
        most = self.require_quota(asked.user.project_id, server, int(server.get("max_count", least)))
        made: list[Record] = []
        for number in range(1, most + 1):
            name = server["name"] if most == 1 else f"{server['name']}-{number}"
            made.append(
                self.add_server(
                    asked.user.project_id, name, zone=zone, pinned=pinned, flavor=server["flavorRef"], ports=ports,
                    metadata=server.get("metadata", {}), key_name=server.get("key_name"),
                    status="BUILD", vm_state="building", task_state="scheduling",
                )
            )  # fmt: skip
            made[-1]["reservation"] = made[0]["reservation"]
            self.join_group(made[-1], hints, group)
            if self.is_full and not self.holds:
                self.bury(made[-1])
            elif not self.holds:
                self.build(made[-1])
        record = made[0]
        if server.get("return_reservation_id"):
            return Answer(202, {"reservation_id": record["reservation"]})
        links = self._links(asked, f"servers/{record['id']}")
        created = {
            "id": record["id"], "links": links, "OS-DCF:diskConfig": "MANUAL",
            "security_groups": server.get("security_groups", [{"name": "default"}]),
            "adminPass": server.get("adminPass", "password"),
        }  # fmt: skip
        return Answer(202, {"server": created}, headers={"Location": links[0]["href"]})
