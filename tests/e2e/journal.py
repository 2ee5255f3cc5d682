"""The journal, read in the database: which keys a change has touched. Triune's worker rests meanwhile."""

import configparser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from triune.network import names

from .lab import Lab
from .people import Person

Key = tuple[str, str, str]

# The kinds that central Neutron writes.
KINDS = (
    names.ADDRESS_GROUP,
    names.BRIDGE,
    names.FLOATING_IP,
    names.NETWORK,
    names.PORT,
    names.QOS_POLICY,
    names.REMOTE_GROUP,
    names.ROUTER,
    names.SECURITY_GROUP,
    names.SECURITY_GROUP_RULES,
    names.SERVER,
)


def service_user(lab: Lab) -> Person:
    """Triune's own user, who alone may say where a port is."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(lab.directory / "triune" / "triune.conf")
    names = ("auth_url", "username", "password", "project_name")
    account = {name: settings["keystone"][name] for name in names}
    return Person({**account, "user_domain_name": "Default", "project_domain_name": "Default"}, "")


@dataclass
class Journal:
    """Tells which keys of a project were touched, by names that a test gives to ids."""

    lab: Lab
    project_id: str
    # What the last change returned.
    made: Any = None
    _names: dict[str, str] = field(default_factory=dict)

    def name(self, identifier: str, name: str) -> None:
        """Call an id by a name in what is told."""
        self._names[identifier] = name

    def touched(self, change: Callable[..., Any], *words: Any, **attributes: Any) -> set[Key]:
        """The keys (kind, resource, pod) that a change has touched, whether or not it was refused."""
        before = self._generations()
        self.made = change(*words, **attributes)
        after = self._generations()
        return {
            (kind, self._names.get(resource, resource), self._names.get(pod, pod))
            for (kind, resource, pod), generation in after.items()
            if generation != before.get((kind, resource, pod))
        }

    def row(self, kind: str, resource_id: str) -> dict[str, str]:
        """Project and request of a key."""
        query = f"SELECT project_id, request_id FROM journal WHERE kind='{kind}' AND resource_id='{resource_id}'"
        ((project_id, request_id),) = self.lab.query(query)
        return {"project_id": project_id, "request_id": request_id}

    def placements(self) -> dict[str, str]:
        """The pod of each placed port."""
        return {
            self._names.get(port, port): self._names.get(pod, pod)
            for port, pod in self.lab.query("SELECT port_id, pod_id FROM placements")
        }

    def _generations(self) -> dict[Key, str]:
        # What an administrator tags or shares is nobody's.
        owner = f"project_id IS NULL OR project_id = '{self.project_id}'"
        rows = self.lab.query(f"SELECT kind, resource_id, pod_id, generation FROM journal WHERE {owner}")
        return {(row[0], row[1], row[2]): row[3] for row in rows if row[0] in KINDS}


@dataclass
class Placer:
    """Places ports as the gateway and the worker do: with a profile, through central Neutron's API."""

    user: Person
    pods: dict[str, str]

    def put(self, port_id: str, **attributes: Any) -> Any:
        """Change a port; the answer, which may be an error."""
        return self.user.ask("network", f"/v2.0/ports/{port_id}", "PUT", json={"port": attributes})

    def place(self, port_id: str, pod: str, status: str = "DOWN", **attributes: Any) -> Any:
        """Put a port into a pod, or into another one."""
        profile = {"triune": {"pod": self.pods.get(pod, pod), "keep": False, "status": status}}
        return self.put(port_id, **{"binding:profile": profile, **attributes})

    def release(self, port_id: str) -> Any:
        """Take a port out of its pod."""
        free = {"device_id": "", "device_owner": "", "binding:host_id": "", "binding:profile": {}}
        return self.put(port_id, **free)


@contextmanager
def placed(placer: Placer, port_id: str, pod: str) -> Iterator[None]:
    """A port in a pod for a while."""
    answer = placer.place(port_id, pod)
    assert answer.status_code == 200, answer.text
    try:
        yield
    finally:
        placer.release(port_id)
