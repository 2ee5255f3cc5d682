"""A fake Neutron: networks, ports, groups, policies, routers, floating IPs, tags (neutron of release 29 with ML2).

It serves as a pod's Neutron and as central Neutron. What central Neutron's mechanism driver does in its transactions a
test does with `judge` (may refuse a change) and `changed` (is told of it before the answer goes out).
"""

import copy
import json
from collections.abc import Callable, Iterable
from functools import partial

from ..service import Answer, Asked, On
from .errors import invalid
from .kinds import KINDS, QOS_RULES, SECURITY_GROUP_RULE, Kind, Record
from .port_forwardings import PortForwardings

__all__ = ["Neutron", "Record"]

_MAX_TAGS = 50


class Neutron(PortForwardings):
    """The network service of one region."""

    def routes(self) -> Iterable[On]:
        root = "/v2.0"
        yield On("GET", "/", lambda _asked: Answer(200, {"versions": [{"id": "v2.0", "status": "CURRENT"}]}))
        yield On("GET", f"{root}/extensions", self._extensions)
        yield On("PUT", f"{root}/quotas/([^/]+)", self._quotas)
        yield On("PUT", f"{root}/address-groups/([^/]+)/(add|remove)_addresses", self.change_addresses)
        yield On("PUT", f"{root}/routers/([^/]+)/(add|remove)_router_interface", self.change_interfaces)
        yield On("PUT", f"{root}/routers/([^/]+)/(add|remove)_extraroutes", self.change_routes)
        forwardings = f"{root}/floatingips/([^/]+)/port_forwardings(?:/([^/]+))?"
        yield On("POST GET PUT DELETE", forwardings, self.forwardings)
        rules = "|".join(QOS_RULES)
        yield On("POST GET PUT DELETE", f"{root}/qos/policies/([^/]+)/({rules})(?:/([^/]+))?", self.limits)
        for kind in KINDS:
            url = f"{root}/{kind.url}"
            yield On("GET", url, partial(self._on, self.listing, kind))
            yield On("POST", url, partial(self._on, self._create, kind))
            yield On("GET", f"{url}/([^/]+)", partial(self._on, self._show, kind))
            yield On("PUT", f"{url}/([^/]+)", partial(self._on, self._update, kind))
            yield On("DELETE", f"{url}/([^/]+)", partial(self._on, self._delete, kind))
            if kind.tagged and self.has("standard-attr-tag"):
                # Not below /qos for policies.
                tags = f"{root}/{kind.collection.replace('_', '-')}/([^/]+)/tags"
                yield On("PUT POST GET DELETE", tags, partial(self._on, self._tags, kind))

    def _on(self, handler: Callable[[Asked, Kind], Answer], kind: Kind, asked: Asked) -> Answer:
        return handler(asked, kind)

    def _extensions(self, _asked: Asked) -> Answer:
        return Answer(200, {"extensions": [{"alias": alias, "name": alias} for alias in self.extensions]})

    def _quotas(self, asked: Asked) -> Answer:
        wanted = json.loads(asked.body)["quota"]
        collections = {kind.member: kind.collection for kind in KINDS}
        for name, limit in wanted.items():
            self.quota.pop((asked.parameters[0], collections[name]), None)
            if limit >= 0:
                self.quota[asked.parameters[0], collections[name]] = limit
        return Answer(200, {"quota": wanted})

    def _show(self, asked: Asked, kind: Kind) -> Answer:
        record = self.find(asked.user, kind, asked.parameters[0])
        view = self.view(asked.user, kind, record)
        if fields := asked.all("fields"):
            view = {name: view[name] for name in fields if name in view}
        return Answer(200, {kind.member: view})

    def _create(self, asked: Asked, kind: Kind) -> Answer:
        wanted = self.wanted(asked, kind)
        for each in wanted:
            self.check(asked.user, kind, each, creates=True)
        if kind is SECURITY_GROUP_RULE:
            self.check_security_group_rules(wanted)
        create = getattr(self, f"create_{kind.member}")
        made: list[Record] = []
        try:
            for each in wanted:
                made.append(create(asked, copy.deepcopy(each)))
        except Exception:
            # Many come together or not at all.
            for record in made:
                del self.records[kind.collection][record["id"]]
            self._events, self.afterwards = [], []
            raise
        views = [self.view(asked.user, kind, record) for record in made]
        bulk = kind.collection in json.loads(asked.body)
        return Answer(201, {kind.collection: views} if bulk else {kind.member: views[0]})

    def _update(self, asked: Asked, kind: Kind) -> Answer:
        record = self.owned(asked.user, kind, asked.parameters[0])
        (wanted,) = self.wanted(asked, kind)
        self.check(asked.user, kind, wanted, creates=False)
        self.match(asked, record)
        before = copy.deepcopy(record)
        getattr(self, f"update_{kind.member}")(asked, record, wanted)
        self.revise(record)
        self.note(kind, before, record)
        return Answer(200, {kind.member: self.view(asked.user, kind, record)})

    def _delete(self, asked: Asked, kind: Kind) -> Answer:
        record = self.owned(asked.user, kind, asked.parameters[0])
        self.match(asked, record)
        getattr(self, f"delete_{kind.member}")(asked, record)
        del self.records[kind.collection][record["id"]]
        self.note(kind, record, None)
        return Answer(204)

    def _tags(self, asked: Asked, kind: Kind) -> Answer:
        record = self.owned(asked.user, kind, asked.parameters[0])
        if asked.method == "GET":
            return Answer(200, {"tags": record["tags"]})
        before = copy.deepcopy(record)
        given = [] if asked.method == "DELETE" else json.loads(asked.body).get("tags")
        if not isinstance(given, list):
            raise invalid("Invalid tags body")
        if len(set(given)) > _MAX_TAGS:
            raise invalid(f"The number of tags exceed the per-resource limit of {_MAX_TAGS}")
        record["tags"] = sorted({*given, *(record["tags"] if asked.method == "POST" else ())})
        self.revise(record)
        self.note(kind, before, record)
        return Answer(204) if asked.method == "DELETE" else Answer(200, {"tags": given})
