"""A fake Nova: servers, flavors, keypairs, zones (nova/api/openstack of release 34)."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .cinder import Cinder
from .glance import Glance
from .keystone import Keystone
from .pod_service import MAX_BODY, PodService, Record, microversion, numbers, ordered, page, query
from .service import Answer, Asked, On, Refusal, fault, webob_error

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
PROJECT = r"(?:/[0-9a-f]{32})?"


def now() -> str:
    """The time as Nova writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Nova(PodService):
    """The compute service of one pod."""

    lowest = "2.1"

    def __init__(
        self, keystone: Keystone, cinder: Cinder, glance: Glance, zone: str = "nova", highest: str = "2.104"
    ) -> None:
        super().__init__(keystone)
        self.cinder = cinder
        self.glance = glance
        self.zone = zone
        self.zones = {zone}
        self.highest = highest
        self.servers: dict[str, Record] = {}
        self.flavors: dict[str, Record] = {}
        self.keypairs: dict[tuple[str, str], Record] = {}
        self.groups: dict[str, Record] = {}
        self.attachments: list[tuple[str, str]] = []
        self.quota_cores = 20

    # -- the test's own hand

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
            **fields,
        }
        self.servers[record["id"]] = record
        return record

    def add_flavor(self, flavor_id: str, **fields: Any) -> Record:
        """A flavor that is there already."""
        record = {
            "id": flavor_id, "name": f"flavor-{flavor_id}", "ram": 512, "disk": 1, "vcpus": 1, "swap": 0,
            "ephemeral": 0, "is_public": True, "extra_specs": {}, "description": None, "access": set(), **fields,
        }  # fmt: skip
        self.flavors[flavor_id] = record
        return record

    # -- what is asked

    def routes(self) -> Iterable[On]:
        root = f"/v2.1{PROJECT}"
        return (
            On("GET", "/", self._versions),
            On("GET", "/v2.1/?", self._version),
            On("GET", f"{root}/servers", self._list_servers),
            On("GET", f"{root}/servers/detail", self._list_servers),
            On("POST", f"{root}/servers", self._create_server),
            On("GET", f"{root}/servers/([^/]+)", self._show_server),
            On("DELETE", f"{root}/servers/([^/]+)", self._delete_server),
            On("POST", f"{root}/servers/([^/]+)/action", self._act),
            On("POST", f"{root}/servers/([^/]+)/os-volume_attachments", self._attach),
            On("GET", f"{root}/servers/([^/]+)/tags/([^/]+)", self._tag),
            On("GET", f"{root}/flavors", self._list_flavors),
            On("GET", f"{root}/flavors/detail", self._list_flavors),
            On("POST", f"{root}/flavors", self._create_flavor),
            On("GET", f"{root}/flavors/([^/]+)", self._show_flavor),
            On("DELETE", f"{root}/flavors/([^/]+)", self._delete_flavor),
            On("POST", f"{root}/flavors/([^/]+)/os-extra_specs", self._add_extra_specs),
            On("GET", f"{root}/flavors/([^/]+)/os-flavor-access", self._list_access),
            On("POST", f"{root}/flavors/([^/]+)/action", self._change_access),
            On("GET", f"{root}/os-keypairs", self._list_keypairs),
            On("POST", f"{root}/os-keypairs", self._create_keypair),
            On("GET", f"{root}/os-keypairs/([^/]+)", self._show_keypair),
            On("DELETE", f"{root}/os-keypairs/([^/]+)", self._delete_keypair),
            On("GET", f"{root}/os-availability-zone", self._zones),
            On("GET", f"{root}/limits", self._limits),
            On("GET", f"{root}/os-quota-sets/([^/]+)", self._quota),
            On("GET", f"{root}/os-server-groups", self._list_groups),
        )

    def before(self, asked: Asked) -> None:
        if asked.path.rstrip("/") in ("", "/v2.1"):
            return
        if len(asked.body) > MAX_BODY:
            # Nova does not put the number into its text.
            message = "Request is too large. Larger than max_request_body_size (%s)."
            raise Refusal(webob_error(413, message, asked.headers.get("accept", "*/*")))
        token = self.authenticate(asked)
        asked.headers["version"] = microversion(
            asked, "compute", "x-openstack-nova-api-version", self.lowest, self.highest
        )
        asked.headers["accepted"] = asked.headers["version"]
        found = re.match(r"/v2\.1/([0-9a-f]{32})(?:/|$)", asked.path)
        asked.headers["project"] = found.group(1) if found else ""
        if found is not None and found.group(1) != token.project_id:
            raise fault(
                400,
                f"Malformed request URL: URL's project_id '{found.group(1)}' doesn't match Context's project_id "
                f"'{token.project_id}'",
            )

    def finish(self, asked: Asked, answer: Answer) -> None:
        super().finish(asked, answer)
        answer.headers.setdefault("x-compute-request-id", answer.headers["x-openstack-request-id"])
        if (version := asked.headers.get("accepted")) is not None and "html" not in answer.content_type:
            answer.headers["OpenStack-API-Version"] = f"compute {version}"
            answer.headers["X-OpenStack-Nova-API-Version"] = version
            answer.headers["Vary"] = "OpenStack-API-Version, X-OpenStack-Nova-API-Version"
        if answer.status >= 400 and answer.status != 401 and answer.content_type == "application/json":
            answer.content_type = "application/json; charset=UTF-8"

    def _at_least(self, asked: Asked, version: str) -> bool:
        return numbers(asked.headers["version"]) >= numbers(version)

    def _url(self, asked: Asked, path: str) -> str:
        project = f"/{asked.headers['project']}" if asked.headers["project"] else ""
        return f"{self.root}/v2.1{project}/{path}"

    def _links(self, asked: Asked, path: str) -> list[dict[str, str]]:
        project = f"/{asked.headers['project']}" if asked.headers["project"] else ""
        return [
            {"rel": "self", "href": self._url(asked, path)},
            {"rel": "bookmark", "href": f"{self.root}{project}/{path}"},
        ]

    # -- versions

    def _entry(self) -> Record:
        return {
            "id": "v2.1", "status": "CURRENT", "version": self.highest, "min_version": self.lowest,
            "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": f"{self.root}/v2.1/"}],
        }  # fmt: skip

    def _versions(self, _asked: Asked) -> Answer:
        old = {
            "id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "",
            "updated": "2025-07-04T12:00:00Z", "links": [{"rel": "self", "href": f"{self.root}/v2/"}],
        }  # fmt: skip
        return Answer(200, {"versions": [old, self._entry()]})

    def _version(self, asked: Asked) -> Answer:
        asked.headers["accepted"] = self.lowest
        entry = self._entry()
        entry["links"].append({"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"})
        entry["media-types"] = [
            {"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}
        ]
        return Answer(200, {"version": entry})

    # -- servers

    def _visible(self, asked: Asked, record: Record) -> bool:
        return asked.user.is_admin or record["project_id"] == asked.user.project_id

    def _server(self, asked: Asked) -> Record:
        record = self.servers.get(asked.parameters[0])
        if record is None or not self._visible(asked, record):
            raise fault(404, f"Instance {asked.parameters[0]} could not be found.")
        return record

    def _limit(self, asked: Asked) -> int:
        value = asked.first("limit")
        if value is None or value == "":
            return self.max_limit
        if re.fullmatch(r"[0-9]*", value) is None:
            raise fault(
                400,
                f"Invalid input for query parameters limit. Value: {value}. '{value}' does not match '^[0-9]*$'",
            )
        return min(int(value), self.max_limit)

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
        records = [
            record
            for record in self.servers.values()
            if (everything or record["project_id"] == asked.user.project_id)
            and (wanted_zone is None or record["zone"] == wanted_zone)
            and (wanted_name is None or re.search(wanted_name, record["name"]))
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
            "OS-EXT-AZ:availability_zone": record["zone"],
            "OS-EXT-STS:vm_state": record["vm_state"],
            "OS-EXT-STS:task_state": record["task_state"],
            "OS-SRV-USG:launched_at": record["launched_at"],
        }
        if asked.user.is_admin:
            view["OS-EXT-SRV-ATTR:host"] = record["host"]
        return view

    def _flavor_of(self, asked: Asked, record: Record) -> Record:
        if self._at_least(asked, "2.47"):
            return {"original_name": f"flavor-{record['flavor']}", "ram": 512}
        return {"id": record["flavor"], "links": [self._links(asked, f"flavors/{record['flavor']}")[1]]}

    def _show_server(self, asked: Asked) -> Answer:
        return Answer(200, {"server": self._view(asked, self._server(asked), detail=True)})

    def _delete_server(self, asked: Asked) -> Answer:
        del self.servers[self._server(asked)["id"]]
        return Answer(204)

    def _act(self, asked: Asked) -> Answer:
        record = self._server(asked)
        action = next(iter(json.loads(asked.body)))
        if action == "os-stop":
            record["status"], record["vm_state"] = "SHUTOFF", "stopped"
            return Answer(202)
        if action == "createImage":
            return Answer(202, headers={"Location": f"{self.root.replace('127.0.0.1', 'glance')}/images/1"})
        raise fault(400, f"There is no such action: {action}")

    def _tag(self, asked: Asked) -> Answer:
        self._server(asked)
        server_id, tag = asked.parameters
        raise fault(404, f"Server {server_id} has no tag '{tag}'")

    def _attach(self, asked: Asked) -> Answer:
        record = self._server(asked)
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

    def _create_server(self, asked: Asked) -> Answer:
        server = self.body(asked, "server")
        if "flavorRef" not in server:
            raise fault(
                400, f"Invalid input for field/attribute server. Value: {server!r}. 'flavorRef' is a required property"
            )
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
        if image_id and (not isinstance(image_id, str) or image_id not in self.glance.images):
            raise fault(400, "Can not find requested image")
        if (name := server.get("key_name")) and (asked.user.user_id, name) not in self.keypairs:
            raise fault(400, "Invalid key_name provided.")
        record = self.add_server(
            asked.user.project_id, server["name"], zone=zone, flavor=server["flavorRef"],
            metadata=server.get("metadata", {}), key_name=server.get("key_name"),
        )  # fmt: skip
        links = self._links(asked, f"servers/{record['id']}")
        created = {
            "id": record["id"], "links": links, "OS-DCF:diskConfig": "MANUAL", "security_groups": [{"name": "default"}],
            "adminPass": "password",
        }  # fmt: skip
        return Answer(202, {"server": created}, headers={"Location": links[0]["href"]})

    # -- flavors

    def _flavor(self, asked: Asked) -> Record:
        record = self.flavors.get(asked.parameters[0])
        # Others' private flavors do not exist for a tenant (nova.objects.flavor, _flavor_get_query_from_db).
        if record is None or not (
            asked.user.is_admin or record["is_public"] or asked.user.project_id in record["access"]
        ):
            raise fault(404, f"Flavor {asked.parameters[0]} could not be found.")
        return record

    def _flavor_view(self, asked: Asked, record: Record, detail: bool) -> Record:
        view = {
            "id": record["id"],
            "name": record["name"],
            "links": self._links(asked, f"flavors/{record['id']}"),
        }
        if self._at_least(asked, "2.55"):
            view["description"] = record["description"]
        if detail:
            view |= {
                "ram": record["ram"], "disk": record["disk"], "vcpus": record["vcpus"],
                "swap": record["swap"] or (0 if self._at_least(asked, "2.75") else ""),
                "OS-FLV-EXT-DATA:ephemeral": record["ephemeral"], "OS-FLV-DISABLED:disabled": False,
                "os-flavor-access:is_public": record["is_public"], "rxtx_factor": 1.0,
            }  # fmt: skip
            if self._at_least(asked, "2.61"):
                view["extra_specs"] = record["extra_specs"]
        return view

    def _list_flavors(self, asked: Asked) -> Answer:
        keys = {"flavorid": "id", "name": "name", "memory_mb": "ram", "vcpus": "vcpus"}
        key, direction = asked.first("sort_key") or "flavorid", asked.first("sort_dir") or "asc"
        records = [record for record in self.flavors.values() if record["is_public"]]
        records = ordered(records, [keys[key], "id"], [direction, direction])
        limit = self._limit(asked)
        records = page(records, asked.first("marker"), limit, lambda m: fault(400, f"marker [{m}] not found"))
        detail = asked.path.endswith("/detail")
        body: Record = {"flavors": [self._flavor_view(asked, record, detail) for record in records]}
        if limit and len(records) == limit:
            path = "flavors/detail" if detail else "flavors"
            link = f"{self._url(asked, path)}?{query(asked, records[-1]['id'])}"
            body["flavors_links"] = [{"rel": "next", "href": link}]
        return Answer(200, body)

    def _show_flavor(self, asked: Asked) -> Answer:
        return Answer(200, {"flavor": self._flavor_view(asked, self._flavor(asked), detail=True)})

    def _administrators(self, asked: Asked, rule: str) -> None:
        if not asked.user.is_admin:
            raise fault(403, f"Policy doesn't allow {rule} to be performed.")

    def _create_flavor(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-flavor-manage:create")
        flavor = self.body(asked, "flavor")
        flavor_id = flavor.get("id") or "auto"
        if flavor_id == "auto":
            flavor_id = str(uuid.uuid4())
        if flavor_id in self.flavors:
            raise fault(409, f"Flavor with ID {flavor_id} already exists.")
        if any(known["name"] == flavor["name"] for known in self.flavors.values()):
            raise fault(409, f"Flavor with name {flavor['name']} already exists.")
        if not isinstance(flavor["ram"], int) or flavor["ram"] < 1:
            raise fault(400, f"Invalid input for field/attribute ram. Value: {flavor['ram']}.")
        record = self.add_flavor(
            flavor_id, name=flavor["name"], ram=flavor["ram"], disk=flavor["disk"], vcpus=flavor["vcpus"],
            swap=flavor.get("swap", 0), ephemeral=flavor.get("OS-FLV-EXT-DATA:ephemeral", 0),
            is_public=flavor.get("os-flavor-access:is_public", True), description=flavor.get("description"),
        )  # fmt: skip
        return Answer(200, {"flavor": self._flavor_view(asked, record, detail=True)})

    def _delete_flavor(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-flavor-manage:delete")
        del self.flavors[self._flavor(asked)["id"]]
        return Answer(202)

    def _add_extra_specs(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-flavor-extra-specs:create")
        specs = self.body(asked, "extra_specs")
        self._flavor(asked)["extra_specs"].update(specs)
        return Answer(200, {"extra_specs": specs})

    def _list_access(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-flavor-access")
        record = self._flavor(asked)
        if record["is_public"]:
            raise fault(404, "Access list not available for public flavors.")
        return Answer(
            200, {"flavor_access": [{"flavor_id": record["id"], "tenant_id": tenant} for tenant in record["access"]]}
        )

    def _change_access(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-flavor-access:add_tenant_access")
        self._flavor(asked)["access"].add(self.body(asked, "addTenantAccess")["tenant"])
        return Answer(200, {"flavor_access": []})

    # -- keypairs

    def _keypair_view(self, asked: Asked, record: Record, *fields: str) -> Record:
        if self._at_least(asked, "2.2"):
            fields = (*fields, "type")
        return {"keypair": {name: record[name] for name in fields}}

    def _keypair_owner(self, asked: Asked, given: str | None) -> str:
        """Administrators may name another user (from 2.10 on; before, Nova does not look)."""
        if given is None or not self._at_least(asked, "2.10") or given == asked.user.user_id:
            return asked.user.user_id
        self._administrators(asked, "os_compute_api:os-keypairs")
        return given

    def _keypair(self, asked: Asked) -> Record:
        owner = self._keypair_owner(asked, asked.first("user_id"))
        record = self.keypairs.get((owner, asked.parameters[0]))
        if record is None:
            raise fault(404, f"Keypair {asked.parameters[0]} not found for user {owner}")
        return record

    def _list_keypairs(self, asked: Asked) -> Answer:
        mine = [record for (user, _), record in self.keypairs.items() if user == asked.user.user_id]
        mine.sort(key=lambda record: str(record["name"]))
        body: Record = {}
        if self._at_least(asked, "2.35"):
            limit = self._limit(asked)
            mine = page(mine, asked.first("marker"), limit, lambda m: fault(400, f"marker [{m}] not found"), "name")
            if limit and len(mine) == limit:
                link = f"{self._url(asked, 'keypairs')}?{query(asked, mine[-1]['name'])}"
                body["keypairs_links"] = [{"rel": "next", "href": link}]
        views = [self._keypair_view(asked, record, "name", "public_key", "fingerprint") for record in mine]
        return Answer(200, {"keypairs": views, **body})

    def _create_keypair(self, asked: Asked) -> Answer:
        keypair = self.body(asked, "keypair")
        name = keypair["name"]
        if re.fullmatch(r"[_\- a-zA-Z0-9]+", name) is None and not self._at_least(asked, "2.92"):
            raise fault(
                400,
                f"Invalid input for field/attribute name. Value: {name}. '{name}' does not match "
                r"'^[_\\- a-zA-Z0-9]+$'",
            )
        if "public_key" not in keypair and self._at_least(asked, "2.92"):
            raise fault(
                400,
                f"Invalid input for field/attribute keypair. Value: {keypair!r}. 'public_key' is a required property",
            )
        owner = self._keypair_owner(asked, keypair.get("user_id"))
        if (owner, name) in self.keypairs:
            raise fault(409, f"Key pair '{name}' already exists.")
        fields = ["name", "public_key", "fingerprint", "user_id"]
        public_key = keypair.get("public_key")
        if public_key is None:
            public_key = f"ssh-rsa {uuid.uuid4().hex} Generated-by-Nova"
            fields.append("private_key")
        digest = hashlib.md5(public_key.encode(), usedforsecurity=False).hexdigest()
        record = {
            "id": len(self.keypairs) + 1, "name": name, "public_key": public_key, "fingerprint": digest, "type": "ssh",
            "user_id": owner, "private_key": f"private part of {public_key}",
            "created_at": "2026-11-20T15:30:22.000000", "deleted": False, "deleted_at": None, "updated_at": None,
        }  # fmt: skip
        self.keypairs[owner, name] = record
        return Answer(201 if self._at_least(asked, "2.2") else 200, self._keypair_view(asked, record, *fields))

    def _show_keypair(self, asked: Asked) -> Answer:
        fields = (
            "name", "public_key", "fingerprint", "user_id", "created_at", "deleted", "deleted_at", "id", "updated_at",
        )  # fmt: skip
        return Answer(200, self._keypair_view(asked, self._keypair(asked), *fields))

    def _delete_keypair(self, asked: Asked) -> Answer:
        record = self._keypair(asked)
        del self.keypairs[record["user_id"], record["name"]]
        return Answer(204 if self._at_least(asked, "2.2") else 202)

    # -- the rest

    def _zones(self, _asked: Asked) -> Answer:
        zones = [{"zoneName": zone, "zoneState": {"available": True}, "hosts": None} for zone in sorted(self.zones)]
        return Answer(200, {"availabilityZoneInfo": zones})

    def _limits(self, asked: Asked) -> Answer:
        used = sum(1 for record in self.servers.values() if record["project_id"] == asked.user.project_id)
        absolute = {
            "maxTotalCores": self.quota_cores, "maxServerMeta": 128, "maxTotalFloatingIps": -1,
            "totalCoresUsed": used, "totalInstancesUsed": used,
        }  # fmt: skip
        return Answer(200, {"limits": {"rate": [], "absolute": absolute}})

    def _quota(self, asked: Asked) -> Answer:
        return Answer(200, {"quota_set": {"id": asked.parameters[0], "cores": self.quota_cores, "floating_ips": -1}})

    def _list_groups(self, _asked: Asked) -> Answer:
        return Answer(200, {"server_groups": list(self.groups.values())})
