"""What is done to one server of the fake Nova.

Sources: nova/api/openstack/compute/admin_actions.py, admin_password.py, deferred_delete.py, evacuate.py,
lock_server.py, migrate_server.py, pause_server.py, remote_consoles.py, shelve.py, suspend_server.py with their schemas,
and nova/compute/api.py.
"""

from dataclasses import dataclass, field
from typing import Any

from ..pod_service import Record, numbers
from ..schema import Invalid, Schema, validate
from ..service import Answer, Asked, fault
from .new_servers import NewServers
from .schemas import BOOLEAN, FQDN

HOST: Schema = {**FQDN, "type": ["string", "null"]}


def _closed(required: str = "", **properties: Schema) -> Schema:
    return {
        "type": "object", "properties": properties, "required": required.split(), "additionalProperties": False,
    }  # fmt: skip


def _console(*types: str) -> Schema:
    return _closed("type", type={"type": "string", "enum": list(types)})


@dataclass(frozen=True)
class Act:
    """An action: the schema of what it is given in its microversions, from which states it leads to which.

    No states: any; no `to`: it stays as it is. `rule` is the policy of those for administrators.
    """

    schema: Schema = field(default_factory=dict)
    states: tuple[str, ...] = ()
    to: tuple[str, str] | None = None
    rule: str = ""
    since: str = "2.1"
    until: str = "2.999"
    status: int = 202


ADMINISTRATORS = "os_compute_api:os-"
ACTS: dict[str, Act] = {
    "changePassword": Act(_closed("adminPass", adminPass={"type": "string"}), ("active",)),
    "forceDelete": Act(),
    "injectNetworkInfo": Act(rule=f"{ADMINISTRATORS}admin-actions:inject_network_info"),
    "lock": Act(),
    "unlock": Act(),
    "pause": Act(states=("active",), to=("PAUSED", "paused")),
    "unpause": Act(states=("paused",), to=("ACTIVE", "active")),
    "suspend": Act(states=("active",), to=("SUSPENDED", "suspended")),
    "resume": Act(states=("suspended",), to=("ACTIVE", "active")),
    "shelve": Act(states=("active", "stopped", "paused", "suspended"), to=("SHELVED", "shelved")),
    "shelveOffload": Act(
        states=("shelved",), to=("SHELVED_OFFLOADED", "shelved_offloaded"),
        rule=f"{ADMINISTRATORS}shelve:shelve_offload",
    ),
    "unshelve": Act(states=("shelved", "shelved_offloaded"), to=("ACTIVE", "active")),
    "restore": Act(states=("soft-delete",), to=("ACTIVE", "active")),
    "trigger_crash_dump": Act({"type": "null"}, ("active", "paused", "rescued", "resized", "error"), since="2.17"),
    "evacuate": Act(rule=f"{ADMINISTRATORS}evacuate", status=200),
    "migrate": Act(
        states=("active", "stopped"), to=("VERIFY_RESIZE", "resized"), rule=f"{ADMINISTRATORS}migrate-server:migrate"
    ),
    "os-migrateLive": Act(
        states=("active", "paused"), to=("MIGRATING", "active"), rule=f"{ADMINISTRATORS}migrate-server:migrate_live"
    ),
    "os-resetState": Act(
        _closed("state", state={"type": "string", "enum": ["active", "error"]}),
        rule=f"{ADMINISTRATORS}admin-actions:reset_state",
    ),
    "os-getVNCConsole": Act(_console("novnc", "xvpvnc"), until="2.5", status=200),
    "os-getSPICEConsole": Act(_console("spice-html5"), until="2.5", status=200),
    "os-getSerialConsole": Act(_console("serial"), until="2.5", status=200),
    # No schema any more, and no console.
    "os-getRDPConsole": Act(until="2.5", status=400),
    "resetNetwork": Act(status=410),
}  # fmt: skip
REFUSALS = {
    400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    410: "This resource is no longer available.  No forwarding address is given.",
}
CONSOLES = ("vnc", "spice", "serial", "rdp")
CONSOLE_TYPES = ("novnc", "xvpvnc", "spice-html5", "serial", "rdp-html5")


def unsupported(asked: Asked) -> Exception:
    """What a method says to a microversion that it does not have."""
    return fault(404, f"API version {asked.headers['version']} is not supported on this method.")


def fits(schema: Schema, value: Any, *path: str | int) -> None:
    """Raises `Refusal` 400 in Nova's words."""
    try:
        validate(schema, value, path)
    except Invalid as error:
        raise fault(400, error.text) from None


class ServerActions(NewServers):
    """Actions, and the consoles that became a resource later."""

    def do(self, asked: Asked, record: Record, action: str, value: Any) -> Answer:
        """One of `ACTS`. Raises `Refusal`."""
        act = ACTS[action]
        if not numbers(act.since) <= numbers(asked.headers["version"]) <= numbers(act.until):
            raise unsupported(asked)
        if act.status >= 400:
            raise fault(act.status, REFUSALS[act.status])
        fits(self._schema(asked, action), value, action)
        if act.rule:
            self._administrators(asked, act.rule)
        free = action in ("lock", "unlock", "os-resetState") or action.endswith("Console")
        if record.get("locked") and not free and not asked.user.is_admin:
            raise fault(409, f"Instance {record['id']} is locked")
        if act.states and record["vm_state"] not in act.states:
            state = record["vm_state"]
            raise fault(409, f"Cannot '{action}' instance {record['id']} while it is in vm_state {state}")
        answer = self._done(asked, record, action, value)
        if act.to is not None:
            record["status"], record["vm_state"] = act.to
        return Answer(act.status, answer)

    def _schema(self, asked: Asked, action: str) -> Schema:
        """What an action is given in a microversion."""
        since = {each: self._at_least(asked, each) for each in ("2.14", "2.25", "2.29", "2.30", "2.56", "2.68", "2.73")}
        since |= {each: self._at_least(asked, each) for each in ("2.77", "2.91")}
        force = {"force": BOOLEAN}
        if action == "evacuate":
            fields = {"host": FQDN, "adminPass": {"type": "string"}}
            if not since["2.14"]:
                return _closed("onSharedStorage", onSharedStorage=BOOLEAN, **fields)
            return _closed(**fields, **(force if since["2.29"] and not since["2.68"] else {}))
        if action == "migrate" and since["2.56"]:
            return {**_closed(host=HOST), "type": ["object", "null"]}
        if action == "os-migrateLive":
            if not since["2.25"]:
                fields = {"block_migration": BOOLEAN, "disk_over_commit": BOOLEAN, "host": HOST}
                return _closed("block_migration disk_over_commit host", **fields)
            blocks = {**BOOLEAN, "enum": [*BOOLEAN["enum"], "auto"]}
            more = force if since["2.30"] and not since["2.68"] else {}
            return _closed("block_migration host", block_migration=blocks, host=HOST, **more)
        if action == "lock" and since["2.73"]:
            return {**_closed(locked_reason={"type": "string", "minLength": 1, "maxLength": 255}),
                    "type": ["object", "null"]}  # fmt: skip
        if action == "unshelve" and since["2.91"]:
            zone: Schema = {"type": ["string", "null"]}
            return {**_closed(availability_zone=zone, host={"type": "string"}), "type": ["object", "null"]}
        if action == "unshelve" and since["2.77"]:
            return {**_closed("availability_zone", availability_zone={"type": "string", "minLength": 1}),
                    "type": ["object", "null"]}  # fmt: skip
        return ACTS[action].schema

    def _done(self, asked: Asked, record: Record, action: str, value: Any) -> Any:
        match action:
            case "changePassword":
                record["password"] = value["adminPass"]
            case "forceDelete":
                self.remove(record)
            case "lock" | "unlock":
                record["locked"] = action == "lock"
                record["locked_reason"] = (value or {}).get("locked_reason") if action == "lock" else None
            case "os-resetState":
                record["vm_state"], record["status"] = value["state"], value["state"].upper()
                record["task_state"] = None
            case "unshelve":
                self._unshelve(asked, record, value)
            case "evacuate":
                return self._evacuate(asked, record, value)
            case "migrate":
                wanted = value.get("host") if isinstance(value, dict) and self._at_least(asked, "2.56") else None
                if wanted and wanted == record["host"]:
                    raise fault(400, "Cannot migrate to the host where the server exists.")
                record["host"] = self._host(wanted, 400) if wanted else "another"
            case "os-migrateLive":
                record["host"] = self._host(value["host"], 400) if value["host"] else "another"
            case "os-getVNCConsole" | "os-getSPICEConsole" | "os-getSerialConsole":
                return {"console": {"type": value["type"], "url": self._console_url(record)}}
        return None

    def remove(self, record: Record) -> None:
        """End a server."""
        raise NotImplementedError

    def _host(self, name: str, status: int) -> str:
        """A host on which servers can be. Raises `Refusal`."""
        if all((each["host"], each["binary"]) != (name, "nova-compute") for each in self.services):
            text = f"Compute host {name} not found." if status == 404 else f"Compute host {name} could not be found."
            raise fault(status, text)
        return name

    def _unshelve(self, asked: Asked, record: Record, value: Any) -> None:
        if not isinstance(value, dict) or not self._at_least(asked, "2.77"):
            return
        host = value.get("host") if self._at_least(asked, "2.91") else None
        if ("availability_zone" in value or host) and record["vm_state"] != "shelved_offloaded":
            raise fault(
                409,
                f'Specifying an availability zone or a host when unshelving server "{record["id"]}" with status '
                f'"{record["vm_state"]}" is not supported. The server status must be SHELVED_OFFLOADED.',
            )
        zone = value.get("availability_zone")
        if zone and zone not in self.zones:
            raise fault(400, "The requested availability zone is not available")
        if host:
            self._administrators(asked, f"{ADMINISTRATORS}shelve:unshelve_to_host")
            record["host"] = self._host(host, 400)
        if "availability_zone" in value:
            record["pinned"] = zone
            record["zone"] = zone or record["zone"]

    def _evacuate(self, asked: Asked, record: Record, value: Record) -> Any:
        host = value.get("host")
        if value.get("force") in (True, "true", "True") and not host:
            raise fault(400, "Can't force to a non-provided destination")
        if host is not None:
            self._host(host, 404)
        if host == record["host"]:
            raise fault(400, "The target host can't be the same one.")
        if not self.compute_is_down:
            raise fault(400, f"Compute service of {record['host']} is still in use.")
        record["host"] = host or "another"
        return None if self._at_least(asked, "2.14") else {"adminPass": value.get("adminPass", "generated")}

    # -- consoles

    def _console_url(self, record: Record) -> str:
        return f"http://console.{self.zone}:6080/vnc_auto.html?path=%3Ftoken%3D{record['id']}"

    def _remote_console(self, asked: Asked) -> Answer:
        record = self.server(asked)
        if not self._at_least(asked, "2.6"):
            raise unsupported(asked)
        newer = self._at_least(asked, "2.8")
        types = [
            *CONSOLE_TYPES,
            *(["webmks"] if newer else []),
            *(["spice-direct"] if self._at_least(asked, "2.99") else []),
        ]
        schema = _closed(
            "protocol type",
            protocol={"type": "string", "enum": [*CONSOLES, *(["mks"] if newer else [])]},
            type={"type": "string", "enum": types},
        )
        wanted = self.body(asked, "remote_console")
        fits(schema, wanted, "remote_console")
        if wanted["protocol"] == "rdp":
            raise fault(400, "Unavailable console type rdp.")
        return Answer(200, {"remote_console": {**wanted, "url": self._console_url(record)}})
