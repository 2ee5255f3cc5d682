"""Configuration files of OpenStack services: what they have in common, and how they are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import ports
from lab.credentials import write_private
from lab.layout import Layout
from lab.region import Region

Value = str | int | bool | list[str]
Sections = dict[str, dict[str, Value]]

MEMCACHED = f"{ports.HOST}:{ports.MEMCACHED}"
KEYSTONE_URL = f"http://{ports.HOST}:{ports.KEYSTONE}/v3"


@dataclass(frozen=True)
class Lab:
    """What every part of the lab needs to know: where things are, and the passwords."""

    layout: Layout
    passwords: Mapping[str, str]
    regions: tuple[Region, ...]

    def region(self, name: str) -> Region:
        return next(region for region in self.regions if region.name == name)


def database(lab: Lab, name: str, driver: str = "pymysql") -> str:
    """The SQLAlchemy URL of a database of the lab's MariaDB."""
    socket = lab.layout.database_socket
    return f"mysql+{driver}://openstack:{lab.passwords['database']}@localhost/{name}?unix_socket={socket}"


def database_section(lab: Lab, name: str) -> dict[str, Value]:
    # A small pool per process: with many processes, idle connections are most of the database's memory.
    return {"connection": database(lab, name), "max_pool_size": 3, "max_overflow": 20, "connection_recycle_time": 600}


def transport(lab: Lab, region: Region) -> str:
    """The oslo.messaging URL of the region's virtual host."""
    return f"rabbit://openstack:{lab.passwords['rabbitmq']}@{ports.HOST}:{ports.RABBITMQ}/{region.name}"


def account(lab: Lab, user: str) -> dict[str, Value]:
    """keystoneauth's options for a service user."""
    return {
        "auth_type": "password",
        "auth_url": KEYSTONE_URL,
        "username": user,
        "password": lab.passwords[user],
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }


def token_section(lab: Lab, user: str) -> dict[str, Value]:
    return {
        **account(lab, user),
        "www_authenticate_uri": KEYSTONE_URL,
        "memcached_servers": MEMCACHED,
        "service_token_roles": "service",
        "service_token_roles_required": True,
    }


def peer(lab: Lab, user: str, region: Region) -> dict[str, Value]:
    """Options for talking to another service of the same region."""
    return {**account(lab, user), "region_name": region.name}


def quiet() -> Sections:
    """No notifications: nobody listens to them, and the queues would grow."""
    return {"oslo_messaging_notifications": {"driver": "noop"}}


def render(sections: Sections) -> str:
    """The text of an oslo.config file."""
    blocks = []
    for name, options in sections.items():
        lines = [f"{key} = {_text(value)}" for key, value in options.items()]
        blocks.append("\n".join([f"[{name}]", *lines, ""]))
    return "\n".join(blocks)


def _text(value: Value) -> str:
    if isinstance(value, list):
        return ",".join(value)
    # oslo.config substitutes names after a dollar sign.
    return str(value).replace("$", "$$")


def write(path: Path, sections: Sections) -> None:
    """Write a configuration file; it holds passwords, so only its owner can read it."""
    write_private(path, render(sections))
