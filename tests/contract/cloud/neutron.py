"""A fake Neutron: as much of it as tells in which pod a network or a port is."""

import uuid
from collections.abc import Iterable

from .keystone import Keystone
from .pod_service import PodService, Record
from .service import Answer, Asked, On


class Neutron(PodService):
    """The network service of one pod."""

    def __init__(self, keystone: Keystone) -> None:
        super().__init__(keystone)
        self.networks: dict[str, Record] = {}
        self.ports: dict[str, Record] = {}

    def add_network(self, project_id: str) -> Record:
        """A network that is there already."""
        record = {"id": str(uuid.uuid4()), "name": "net", "project_id": project_id, "tenant_id": project_id}
        self.networks[record["id"]] = record
        return record

    def add_port(self, project_id: str) -> Record:
        """A port that is there already."""
        record = {"id": str(uuid.uuid4()), "name": "port", "project_id": project_id, "tenant_id": project_id}
        self.ports[record["id"]] = record
        return record

    def routes(self) -> Iterable[On]:
        return (
            On("GET", "/", lambda _asked: Answer(200, {"versions": [{"id": "v2.0", "status": "CURRENT"}]})),
            On("GET", "/v2.0/(network|port)s/([^/]+)", self._show),
        )

    def before(self, asked: Asked) -> None:
        if asked.path != "/":
            self.authenticate(asked)

    def _show(self, asked: Asked) -> Answer:
        kind, id_ = asked.parameters
        record = {"network": self.networks, "port": self.ports}[kind].get(id_)
        if record is None or record["project_id"] != asked.user.project_id:
            name = kind.capitalize()
            message = f"{name} {id_} could not be found."
            return Answer(404, {"NeutronError": {"type": f"{name}NotFound", "message": message, "detail": ""}})
        return Answer(200, {kind: record})
