"""Servers of the fake Nova."""

import json
import re
from collections.abc import Iterable

from ..pod_service import Record, ordered, page, query
from ..service import Answer, Asked, On, fault
from .base import ROOT
from .server_actions import ACTS
from .server_parts import ServerParts

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


def mysql(pattern: str) -> str:
    """A regular expression as MySQL gets it (nova/db/utils.py, `_safe_regex_mysql`)."""
    return pattern.replace("|", "\\|")


class Servers(ServerParts):
    """Servers, and what is attached to them."""

    def server_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/servers", self._list_servers),
            On("GET", f"{ROOT}/servers/detail", self._list_servers),
            On("POST", f"{ROOT}/servers", self._create_server),
            On("GET", f"{ROOT}/servers/([^/]+)", self._show_server),
            On("PUT", f"{ROOT}/servers/([^/]+)", self._update_server),
            On("DELETE", f"{ROOT}/servers/([^/]+)", self._delete_server),
            On("POST", f"{ROOT}/servers/([^/]+)/action", self._act),
            On("GET", f"{ROOT}/servers/([^/]+)/ips", self._list_addresses),
            On("GET", f"{ROOT}/servers/([^/]+)/ips/([^/]+)", self._show_addresses),
            On("POST", f"{ROOT}/servers/([^/]+)/os-volume_attachments", self._attach),
            On("PUT", f"{ROOT}/servers/([^/]+)/os-volume_attachments/([^/]+)", self._swap),
        )

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
        wanted_reservation = asked.first("reservation_id")
        statuses = {status.upper() for status in asked.all("status")}
        # Of other projects only administrators hear, and only with `all_tenants`.
        projects = {*asked.all("project_id"), *asked.all("tenant_id")} if everything else set()
        records = [
            record
            for record in self.servers.values()
            if (everything or record["project_id"] == asked.user.project_id)
            and (wanted_zone is None or record["zone"] == wanted_zone)
            and (wanted_name is None or re.search(wanted_name, record["name"]))
            and (wanted_reservation is None or re.search(mysql(wanted_reservation), record["reservation"]))
            and (not statuses or record["status"] in statuses)
            and (not projects or record["project_id"] in projects)
        ]
        records = ordered(records, [SORT_KEYS[key] for key in keys], directions)
        # Nova looks at the marker even where nothing is asked for.
        records = self._behind(records, asked.first("marker"), limit)
        detail = asked.path.endswith("/detail")
        body: Record = {"servers": [self._view(asked, record, detail) for record in records]}
        if limit and len(records) == limit:
            path = "servers/detail" if detail else "servers"
            link = f"{self._url(asked, path)}?{query(asked, records[-1]['id'])}"
            body["servers_links"] = [{"rel": "next", "href": link}]
        return Answer(200, body)

    def _behind(self, records: list[Record], marker: str | None, limit: int) -> list[Record]:
        """A page as `nova.compute.api.API.get_all` makes it: what is not scheduled yet comes first, then the cells.

        A server that is just scheduled is still a request, and in its cell already. As a marker it is found among the
        requests, and the cells are told from their beginning.
        """
        requests = [record for record in records if record["id"] in self.requests]
        if marker not in [record["id"] for record in requests]:
            return page(
                [*requests, *(record for record in records if record not in requests)],
                marker,
                limit,
                lambda m: fault(400, f"marker [{m}] not found"),
            )
        behind = [record["id"] for record in requests].index(str(marker)) + 1
        return [*requests[behind:], *(record for record in records if record not in requests[behind:])][:limit]

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
        if record["status"] == "ERROR" and "fault" in record:
            view["fault"] = record["fault"]
        if self._at_least(asked, "2.96"):
            view["pinned_availability_zone"] = record["pinned"]
        if groups := self.groups_of(record):
            view["security_groups"] = groups
        view |= self.group_words(asked, record)
        if asked.user.is_admin:
            view["OS-EXT-SRV-ATTR:host"] = record["host"]
            if self._at_least(asked, "2.3"):
                view["OS-EXT-SRV-ATTR:reservation_id"] = record["reservation"]
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
        self.attachments = [each for each in self.attachments if each[0] != record["id"]]
        self.deleted[record["id"]] = self.servers.pop(record["id"])

    def _update_server(self, asked: Asked) -> Answer:
        record = self.server(asked)
        wanted = self.body(asked, "server")
        if "pinned_availability_zone" in wanted:
            self._pin(asked, record, wanted["pinned_availability_zone"])
        record |= {name: wanted[name] for name in ("name", "description") if name in wanted}
        return Answer(200, {"server": self._view(asked, record, detail=True)})

    def _pin(self, asked: Asked, record: Record, zone: object) -> None:
        if not self._at_least(asked, "2.104"):
            raise fault(400, "Additional properties are not allowed ('pinned_availability_zone' was unexpected)")
        if not isinstance(zone, str | None) or (zone is not None and (not zone or zone != zone.strip())):
            raise fault(400, f"Invalid input for field/attribute pinned_availability_zone. Value: {zone}.")
        if zone is not None and record["pinned"] is not None and zone != record["pinned"]:
            raise fault(
                409,
                "Cannot change pinned availability zone directly. Unpin first by setting pinned_availability_zone "
                "to null.",
            )
        if zone is not None and record["pinned"] is None and zone != record["zone"]:
            raise fault(
                409,
                f"Server can only be pinned to its current availability zone '{record['zone']}', but '{zone}' was "
                "requested.",
            )
        record["pinned"] = zone

    def _act(self, asked: Asked) -> Answer:
        try:
            document = json.loads(asked.body)
        except ValueError:
            raise fault(400, "Malformed request body") from None
        # nova/api/openstack/wsgi.py, `action_peek`: what has no length, or one item without a name, is not found.
        if not isinstance(document, dict | list | str) or (len(document) == 1 and not isinstance(document, dict)):
            raise fault(404, "The resource could not be found.")
        if len(document) != 1:
            raise fault(400, "Malformed request body")
        record = self.server(asked)
        action, value = next(iter(document.items()))
        record.setdefault("acted", []).append(action)
        if action in ("os-start", "os-stop"):
            stopped = action == "os-stop"
            record["status"], record["vm_state"] = ("SHUTOFF", "stopped") if stopped else ("ACTIVE", "active")
            return Answer(202)
        if action in ("reboot", "confirmResize", "revertResize"):
            return Answer(204 if action == "confirmResize" else 202)
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
        if action in ACTS:
            return self.do(asked, record, action, value)
        raise fault(400, f"There is no such action: {action}")

    def _attach(self, asked: Asked) -> Answer:
        record = self.server(asked)
        volume_id = self.body(asked, "volumeAttachment").get("volumeId")
        if not isinstance(volume_id, str):
            raise fault(400, f"Invalid input for field/attribute volumeId. Value: {volume_id!r}.")
        if volume_id not in self.cinder.records["volume"]:
            raise fault(404, f"Volume {volume_id} could not be found.")
        if (record["id"], volume_id) in self.attachments:
            # nova/compute/api.py, _check_volume_already_attached
            raise fault(400, f"Invalid volume: volume {volume_id} already attached")
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
