"""Waiting until a service really serves."""

import time
import urllib.error
import urllib.request
from typing import Any

from lab import catalog, family, ports, process, services
from lab.errors import LabError
from lab.layout import Layout
from lab.region import Region
from lab.settings import Lab

ANSWER_SECONDS = 90.0
REGION_SECONDS = 90.0
POLL_SECONDS = 0.2

# Proxies of the machine have no business on the loopback interface.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_answer(layout: Layout, service: family.Service) -> None:
    """Wait until an API answers HTTP. Raises ``LabError`` if its process ends or the deadline passes."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while not answers(service.port):
        if process.pid_of(layout, service.name) is None:
            raise LabError(f"{service.name} ended while it started", layout.log(service.name))
        if time.monotonic() > deadline:
            raise LabError(f"{service.name} does not answer after {ANSWER_SECONDS:.0f} s", layout.log(service.name))
        time.sleep(POLL_SECONDS)


def answers(port: int | None) -> bool:
    try:
        with _direct.open(f"http://{ports.HOST}:{port}/", timeout=5):
            return True
    except urllib.error.HTTPError as answer:
        # 401 and 300 are answers of a service in good health.
        return answer.code < 500
    except OSError:
        return False


def wait_region(lab: Lab, region: Region) -> str:
    """Wait until the region's agents are up and its compute host takes servers."""
    connection = catalog.connect(lab, region=region)
    deadline = time.monotonic() + REGION_SECONDS
    while missing := _missing(connection):
        for service in services.regional(region):
            if process.pid_of(lab.layout, service.name) is None:
                raise LabError(f"{service.name} ended while it started", lab.layout.log(service.name))
        if time.monotonic() > deadline:
            raise LabError(f"{region.name} is not complete: {', '.join(missing)}", _log(lab, region, missing[0]))
        time.sleep(POLL_SECONDS * 2)
    return "compute, network, volume and backup are up"


def _log(lab: Lab, region: Region, what: str) -> Any:
    log = lab.layout.log(region.service(what))
    return log if log.exists() else None


def _missing(connection: Any) -> list[str]:
    """Names of what the region still lacks."""
    up = {service.binary for service in connection.compute.services() if service.state == "up"}
    missing = [name for name in ("nova-conductor", "nova-scheduler", "nova-compute") if name not in up]
    if not missing and not list(connection.compute.hypervisors()):
        missing.append("nova-scheduler")
    up = {service.binary for service in connection.block_storage.services() if service.state == "up"}
    missing += [name for name in ("cinder-scheduler", "cinder-volume", "cinder-backup") if name not in up]
    if not any(agent.is_alive for agent in connection.network.agents()):
        missing.append("ovn-controller")
    return missing
