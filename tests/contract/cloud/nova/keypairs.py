"""Keypairs of the fake Nova."""

import hashlib
import re
import uuid
from collections.abc import Iterable

from ..pod_service import Record, page, query
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase


class Keypairs(NovaBase):
    """Keypairs of users."""

    def keypair_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/os-keypairs", self._list_keypairs),
            On("POST", f"{ROOT}/os-keypairs", self._create_keypair),
            On("GET", f"{ROOT}/os-keypairs/([^/]+)", self._show_keypair),
            On("DELETE", f"{ROOT}/os-keypairs/([^/]+)", self._delete_keypair),
        )

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
