"""What all kinds of resources of a fake Neutron have in common."""

import asyncio
import copy
import itertools
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from ..keystone import Keystone, Token
from ..pod_service import PodService
from ..service import Answer, Asked
from .errors import bad_request, refusal
from .kinds import KINDS, NETWORK, PORT, PORT_FORWARDING, RBAC_POLICY, STANDARD, Kind, Record, extensions
from .lists import listed

# Told what became of a resource (collection, before, after) before the answer goes out.
Changed = Callable[[str, Record | None, Record | None], Awaitable[None]]
# May refuse a change (collection, before, after) by raising `Refusal`.
Judge = Callable[[str, Record | None, Record | None], None]

SHARED, EXTERNAL = "access_as_shared", "access_as_external"
_SHARED_BY = {SHARED, EXTERNAL}
# The extensions of attributes that all kinds may have.
_STANDARD = {"description": "standard-attr-description", "tags": "standard-attr-tag"}


def now() -> str:
    """The time as Neutron writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Base(PodService):
    """Records of all kinds, who sees them, how they are made, changed and removed."""

    def __init__(self, keystone: Keystone, max_mtu: int = 1442, ovn: bool = True) -> None:
        super().__init__(keystone)
        self.kinds = {kind.collection: kind for kind in KINDS}
        self.records: dict[str, dict[str, Record]] = {kind.collection: {} for kind in (*KINDS, PORT_FORWARDING)}
        # Whether OVN makes the routers, as in a pod.
        self.ovn = ovn
        self.extensions = extensions(ovn)
        # The greatest MTU that this region's own networks can have.
        self.max_mtu = max_mtu
        # (project id, collection) -> how many it may have.
        self.quota: dict[tuple[str, str], int] = {}
        self.changed: Changed | None = None
        self.judge: Judge | None = None
        self.macs = itertools.count(1)
        self.serial = itertools.count(1)
        self._events: list[tuple[str, Record | None, Record | None]] = []
        # What Neutron does when it has its answer ready.
        self.afterwards: list[Callable[[], None]] = []
        self._transaction = asyncio.Lock()

    # -- records

    @property
    def networks(self) -> dict[str, Record]:
        return self.records["networks"]

    @property
    def subnets(self) -> dict[str, Record]:
        return self.records["subnets"]

    @property
    def ports(self) -> dict[str, Record]:
        return self.records["ports"]

    @property
    def groups(self) -> dict[str, Record]:
        return self.records["security_groups"]

    @property
    def rules(self) -> dict[str, Record]:
        return self.records["security_group_rules"]

    def has(self, extension: str | None) -> bool:
        """Whether this region offers an extension; None is what all offer."""
        return extension is None or extension in self.extensions

    def knows(self, kind: Kind, name: str) -> bool:
        """Whether an attribute is one here."""
        if name == "tags" and not kind.tagged:
            return False
        return name in kind.known and self.has(kind.extension.get(name, _STANDARD.get(name)))

    def sees(self, token: Token, kind: Kind, record: Record) -> bool:
        """Whether a caller may read a record."""
        if token.is_admin or record["project_id"] == token.project_id or self.shared_with(kind, record, token):
            return True
        if kind is PORT:
            network = self.networks.get(record["network_id"])
            return network is not None and network["project_id"] == token.project_id
        return "network_id" in record and self.sees(token, NETWORK, self.networks[record["network_id"]])

    def shared_with(self, kind: Kind, record: Record, token: Token | None, actions: Iterable[str] = _SHARED_BY) -> bool:
        """Whether a record is lent to a caller's project."""
        targets = {"*"} if token is None else {"*", token.project_id}
        return any(
            policy["object_id"] == record["id"] and policy["action"] in actions and policy["target_tenant"] in targets
            for policy in self.records["rbac_policies"].values()
        )

    def find(self, token: Token, kind: Kind, id_: str) -> Record:
        """A record that the caller may read. Raises `Refusal` 404."""
        record = self.records[kind.collection].get(id_)
        if record is None or not self.sees(token, kind, record):
            raise refusal(404, f"{kind.title}NotFound", kind.not_found.format(title=kind.title, id=id_))
        return record

    def owned(self, token: Token, kind: Kind, id_: str) -> Record:
        """A record that the caller may change. Raises `Refusal`."""
        record = self.find(token, kind, id_)
        network = self.networks.get(record.get("network_id", ""), record)
        if not token.is_admin and token.project_id not in (record["project_id"], network["project_id"]):
            raise refusal(404, f"{kind.title}NotFound", kind.not_found.format(title=kind.title, id=id_))
        return record

    def view(self, token: Token, kind: Kind, record: Record) -> Record:
        """A record as its reader sees it."""
        shown = {
            name: copy.deepcopy(value) if isinstance(value, dict | list) else value
            for name, value in record.items()
            if self.knows(kind, name) and (token.is_admin or name not in kind.hidden)
        }
        if "shared" in shown:
            reader = None if token.is_admin else token
            shown["shared"] = self.shared_with(kind, record, reader, {SHARED})
        if kind is NETWORK:
            shown["subnets"] = [each["id"] for each in self.subnets.values() if each["network_id"] == record["id"]]
        if "security_group_rules" in shown:
            rules = (rule for rule in self.rules.values() if rule["security_group_id"] == record["id"])
            shown["security_group_rules"] = copy.deepcopy(list(rules))
        return shown

    def put(self, kind: Kind, project_id: str, **fields: Any) -> Record:
        """A new record, unchecked."""
        record: Record = {
            "id": str(uuid.uuid4()),
            **copy.deepcopy({name: value for name, value in kind.defaults.items() if value is not ...}),
            **copy.deepcopy(kind.shown),
            "description": "",
            "project_id": project_id,
            "tenant_id": project_id,
            "tags": [],
            "created_at": now(),
            "updated_at": now(),
            "revision_number": 0,
            **fields,
        }
        self.records[kind.collection][record["id"]] = record
        self.note(kind, None, record)
        return record

    def share(self, record: Record, object_type: str, target: str, action: str = SHARED) -> Record:
        """Lend a resource to a project, or to all (`*`)."""
        fields = {"object_type": object_type, "object_id": record["id"], "action": action}
        return self.put(RBAC_POLICY, record["project_id"], target_tenant=target, **fields)

    def note(self, kind: Kind, before: Record | None, after: Record | None) -> None:
        """A change that whoever listens is told. Raises what the judge raises, and takes back what it forbids."""
        if self.judge is not None:
            try:
                self.judge(kind.collection, before, after)
            except Exception:
                self._take_back(kind, before, after)
                raise
        self._events.append((kind.collection, copy.deepcopy(before), copy.deepcopy(after)))

    def _take_back(self, kind: Kind, before: Record | None, after: Record | None) -> None:
        records = self.records[kind.collection]
        if before is None and after is not None:
            del records[after["id"]]
        elif before is not None:
            records[before["id"]] = before

    def revise(self, record: Record) -> None:
        """Every change counts."""
        record["revision_number"] += 1
        record["updated_at"] = now()

    # -- requests

    def before(self, asked: Asked) -> None:
        if asked.path != "/":
            self.authenticate(asked)

    def unknown(self, asked: Asked) -> Answer:
        return refusal(404, "HTTPNotFound", "The resource could not be found.").answer

    async def _answer(self, asked: Asked, request: Any) -> Answer:
        # Nobody sees a change before what belongs to its transaction is done too.
        async with self._transaction:
            # What a test did by itself it tells by itself.
            self._events, self.afterwards = [], []
            try:
                return await super()._answer(asked, request)
            finally:
                # Who is refused may have changed something all the same.
                for finish in self.afterwards:
                    finish()
                events, self._events = self._events, []
                if self.changed is not None:
                    for event in events:
                        await self.changed(*event)

    def wanted(self, asked: Asked, kind: Kind) -> list[Record]:
        """The objects of a body, one or (bulk) many. Raises `Refusal` 400."""
        try:
            document = json.loads(asked.body)
        except ValueError:
            raise bad_request("Malformed request body") from None
        if isinstance(document, dict) and isinstance(document.get(kind.collection), list):
            return list(document[kind.collection])
        if not isinstance(document, dict) or not isinstance(document.get(kind.member), dict):
            raise bad_request(f"Unable to find '{kind.member}' in request body")
        return [document[kind.member]]

    def check(self, token: Token, kind: Kind, wanted: Record, creates: bool) -> None:
        """Whether the attributes of a body are ones, and may be set. Raises `Refusal` 400, 403."""
        names = {"tenant_id" if name == "project_id" else name for name in wanted}
        if unknown := [name for name in names if not self.knows(kind, name)]:
            raise bad_request(f"Unrecognized attribute(s) '{', '.join(sorted(unknown))}'")
        verb = "create" if creates else "update"
        if creates:
            read_only = (set(kind.shown) | set(STANDARD)) - {"tenant_id", "description"}
            if kind is PORT:
                # It may be given there, but is only heeded where a driver of that name is loaded.
                read_only -= {"tags"}
            if found := sorted(names & read_only):
                raise bad_request(f"Attribute '{found[0]}' not allowed in POST")
            if missing := [name for name in kind.required if name not in wanted]:
                raise bad_request(f"Failed to parse request. Required attribute '{missing[0]}' not specified")
        else:
            read_only = (set(kind.shown) | set(STANDARD) | kind.fixed) - {"description"}
            if found := sorted(names & read_only):
                raise bad_request(f"Cannot update read-only attribute {found[0]}")
        for name in sorted(names & kind.hidden):
            # Neutron 29: not even an administrator writes a profile, only a service.
            allowed = "service" in token.roles if name == "binding:profile" else token.is_admin
            if not allowed:
                rule = f"rule:{verb}_{kind.member}"
                raise refusal(
                    403, "PolicyNotAuthorized", f"({rule} and {rule}:{name}) is disallowed by policy"
                )  # fmt: skip

    def project(self, token: Token, wanted: Record) -> str:
        """Whose a new resource is. Raises `Refusal` 400."""
        named = wanted.get("project_id", wanted.get("tenant_id"))
        if named is not None and named != token.project_id and not token.is_admin:
            raise bad_request(
                "Specifying 'project_id' other than the authenticated project in request is not allowed for the "
                "current user."
            )
        return str(named if named is not None else token.project_id)

    def within_quota(self, kind: Kind, project_id: str, more: int = 1) -> None:
        """Raises `Refusal` 409 where a project has as many as it may."""
        limit = self.quota.get((project_id, kind.collection))
        used = sum(record["project_id"] == project_id for record in self.records[kind.collection].values())
        if limit is not None and used + more > limit:
            raise refusal(409, "OverQuota", f"Quota exceeded for resources: ['{kind.member}'].")

    def match(self, asked: Asked, record: Record) -> None:
        """`If-Match: revision_number=N`. Raises `Refusal` 412."""
        condition = asked.headers.get("if-match")
        if condition is None:
            return
        number = int(condition.partition("=")[2])
        if number != record["revision_number"]:
            message = f"Constrained to {number}, but current revision is {record['revision_number']}"
            raise refusal(412, "RevisionNumberConstraintFailed", message)

    def listing(self, asked: Asked, kind: Kind) -> Answer:
        """A list as its reader sees it."""
        token = asked.user
        records = [
            self.view(token, kind, record)
            for record in self.records[kind.collection].values()
            if self.sees(token, kind, record)
        ]
        url = f"{self.root}/v2.0/{kind.url}"
        return listed(asked, kind, records, url, lambda name: self.knows(kind, name), self.max_limit)

    def forget_sharing(self, record: Record, *actions: str) -> None:
        """What is removed takes its RBAC policies along; `actions`: only those."""
        policies = self.records["rbac_policies"]
        for policy in [each for each in policies.values() if each["object_id"] == record["id"]]:
            if not actions or policy["action"] in actions:
                del policies[policy["id"]]
                self.note(RBAC_POLICY, policy, None)
