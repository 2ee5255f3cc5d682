"""What the fake Nova tells of itself, of consoles, and of bare metal.

Sources: nova/api/openstack/compute/extension_info.py, versionsV21.py, console_auth_tokens.py and baremetal_nodes.py.
"""

import json
from collections.abc import Iterable

from ..pod_service import Record
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase


class About(NovaBase):
    """Extensions, versions, tokens of consoles, nodes of Ironic."""

    def about_routes(self) -> Iterable[On]:
        """Their part of the table."""
        nodes = f"{ROOT}/os-baremetal-nodes"
        return (
            On("GET", f"{ROOT}/extensions", self._list_extensions),
            On("GET", f"{ROOT}/extensions/([^/]+)", self._show_extension),
            On("GET", f"{ROOT}/versions/([^/]+)", self._show_version),
            On("GET", f"{ROOT}/os-console-auth-tokens/([^/]+)", self._show_console),
            On("GET", nodes, self._list_nodes),
            On("GET", f"{nodes}/([^/]+)", self._show_node),
            On("POST", nodes, self._use_ironic),
            On("DELETE", f"{nodes}/[^/]+", self._use_ironic),
            On("POST", f"{nodes}/[^/]+/action", self._use_ironic),
        )

    def _extension(self, alias: str) -> Record:
        return {
            "alias": alias, "name": alias.title(), "description": "", "links": [], "updated": "2014-12-03T00:00:00Z",
            "namespace": "http://docs.openstack.org/compute/ext/fake_xml",
        }  # fmt: skip

    def _list_extensions(self, _asked: Asked) -> Answer:
        return Answer(200, {"extensions": [self._extension(alias) for alias in self.extensions]})

    def _show_extension(self, asked: Asked) -> Answer:
        if asked.parameters[0] not in self.extensions:
            raise fault(404, "The resource could not be found.")
        return Answer(200, {"extension": self._extension(asked.parameters[0])})

    def _show_version(self, asked: Asked) -> Answer:
        known = {
            "v2.0": ("DEPRECATED", "", "", f"{self.root}/v2/"),
            "v2.1": ("CURRENT", self.highest, self.lowest, f"{self.root}/v2.1/"),
        }
        id_ = "v2.0" if asked.headers["api"] == "v2" else asked.parameters[0]
        if id_ not in known:
            raise fault(404, "The resource could not be found.")
        status, highest, lowest, href = known[id_]
        return Answer(
            200,
            {
                "version": {
                    "id": id_, "status": status, "version": highest, "min_version": lowest,
                    "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": href}], "media-types": [],
                }
            },
        )  # fmt: skip

    def _show_console(self, asked: Asked) -> Answer:
        if not self._at_least(asked, "2.31"):
            raise fault(400, "The server could not comply with the request since it is either malformed or otherwise "
                        "incorrect.")  # fmt: skip
        self._administrators(asked, "os_compute_api:os-console-auth-tokens")
        if asked.parameters[0] not in self.consoles:
            raise fault(404, "Token not found")
        return Answer(200, {"console": self.consoles[asked.parameters[0]]})

    def _ironic(self, asked: Asked, rule: str) -> dict[str, Record]:
        if self._at_least(asked, "2.36"):
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
        self._administrators(asked, f"os_compute_api:os-baremetal-nodes:{rule}")
        if self.nodes is None:
            # ServiceUnavailable is none of the errors that the method expects.
            raise fault(500, "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/")
        return self.nodes

    def _list_nodes(self, asked: Asked) -> Answer:
        return Answer(200, {"nodes": list(self._ironic(asked, "list").values())})

    def _show_node(self, asked: Asked) -> Answer:
        node = self._ironic(asked, "show").get(asked.parameters[0])
        if node is None:
            raise fault(404, f"Node {asked.parameters[0]} could not be found.")
        return Answer(200, {"node": {**node, "instance_uuid": None}})

    def _use_ironic(self, asked: Asked) -> Answer:
        if self._at_least(asked, "2.36"):
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
        action = next(iter(json.loads(asked.body))) if asked.path.endswith("/action") else asked.method
        command = {
            "POST": "node-create", "DELETE": "node-delete", "add_interface": "port-create",
            "remove_interface": "port-delete",
        }[action]  # fmt: skip
        raise fault(400, f"Command not supported. Please use Ironic command {command} to perform this action.")
