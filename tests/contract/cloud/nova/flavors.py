"""Flavors of the fake Nova."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record, ordered, page, query
from ..schema import Invalid, Schema, validate
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase

DESCRIPTION: Schema = {
    "type": "object", "required": ["description"], "additionalProperties": False,
    "properties": {"description": {"type": ["string", "null"], "maxLength": 65535}},
}  # fmt: skip
ACCESS: Schema = {
    "type": "object", "required": ["tenant"], "additionalProperties": False,
    "properties": {"tenant": {"type": "string", "minLength": 1, "maxLength": 255}},
}  # fmt: skip
ONE_SPEC: Schema = {
    "type": "object", "additionalProperties": False,
    "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": ["string", "number"], "maxLength": 255}},
}  # fmt: skip


class Flavors(NovaBase):
    """Flavors with extra specs and access lists."""

    def flavor_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/flavors", self._list_flavors),
            On("GET", f"{ROOT}/flavors/detail", self._list_flavors),
            On("POST", f"{ROOT}/flavors", self._create_flavor),
            On("GET", f"{ROOT}/flavors/([^/]+)", self._show_flavor),
            On("DELETE", f"{ROOT}/flavors/([^/]+)", self._delete_flavor),
            On("PUT", f"{ROOT}/flavors/([^/]+)", self._describe_flavor),
            On("GET", f"{ROOT}/flavors/([^/]+)/os-extra_specs", self._list_extra_specs),
            On("POST", f"{ROOT}/flavors/([^/]+)/os-extra_specs", self._add_extra_specs),
            On("GET PUT DELETE", f"{ROOT}/flavors/([^/]+)/os-extra_specs/([^/]+)", self._one_extra_spec),
            On("GET", f"{ROOT}/flavors/([^/]+)/os-flavor-access", self._list_access),
            On("POST", f"{ROOT}/flavors/([^/]+)/action", self._change_access),
        )

    def add_flavor(self, flavor_id: str, **fields: Any) -> Record:
        """A flavor that is there already."""
        record = {
            "id": flavor_id, "name": f"flavor-{flavor_id}", "ram": 512, "disk": 1, "vcpus": 1, "swap": 0,
            "ephemeral": 0, "is_public": True, "extra_specs": {}, "description": None, "access": set(), **fields,
        }  # fmt: skip
        self.flavors[flavor_id] = record
        return record

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

    def _describe_flavor(self, asked: Asked) -> Answer:
        if not self._at_least(asked, "2.55"):
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
        wanted = self.body(asked, "flavor")
        self._fits(DESCRIPTION, wanted, "flavor")
        self._administrators(asked, "os_compute_api:os-flavor-manage:update")
        record = self._flavor(asked)
        record["description"] = wanted["description"]
        return Answer(200, {"flavor": self._flavor_view(asked, record, detail=True)})

    def _list_extra_specs(self, asked: Asked) -> Answer:
        return Answer(200, {"extra_specs": self._flavor(asked)["extra_specs"]})

    def _one_extra_spec(self, asked: Asked) -> Answer:
        flavor_id, key = asked.parameters
        if asked.method == "PUT":
            wanted = self._document(asked)
            self._fits(ONE_SPEC, wanted)
            if len(wanted) != 1:
                raise fault(400, f"{wanted!r} has too many properties")
            self._administrators(asked, "os_compute_api:os-flavor-extra-specs:update")
            if key not in wanted:
                raise fault(400, "Request body and URI mismatch")
            self._flavor(asked)["extra_specs"].update(wanted)
            return Answer(200, wanted)
        if asked.method == "DELETE":
            self._administrators(asked, "os_compute_api:os-flavor-extra-specs:delete")
        specs = self._flavor(asked)["extra_specs"]
        if key not in specs:
            raise fault(404, f"Flavor {flavor_id} has no extra specs with key {key}.")
        return Answer(200, {key: specs[key]}) if asked.method == "GET" else Answer(200, specs.pop(key) and None)

    def _list_access(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-flavor-access")
        record = self._flavor(asked)
        if record["is_public"]:
            raise fault(404, "Access list not available for public flavors.")
        return self._access_view(record)

    def _access_view(self, record: Record) -> Answer:
        access = [{"flavor_id": record["id"], "tenant_id": tenant} for tenant in sorted(record["access"])]
        return Answer(200, {"flavor_access": access})

    def _change_access(self, asked: Asked) -> Answer:
        document = self._document(asked)
        action = next(iter(document), "")
        rule = {"addTenantAccess": "add_tenant_access", "removeTenantAccess": "remove_tenant_access"}.get(action)
        if rule is None:
            raise fault(400, f"There is no such action: {action}")
        self._fits(ACCESS, document[action], action)
        self._administrators(asked, f"os_compute_api:os-flavor-access:{rule}")
        tenant, record = document[action]["tenant"], self._flavor(asked)
        if action == "addTenantAccess":
            if self._at_least(asked, "2.7") and record["is_public"]:
                raise fault(409, "Can not add access to a public flavor.")
            if tenant in record["access"]:
                raise fault(
                    409, f"Flavor access already exists for flavor {record['id']} and project {tenant} combination."
                )
            record["access"].add(tenant)
        elif tenant not in record["access"]:
            raise fault(404, f"Flavor access not found for {record['id']} / {tenant} combination.")
        else:
            record["access"].remove(tenant)
        return self._access_view(record)

    def _document(self, asked: Asked) -> Record:
        try:
            document = json.loads(asked.body)
        except ValueError:
            raise fault(400, "Malformed request body") from None
        if not isinstance(document, dict):
            raise fault(400, "Malformed request body")
        return document

    def _fits(self, schema: Schema, value: Any, *path: str) -> None:
        try:
            validate(schema, value, path)
        except Invalid as error:
            raise fault(400, error.text) from None
