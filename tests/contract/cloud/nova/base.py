"""What all parts of the fake Nova share: microversions, projects in paths, links, limits."""

import re
from datetime import UTC, datetime

from ..cinder import Cinder
from ..glance import Glance
from ..keystone import Keystone
from ..neutron import Neutron
from ..pod_service import MAX_BODY, PodService, Record, microversion, numbers
from ..service import Answer, Asked, Refusal, fault, webob_error

# Where the API begins, with or without a project.
ROOT = r"/v2(?:\.1)?(?:/[0-9a-f]{32})?"


def now() -> str:
    """The time as Nova writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class NovaBase(PodService):
    """The frame of the compute service of one pod."""

    lowest = "2.1"

    def __init__(
        self,
        keystone: Keystone,
        cinder: Cinder,
        glance: Glance,
        neutron: Neutron,
        zone: str = "nova",
        highest: str = "2.104",
    ) -> None:
        super().__init__(keystone)
        self.neutron = neutron
        self.cinder = cinder
        self.glance = glance
        self.zone = zone
        self.zones = {zone}
        self.highest = highest
        self.servers: dict[str, Record] = {}
        # The ids of those that are requests and in their cells already.
        self.requests: set[str] = set()
        # Servers that have been deleted.
        self.deleted: dict[str, Record] = {}
        self.flavors: dict[str, Record] = {}
        self.keypairs: dict[tuple[str, str], Record] = {}
        self.groups: dict[str, Record] = {}
        self.attachments: list[tuple[str, str]] = []
        self.services: list[Record] = []
        self.hypervisors: list[Record] = []
        self.migrations: list[Record] = []
        self.usages: list[Record] = []
        # Hosts whose usage was not audited.
        self.not_audited: set[str] = set()
        # Events of servers that were told, and snapshots of volumes that were asked for, as (method, volume).
        self.events: list[tuple[str, str]] = []
        self.snapshots: list[tuple[str, str]] = []
        self.aggregates: list[Record] = []
        self.next_aggregate = 1
        # Aggregates and the images that their hosts were to fetch.
        self.cached: list[tuple[str, list[str]]] = []
        # Hosts and what was done with their power.
        self.powered: list[tuple[str, str]] = []
        self.quota_cores = 1000
        # The most servers of a project.
        self.quota_instances = 1000
        self.extensions = ["os-volumes", "os-keypairs", "servers"]
        # What consoles lead to, by their tokens; nodes of Ironic by their ids, None where there is no Ironic.
        self.consoles: dict[str, Record] = {}
        self.nodes: dict[str, Record] | None = None
        # What was set, by project and perhaps user, and by class.
        self.quotas: dict[tuple[str, str | None], dict[str, int]] = {}
        # Unified limits: what is set here is passed over.
        self.keystone_limits = False
        self.quota_classes: dict[str, dict[str, int]] = {}
        # Servers stay in BUILD, deleted ones stay, interfaces stay, until the test says otherwise.
        self.holds = False
        self.refuses_interfaces = False
        # No host has room for new servers.
        self.is_full = False
        # Ids of shares of the pod's Manila.
        self.manila: set[str] = set()
        # The hosts of servers are out of order, so that these can be evacuated.
        self.compute_is_down = False
        # Whether its api-paste.ini has the version of old.
        self.has_v2 = True
        # A later release, with fields that nobody knows yet.
        self.is_newer = False

    def before(self, asked: Asked) -> None:
        asked.headers["api"] = "v2" if re.match("/v2(/|$)", asked.path) else "v2.1"
        is_legacy = asked.headers["api"] == "v2"
        if is_legacy and not self.has_v2:
            # Without its line in api-paste.ini, as for every path that leads nowhere (Versions.multi).
            choices = [
                {"id": id_, "status": "CURRENT", "links": [{"rel": "self", "href": f"{self.root}/{api}{asked.path}"}]}
                for id_, api in (("v2.0", "v2"), ("v2.1", "v2.1"))
            ]
            raise Refusal(Answer(300, {"choices": choices}))
        if asked.path.rstrip("/") in ("", "/v2.1", "/v2"):
            return
        if len(asked.body) > MAX_BODY:
            # Nova does not put the number into its text.
            message = "Request is too large. Larger than max_request_body_size (%s)."
            raise Refusal(webob_error(413, message, asked.headers.get("accept", "*/*")))
        token = self.authenticate(asked)
        if is_legacy:
            asked.headers["version"] = self.lowest
        else:
            asked.headers["version"] = microversion(
                asked, "compute", "x-openstack-nova-api-version", self.lowest, self.highest
            )
        if not is_legacy:
            asked.headers["accepted"] = asked.headers["version"]
        found = re.match(r"/v2(?:\.1)?/([0-9a-f]{32})(?:/|$)", asked.path)
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
        return f"{self.root}/{asked.headers['api']}{project}/{path}"

    def _links(self, asked: Asked, path: str) -> list[dict[str, str]]:
        project = f"/{asked.headers['project']}" if asked.headers["project"] else ""
        return [
            {"rel": "self", "href": self._url(asked, path)},
            {"rel": "bookmark", "href": f"{self.root}{project}/{path}"},
        ]

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

    def _administrators(self, asked: Asked, rule: str) -> None:
        if not asked.user.is_admin:
            raise fault(403, f"Policy doesn't allow {rule} to be performed.")

    def _visible(self, asked: Asked, record: Record) -> bool:
        return bool(asked.user.is_admin or record["project_id"] == asked.user.project_id)

    def server(self, asked: Asked) -> Record:
        """The server of a path. Raises `Refusal` 404."""
        record = self.servers.get(asked.parameters[0])
        if record is None or not self._visible(asked, record):
            raise fault(404, f"Instance {asked.parameters[0]} could not be found.")
        return record
