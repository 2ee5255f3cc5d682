"""Triune in front of the regions: its settings, its database, its entries in the catalog, its process, its pods."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

from lab import catalog, central_neutron, health, ports, process, settings
from lab.command import run
from lab.errors import LabError
from lab.layout import Layout
from lab.region import Region
from lab.settings import Lab
from lab.steps import Step

GATEWAY = "triune-gateway"
WORKER = "triune-worker"
NAMES = (GATEWAY, WORKER)
PORT = 19999
READY_SECONDS = 30.0
POLL_SECONDS = 0.1


def steps(lab: Lab) -> list[Step]:
    """From registered regions to one cloud."""
    ready = tuple(f"{region.name}: ready" for region in lab.regions)
    return [
        Step("Triune: settings and database", lambda: prepare(lab), ("central Neutron: database",)),
        Step(
            "Triune: catalog",
            lambda: triune(lab.layout, "catalog", "register"),
            ("Triune: settings and database", "accounts and catalog"),
        ),
        Step("Triune: gateway", lambda: start(lab.layout, GATEWAY), ("Triune: catalog",)),
        Step("Triune: worker", lambda: start(lab.layout, WORKER), ("Triune: catalog",)),
        Step("Triune: pods", lambda: register_pods(lab), ("Triune: gateway", *ready)),
    ]


def directory(layout: Layout) -> Path:
    """Where Triune keeps its settings."""
    return layout.directory / "triune"


def prepare(lab: Lab) -> None:
    """Write `triune.conf` and bring the database to the newest schema."""
    place = directory(lab.layout)
    settings.write(
        place / "triune.conf",
        {
            "keystone": {**settings.account(lab, "triune"), "www_authenticate_uri": settings.KEYSTONE_URL},
            "gateway": {"bind_host": ports.HOST, "bind_port": PORT},
            "network": {"endpoint": central_neutron.URL},
            "database": {"connection": settings.database(lab, central_neutron.DATABASE, "aiomysql")},
        },
    )
    triune(lab.layout, "db", "upgrade")


def triune(layout: Layout, *words: str) -> None:
    """Run a command of Triune to its end."""
    run(_command(layout, *words), layout.log("triune"), seconds=60)


def _command(layout: Layout, *words: str) -> list[str | Path]:
    program = Path(sys.executable).parent / "triune"
    if not program.exists() and (found := shutil.which("triune")) is not None:
        program = Path(found)
    return [program, "--config-file", directory(layout) / "triune.conf", *words]


def start(layout: Layout, name: str) -> None:
    """Start one of `NAMES`, and wait until the gateway answers."""
    process.start(layout, name, _command(layout, name.removeprefix("triune-")))
    if name == WORKER:
        return
    deadline = time.monotonic() + READY_SECONDS
    while not health.answers(PORT):
        if process.pid_of(layout, name) is None:
            raise LabError("the gateway ended while it started", layout.log(name))
        if time.monotonic() > deadline:
            raise LabError(f"the gateway does not answer after {READY_SECONDS:.0f} s", layout.log(name))
        time.sleep(POLL_SECONDS)


def register_pods(lab: Lab) -> str:
    """Register every region as a pod, each in an availability zone of its own: az1, az2, ... Others are removed."""
    session: Any = catalog.connect(lab).session
    url = f"http://{ports.HOST}:{PORT}/v1.0/pods"
    known = {pod["region_name"]: pod["pod_id"] for pod in session.get(url).json()["pods"]}
    wanted = {region.name: zone(region) for region in lab.regions}
    missing, surplus = wanted.keys() - known.keys(), known.keys() - wanted.keys()
    for name in sorted(missing):
        session.post(url, json={"pod": {"region_name": name, "az_name": wanted[name]}})
    for name in surplus:
        session.delete(f"{url}/{known[name]}")
    return f"{len(missing)} registered, {len(surplus)} removed" if missing or surplus else "all there"


def zone(region: Region) -> str:
    """The availability zone of a region."""
    return f"az{region.index}"
