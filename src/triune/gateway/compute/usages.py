"""Usage of projects, added up over pods, and the audit log of usage.

Source: nova/api/openstack/compute/simple_tenant_usage.py and instance_usage_audit_log.py. Pages (from 2.40 on) are of
servers, sorted by (project, uuid), whose uuids are the markers; the sums of a page are those of its servers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from triune.gateway.call import Call, quoted
from triune.gateway.collection import Collection, Found
from triune.gateway.fanout import compose, read_all
from triune.gateway.gather import MergedPage
from triune.gateway.http import Response
from triune.gateway.order import Parameters
from triune.gateway.paging import Item, Position, SortKey
from triune.gateway.probing import Probing
from triune.gateway.written import written
from triune.pods.client import Document, PodUnreachable, Target
from triune.pods.registry import Pod

JSON = dict[str, Any]

ROOT = "/os-simple-tenant-usage"
# What Nova adds up, each over the hours that a server ran in the period.
TOTALS = {"total_local_gb_usage": "local_gb", "total_vcpus_usage": "vcpus", "total_memory_mb_usage": "memory_mb"}
# What counts in the audit log of a pod.
COUNTS = (
    "num_hosts",
    "num_hosts_done",
    "num_hosts_running",
    "num_hosts_not_run",
    "total_instances",
    "total_errors",
)


def added_up(usages: Iterable[JSON]) -> list[JSON]:
    """The usages of projects as several pods tell them, each project once, in the order of their ids."""
    projects: dict[str, JSON] = {}
    for usage in usages:
        known = projects.get(usage["tenant_id"])
        if known is None:
            projects[usage["tenant_id"]] = dict(usage)
            continue
        for name in (*TOTALS, "total_hours"):
            known[name] += usage[name]
        if "server_usages" in known:
            known["server_usages"] = [*known["server_usages"], *usage.get("server_usages", ())]
    return [projects[project_id] for project_id in sorted(projects)]


def summary(servers: Iterable[JSON], period: JSON) -> list[JSON]:
    """The usages of projects that follow from those of servers, as Nova adds them up."""
    projects: dict[str, JSON] = {}
    for server in servers:
        project_id, hours = server["tenant_id"], server["hours"]
        usage = projects.setdefault(
            project_id,
            {"tenant_id": project_id, "server_usages": [], **dict.fromkeys((*TOTALS, "total_hours"), 0), **period},
        )
        for name, field in TOTALS.items():
            usage[name] += server[field] * hours
        usage["total_hours"] += hours
        usage["server_usages"].append(server)
    return list(projects.values())


def _usages(call: Call, document: Document) -> list[JSON]:
    """The usages in a pod's answer, which is about all projects or about one (empty where it has none)."""
    if "tenant_id" not in call.parameters:
        listed = document.part("tenant_usages")
    else:
        one = document.part("tenant_usage")
        listed = [one] if one else []
    if not isinstance(listed, list):
        raise PodUnreachable(document.pod, document.service, "no list of usages")
    return listed


def _body(call: Call, usages: list[JSON]) -> JSON:
    return (
        {"tenant_usage": usages[0] if usages else {}} if "tenant_id" in call.parameters else {"tenant_usages": usages}
    )


class Usages:
    """Usage of all projects or of one, unpaged (to 2.39)."""

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        targets = [call.target(pod, deadline=deadline) for pod in pods]
        answers = await read_all(call, targets, lambda document: _usages(call, document))
        if isinstance(answers, Response):
            return answers
        call.settle_missing(answered=bool(answers))
        usages = added_up(usage for _, told in answers for usage in told)
        return compose(answers[0][0], _body(call, usages))


class PagedUsages(Probing):
    """The same in pages of servers (from 2.40 on). Pods are asked for the servers even where only sums are told."""

    def __init__(self, project_id: str | None = None) -> None:
        order = [SortKey("tenant_id", descending=False), SortKey("instance_id", descending=False)]
        name, path = ("tenant_usages", ROOT) if project_id is None else ("tenant_usage", f"{ROOT}/{quoted(project_id)}")
        super().__init__(Collection(name, f"/v2.1{path}", None, lambda _: order, marker="instance_id"))

    async def __call__(self, call: Call) -> Response:
        project_id = call.parameters.get("tenant_id")
        if project_id is not None and self._collection.name == "tenant_usages":
            return await PagedUsages(project_id)(call)
        return await super().__call__(call)

    def _targets(
        self, call: Call, pods: list[Pod], parameters: Parameters, before: Mapping[str, Position], limit: int
    ) -> list[Target]:
        if self._collection.name == "tenant_usages":
            parameters = [*((name, value) for name, value in parameters if name != "detailed"), ("detailed", "1")]
        return super()._targets(call, pods, parameters, before, limit)

    def _decode(self, document: Document, limit: int) -> Found:
        name = self._collection.name
        told = document.part(name)
        usages = told if isinstance(told, list) else [told] if told else []
        try:
            servers = [
                {**server, "start": usage["start"], "stop": usage["stop"]}
                for usage in usages
                for server in usage["server_usages"]
            ]
            items = msgspec.json.decode(msgspec.json.encode(servers), type=list[Item])
        except (KeyError, TypeError, msgspec.DecodeError) as error:
            raise PodUnreachable(document.pod, document.service, "no usages of servers") from error
        return Found(items, bool(items) and f"{name}_links" in document.json(), None)

    async def _answer(self, call: Call, parameters: Parameters, page: MergedPage) -> Response:
        listed = await super()._answer(call, parameters, page)
        assert isinstance(listed.body, bytes)
        body = msgspec.json.decode(listed.body)
        name = self._collection.name
        servers = body.pop(name)
        # The period is the request's, so that of one server is that of all, but for the moment of asking.
        period = {each: servers[0][each] for each in ("start", "stop")} if servers else {}
        for server in servers:
            del server["start"], server["stop"]
        usages = summary(servers, period)
        detailed = next((value for key, value in parameters if key == "detailed"), "0") == "1"
        if name == "tenant_usages" and not detailed:
            for usage in usages:
                del usage["server_usages"]
        listed.body = written({**_body(call, usages), **body})
        return listed


class AuditLog:
    """The audit logs of the hosts of all pods as one; `name` is its key in the document."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        targets = [call.target(pod, deadline=deadline) for pod in pods]
        answers = await read_all(call, targets, lambda document: document.part(self._name))
        if isinstance(answers, Response):
            return answers
        call.settle_missing(answered=bool(answers))
        logs = [(document.pod.region_name, log) for document, log in answers]
        return compose(answers[0][0], {self._name: joined(logs)})


def joined(logs: list[tuple[str, JSON]]) -> JSON:
    """The audit logs of regions as one. A host name that several have is told with its region behind the first."""
    total: JSON = dict(logs[0][1])
    for name in COUNTS:
        total[name] = sum(log[name] for _, log in logs)
    total["hosts_not_run"] = [host for _, log in logs for host in log["hosts_not_run"]]
    total["log"] = {}
    for region, log in logs:
        for host, entry in log["log"].items():
            total["log"][f"{host} ({region})" if host in total["log"] else host] = entry
    done, hosts = total["num_hosts_done"], total["num_hosts"]
    part = "ALL" if done == hosts else f"{done} of {hosts}"
    total["overall_status"] = f"{part} hosts done. {total['total_errors']} errors."
    return total
