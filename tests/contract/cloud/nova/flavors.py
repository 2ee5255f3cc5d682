"""Flavors of the fake Nova."""

import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record, ordered, page, query
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase


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
            On("POST", f"{ROOT}/flavors/([^/]+)/os-extra_specs", self._add_extra_specs),
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
