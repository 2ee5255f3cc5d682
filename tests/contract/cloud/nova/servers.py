"""Servers of the fake Nova."""

import json
import re
import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record, ordered, page, query
from ..service import Answer, Asked, On, fault
from .base import ROOT, now
from .images import ImagesOfServers
from .interfaces import Interfaces

# Sort keys of servers, and where a record keeps them.
SORT_KEYS = {
    "created_at": "created",
    "updated_at": "updated",
    "display_name": "name",
    "uuid": "id",
    "host": "host",
    "vm_state": "vm_state",
    "task_state": "task_state",
    "project_id": "project_id",
    "launched_at": "launched_at",
}


class Servers(Interfaces, ImagesOfServers):
    """Servers, and what is attached to them."""

    def server_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/servers", self._list_servers),
            On("GET", f"{ROOT}/servers/detail", self._list_servers),
            On("POST", f"{ROOT}/servers", self._create_server),
            On("GET", f"{ROOT}/servers/([^/]+)", self._show_server),
            On("DELETE", f"{ROOT}/servers/([^/]+)", self._delete_server),
            On("POST", f"{ROOT}/servers/([^/]+)/action", self._act),
            On("GET", f"{ROOT}/servers/([^/]+)/ips", self._list_addresses),
            On("GET", f"{ROOT}/servers/([^/]+)/ips/([^/]+)", self._show_addresses),
            On("POST", f"{ROOT}/servers/([^/]+)/os-volume_attachments", self._attach),
            On("PUT", f"{ROOT}/servers/([^/]+)/os-volume_attachments/([^/]+)", self._swap),
            On("GET", f"{ROOT}/servers/([^/]+)/tags/([^/]+)", self._tag),
        )

    def add_server(self, project_id: str, name: str = "vm", **fields: Any) -> Record:
        """A server that is there already."""
        record = {
            "id": str(uuid.uuid4()),
            "name": name,
            "project_id": project_id,
            "created": now(),
            "updated": now(),
            "zone": self.zone,
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

    def _list_servers(self, asked: Asked) -> Answer:
        limit = self._limit(asked)
        keys, directions = asked.all("sort_key") or ["created_at"], asked.all("sort_dir") or ["desc"]
        for key in keys:
            if key not in SORT_KEYS:
                raise fault(400, f"Invalid input for query parameters sort_key. Value: {key}.")
        # nova.compute.instance_list.InstanceSortContext, then nova.db.utils.process_sort_params
        if "uuid" not in keys:
            keys, directions = [*keys, "uuid"], [*directions, "asc"]
        directions += [directions[0]] * (len(keys) - len(directions))
        everything = asked.first("all_tenants") is not None and asked.user.is_admin
        wanted_zone, wanted_name = asked.first("availability_zone"), asked.first("name")
        statuses = {status.upper() for status in asked.all("status")}
        # Of other projects only administrators hear, and only with `all_tenants`.
        projects = {*asked.all("project_id"), *asked.all("tenant_id")} if everything else set()
        records = [
            record
            for record in self.servers.values()
            if (everything or record["project_id"] == asked.user.project_id)
            and (wanted_zone is None or record["zone"] == wanted_zone)
            and (wanted_name is None or re.search(wanted_name, record["name"]))
            and (not statuses or record["status"] in statuses)
            and (not projects or record["project_id"] in projects)
        ]
        records = ordered(records, [SORT_KEYS[key] for key in keys], directions)
        # Nova looks at the marker even where nothing is asked for.
        records = page(records, asked.first("marker"), limit, lambda m: fault(400, f"marker [{m}] not found"))
        detail = asked.path.endswith("/detail")
        body: Record = {"servers": [self._view(asked, record, detail) for record in records]}
        if limit and len(records) == limit:
            path = "servers/detail" if detail else "servers"
            link = f"{self._url(asked, path)}?{query(asked, records[-1]['id'])}"
            body["servers_links"] = [{"rel": "next", "href": link}]
        return Answer(200, body)

    def _view(self, asked: Asked, record: Record, detail: bool) -> Record:
        view = {
            "id": record["id"],
            "name": record["name"],
            "links": self._links(asked, f"servers/{record['id']}"),
        }
        if not detail:
            return view
        view |= {
            "status": record["status"],
            "tenant_id": record["project_id"],
            "metadata": record["metadata"],
            "created": record["created"],
            "updated": record["updated"],
            "flavor": self._flavor_of(asked, record),
            "image": "",
            "addresses": self.addresses_of(record),
            "OS-EXT-AZ:availability_zone": record["zone"],
            "OS-EXT-STS:vm_state": record["vm_state"],
            "OS-EXT-STS:task_state": record["task_state"],
            "OS-SRV-USG:launched_at": record["launched_at"],
        }
        if groups := self.groups_of(record):
            view["security_groups"] = groups
        if asked.user.is_admin:
            view["OS-EXT-SRV-ATTR:host"] = record["host"]
            if self._at_least(asked, "2.3"):
                view["OS-EXT-SRV-ATTR:reservation_id"] = f"r-{record['id'][:8]}"
        return view

    def _flavor_of(self, asked: Asked, record: Record) -> Record:
        if self._at_least(asked, "2.47"):
            return {"original_name": f"flavor-{record['flavor']}", "ram": 512}
        return {"id": record["flavor"], "links": [self._links(asked, f"flavors/{record['flavor']}")[1]]}

    def _show_server(self, asked: Asked) -> Answer:
        return Answer(200, {"server": self._view(asked, self.server(asked), detail=True)})

    def _list_addresses(self, asked: Asked) -> Answer:
        return Answer(200, {"addresses": self._addresses(asked)})

    def _show_addresses(self, asked: Asked) -> Answer:
        networks, label = self._addresses(asked), asked.parameters[1]
        if label not in networks:
            raise fault(404, "Instance is not a member of specified network")
        return Answer(200, {label: networks[label]})

    def _addresses(self, asked: Asked) -> Record:
        """Without what only a server's own view tells."""
        networks = self.addresses_of(self.server(asked))
        return {
            label: [{name: each[name] for name in ("version", "addr")} for each in told]
            for label, told in networks.items()
        }

    def _delete_server(self, asked: Asked) -> Answer:
        record = self.server(asked)
        if self.holds:
            record["task_state"] = "deleting"
        else:
            self.remove(record)
        return Answer(204)

    def remove(self, record: Record) -> None:
        """End a server: its ports go first."""
        self.let_go(record)
        self.deleted[record["id"]] = self.servers.pop(record["id"])

    def _act(self, asked: Asked) -> Answer:
        record = self.server(asked)
        action, value = next(iter(json.loads(asked.body).items()))
        if action == "os-stop":
            record["status"], record["vm_state"] = "SHUTOFF", "stopped"
            return Answer(202)
        if action in ("createImage", "createBackup"):
            return self.make_image(asked, record, action, value)
        if action == "rescue":
            if (value or {}).get("rescue_image_ref"):
                self.require_image(value["rescue_image_ref"])
            record["status"], record["vm_state"] = "RESCUE", "rescued"
            return Answer(200, {"adminPass": "password"})
        if action == "resize":
            if not isinstance(value, dict) or not isinstance(value.get("flavorRef"), str | int):
                raise fault(400, f"Invalid input for field/attribute resize. Value: {value}.")
            if value["flavorRef"] not in self.flavors:
                raise fault(400, f"Flavor {value['flavorRef']} could not be found.")
            if value["flavorRef"] == record["flavor"]:
                raise fault(400, "When resizing, instances must change flavor!")
            record["flavor"], record["status"], record["vm_state"] = value["flavorRef"], "VERIFY_RESIZE", "resized"
            return Answer(202)
        if action == "rebuild":
            if "key_name" in value and not self._at_least(asked, "2.54"):
                raise fault(400, "Additional properties are not allowed ('key_name' was unexpected)")
            if (name := value.get("key_name")) and (asked.user.user_id, name) not in self.keypairs:
                raise fault(400, "Invalid key_name provided.")
            self.require_image(value["imageRef"])
            record |= {name: value[name] for name in ("key_name",) if name in value}
            return Answer(202, {"server": self._view(asked, record, detail=True)})
        raise fault(400, f"There is no such action: {action}")

    def _tag(self, asked: Asked) -> Answer:
        self.server(asked)
        server_id, tag = asked.parameters
        raise fault(404, f"Server {server_id} has no tag '{tag}'")

    def _attach(self, asked: Asked) -> Answer:
        record = self.server(asked)
        volume_id = self.body(asked, "volumeAttachment").get("volumeId")
        if not isinstance(volume_id, str):
            raise fault(400, f"Invalid input for field/attribute volumeId. Value: {volume_id!r}.")
        if volume_id not in self.cinder.records["volume"]:
            raise fault(404, f"Volume {volume_id} could not be found.")
        self.attachments.append((record["id"], volume_id))
        return Answer(
            200,
            {
                "volumeAttachment": {
                    "id": volume_id,
                    "volumeId": volume_id,
                    "serverId": record["id"],
                    "device": "/dev/vdb",
                }
            },
        )

    def _swap(self, asked: Asked) -> Answer:
        record, (_, old_id) = self.server(asked), asked.parameters
        new_id = self.body(asked, "volumeAttachment").get("volumeId")
        for volume_id in (old_id, new_id):
            if volume_id not in self.cinder.records["volume"]:
                raise fault(404, f"Volume {volume_id} could not be found.")
        if (record["id"], old_id) not in self.attachments:
            raise fault(404, f"Volume {old_id} is not attached.")
        self.attachments[self.attachments.index((record["id"], old_id))] = (record["id"], new_id)
        return Answer(202)

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

    def _create_server(self, asked: Asked) -> Answer:
        server = self.body(asked, "server")
        if "flavorRef" not in server:
            raise fault(
                400, f"Invalid input for field/attribute server. Value: {server!r}. 'flavorRef' is a required property"
            )
        self._check_words(server)
        self._check_networks(asked, server)
        devices = server.get("block_device_mapping_v2", [])
        if not isinstance(devices, list):
            raise fault(
                400,
                f"Invalid input for field/attribute block_device_mapping_v2. Value: {devices!r}. {devices!r} is not "
                "of type 'array'",
            )
        if not isinstance(server["flavorRef"], str | int):
            raise fault(400, f"Invalid input for field/attribute flavorRef. Value: {server['flavorRef']!r}.")
        if server["flavorRef"] not in self.flavors:
            raise fault(400, f"Flavor {server['flavorRef']} could not be found.")
        zone = server.get("availability_zone", self.zone).partition(":")[0]
        if zone not in self.zones:
            raise fault(400, "The requested availability zone is not available")
        image_id = server.get("imageRef")
        if image_id:
            self.require_image(image_id)
        if (name := server.get("key_name")) and (asked.user.user_id, name) not in self.keypairs:
            raise fault(400, "Invalid key_name provided.")
        self.require_groups(asked, server)
        ports = self.requested_ports(asked, server)
        least = int(server.get("min_count", 1))
        most = int(server.get("max_count", least))
        mine = sum(1 for record in self.servers.values() if record["project_id"] == asked.user.project_id)
        if mine + least > self.quota_instances:
            raise fault(
                403,
                f"Quota exceeded for instances: Requested {least}, but already used {mine} of {self.quota_instances} "
                "instances",
            )
        made = []
        for number in range(1, most + 1):
            name = server["name"] if most == 1 else f"{server['name']}-{number}"
            made.append(
                self.add_server(
                    asked.user.project_id, name, zone=zone, flavor=server["flavorRef"], ports=ports,
                    metadata=server.get("metadata", {}), key_name=server.get("key_name"),
                    status="BUILD", vm_state="building", task_state="scheduling",
                )
            )  # fmt: skip
            if not self.holds:
                self.build(made[-1])
        record = made[0]
        if server.get("return_reservation_id"):
            return Answer(202, {"reservation_id": f"r-{record['id'][:8]}"})
        links = self._links(asked, f"servers/{record['id']}")
        created = {
            "id": record["id"], "links": links, "OS-DCF:diskConfig": "MANUAL",
            "security_groups": server.get("security_groups", [{"name": "default"}]),
            "adminPass": server.get("adminPass", "password"),
        }  # fmt: skip
        return Answer(202, {"server": created}, headers={"Location": links[0]["href"]})
