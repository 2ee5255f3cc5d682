"""Files for those who use the lab: ``openrc``, ``clouds.yaml`` and ``lab.json``."""

import json
import shlex
from typing import Any

from lab import services, settings
from lab.credentials import write_private
from lab.layout import PROJECT
from lab.settings import Lab

CENTRAL_REGION = "CentralRegion"

# Name of the file or cloud, user, project.
IDENTITIES = {"": ("demo", "demo"), "-admin": ("admin", "admin"), "-demo2": ("demo2", "demo2")}


def write(lab: Lab) -> None:
    directory = lab.layout.directory
    for suffix, (user, project) in IDENTITIES.items():
        write_private(directory / f"openrc{suffix}", _openrc(lab, user, project))
    write_private(directory / "clouds.yaml", json.dumps({"clouds": _clouds(lab)}, indent=2) + "\n")
    write_private(lab.layout.summary, json.dumps(summary(lab), indent=2) + "\n")


def variables(lab: Lab, user: str, project: str) -> dict[str, str]:
    """The environment that makes the `openstack` command a user's."""
    return {
        "OS_AUTH_URL": settings.KEYSTONE_URL,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": user,
        "OS_PASSWORD": lab.passwords[user],
        "OS_PROJECT_NAME": project,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": CENTRAL_REGION,
    }


def _openrc(lab: Lab, user: str, project: str) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(lab, user, project).items()]
    programs = shlex.quote(str(PROJECT / ".venv" / "bin"))
    lines += ["unset OS_CLOUD", f'case ":$PATH:" in *:{programs}:*) ;; *) export PATH={programs}:"$PATH" ;; esac']
    return "\n".join(lines) + "\n"


def _clouds(lab: Lab) -> dict[str, Any]:
    """``triune`` and its kin for the central region, and the same for each region by its lower-case name."""
    clouds = {}
    places = {"triune": CENTRAL_REGION, **{region.name.lower(): region.name for region in lab.regions}}
    for place, region in places.items():
        for suffix, (user, project) in IDENTITIES.items():
            clouds[place + suffix] = {
                "auth": {
                    "auth_url": settings.KEYSTONE_URL,
                    "username": user,
                    "password": lab.passwords[user],
                    "project_name": project,
                    "user_domain_name": "Default",
                    "project_domain_name": "Default",
                },
                "identity_api_version": 3,
                "region_name": region,
            }
    return clouds


def summary(lab: Lab) -> dict[str, Any]:
    """What programs want to know about the running lab; it holds no password."""
    layout = lab.layout
    return {
        "directory": str(layout.directory),
        "keystone": {"url": settings.KEYSTONE_URL, "log": str(layout.log("keystone"))},
        "credentials_file": str(layout.credentials),
        "clouds_file": str(layout.directory / "clouds.yaml"),
        "memcached": settings.MEMCACHED,
        "pid_directory": str(layout.run),
        "log_directory": str(layout.logs),
        "regions": [
            {
                "name": region.name,
                "index": region.index,
                "namespace": region.host,
                "host": region.host,
                "directory": str(region.directory),
                "endpoints": {
                    "compute": region.url("nova") + "/v2.1",
                    "image": region.url("glance"),
                    "network": region.url("neutron"),
                    "placement": region.url("placement"),
                    "block-storage": region.url("cinder") + "/v3",
                },
                "services": {
                    service.name: {
                        "port": service.port,
                        "pid_file": str(layout.pid_file(service.name)),
                        "log": str(layout.log(service.name)),
                    }
                    for service in services.regional(region)
                },
            }
            for region in lab.regions
        ],
    }
