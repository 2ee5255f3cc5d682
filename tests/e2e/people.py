"""Who uses the cloud: a project's user, with the clients that people really use."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openstack.connection import Connection

CENTRAL = "CentralRegion"
CLI_SECONDS = 300.0


class CommandFailed(Exception):
    """The `openstack` command ended with an error, whose text this is."""


@dataclass(frozen=True)
class Person:
    """A user of a project; `central` is what they work with, `pod` looks behind it."""

    account: dict[str, str] = field(repr=False)
    project_id: str
    _connections: dict[str, Connection] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What they log in as; begins the names of their things where others must not meet them."""
        return self.account["username"]

    @property
    def central(self) -> Any:
        """The cloud as its users see it."""
        return self.pod(CENTRAL)

    def pod(self, region: str) -> Any:
        """A region behind it, with this person's own rights there."""
        if region not in self._connections:
            self._connections[region] = Connection(auth=self.account, region_name=region)
        return self._connections[region]

    def cli(self, command: str, *words: str, region: str = CENTRAL) -> Any:
        """What the `openstack` command answers, decoded; e.g. `cli("server show", server.id)`.

        Raises `CommandFailed`.
        """
        printed = self.run(command, *words, "-f", "json", region=region)
        return json.loads(printed)

    def run(self, command: str, *words: str, region: str = CENTRAL) -> str:
        """What the `openstack` command prints, for those that answer with no table. Raises `CommandFailed`."""
        done = self._openstack([*command.split(), *words], region)
        if done.returncode:
            raise CommandFailed(done.stderr)
        return done.stdout

    def script(self, *commands: str, region: str = CENTRAL) -> str:
        """What several `openstack` commands print, given to one process, for its start is most of what one takes.

        The words of a command are quoted as for a shell. Raises `CommandFailed` where one fails.
        """
        done = self._openstack([], region, "".join(f"{command}\n" for command in commands))
        # Its exit status says nothing.
        if done.stderr:
            raise CommandFailed(done.stderr)
        return done.stdout

    def _openstack(self, words: list[str], region: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        variables = {f"OS_{name.upper()}": value for name, value in self.account.items()}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        return subprocess.run(
            [Path(sys.executable).with_name("openstack"), *words],
            env={**clean, **variables, "OS_REGION_NAME": region, "OS_IDENTITY_API_VERSION": "3"},
            capture_output=True,
            text=True,
            timeout=CLI_SECONDS,
            input=typed,
            check=False,
        )

    def ask(
        self,
        service: str,
        path: str,
        method: str = "GET",
        region: str = CENTRAL,
        version: str | None = None,
        **how: Any,
    ) -> Any:
        """One plain HTTP request with this person's token, below the service's endpoint in the catalog.

        `version` is the microversion, e.g. `compute 2.90`. Errors are answers and not exceptions.
        """
        if version is not None:
            how["headers"] = {**how.get("headers", {}), "OpenStack-API-Version": version}
        return self.pod(region).session.request(
            path,
            method,
            endpoint_filter={"service_type": service, "region_name": region, "interface": "public"},
            raise_exc=False,
            **how,
        )

    def close(self) -> None:
        """Give up all connections."""
        for connection in self._connections.values():
            connection.close()


@dataclass(frozen=True)
class Newcomers:
    """Makes people with a project of their own, and removes them again."""

    admin: Person
    prefix: str
    made: list[Person] = field(default_factory=list)

    def welcome(self, name: str) -> Person:
        """A new user, member of a new project."""
        identity = self.admin.central.identity
        full, password = f"{self.prefix}-{name}", os.urandom(12).hex()
        project = identity.create_project(name=full, domain_id="default")
        user = identity.create_user(name=full, domain_id="default", password=password, default_project_id=project.id)
        for role in identity.roles():
            if role.name in ("member", "reader"):
                identity.assign_project_role_to_user(project, user, role)
        account = {**self.admin.account, "username": full, "password": password, "project_name": full}
        person = Person(account, project.id)
        self.made.append(person)
        return person

    def farewell(self) -> None:
        """Remove them all."""
        identity = self.admin.central.identity
        for person in self.made:
            person.close()
            user = identity.find_user(person.account["username"], domain_id="default")
            identity.delete_user(user)
            identity.delete_project(person.project_id)
