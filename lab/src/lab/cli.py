"""The command ``lab``."""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import click
from rich.console import Console

from lab import central, central_neutron, demo, family, layout, process, rabbitmq, services, state, steps, up
from lab.dataplane.fabric import Fabric
from lab.dataplane.servers import exec_in_server
from lab.errors import LabError
from lab.region import NUMERALS
from lab.settings import Lab

console = Console()
errors = Console(stderr=True)

STOP_SECONDS = 12.0
PATIENCE_SECONDS = 30.0
"""How long a command waits for another one to end."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Real OpenStack regions on this machine."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces")
    # Everything the lab writes may hold a password.
    os.umask(0o077)


@contextmanager
def _alone() -> Iterator[layout.Layout]:
    """One change of the lab at a time."""
    place = layout.default()
    place.directory.mkdir(parents=True, exist_ok=True)
    with (place.directory / "lock").open("w") as lock:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _taken(lock):
            if time.monotonic() > deadline:
                raise LabError("another lab command is at work here")
            time.sleep(process.POLL_SECONDS)
        yield place


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@cli.command("up")
@click.option(
    "--regions", type=click.IntRange(1, len(NUMERALS)), help="How many regions; default: as many as before, else 2."
)
def up_command(regions: int | None) -> None:
    """Bring the lab up, from whatever state it is in."""
    began = time.monotonic()
    with _alone() as place:
        lab = up.open_lab(place, regions)
        steps.run(up.steps(lab), console)
    console.print(f"{len(lab.regions)} regions are up after {time.monotonic() - began:.0f} s", highlight=False)


@cli.command("demo")
def demo_command() -> None:
    """Bring the lab up and show, with the normal clients, what Triune makes of it."""
    with _alone() as place:
        lab = up.open_lab(place)
        if len(lab.regions) < up.DEFAULT_REGIONS:
            lab = up.open_lab(place, up.DEFAULT_REGIONS)
        steps.run(up.steps(lab), console)
    demo.run(lab, console)


@cli.command()
def down() -> None:
    """Stop every process of the lab; what it holds is kept."""
    began = time.monotonic()
    with _alone() as place:
        _stop_everything(place)
    console.print(f"the lab is down after {time.monotonic() - began:.0f} s", highlight=False)


def _stop_everything(place: layout.Layout) -> None:
    names = [str(path.relative_to(place.run))[: -len(".pid")] for path in place.run.rglob("*.pid")]
    infrastructure = [name for name in services.INFRASTRUCTURE if name in names]
    known = {family.parent_of(name) for name in services.FAMILIES} | {"keystone", central_neutron.NAME, *central.NAMES}
    own = [name for name in names if name in known or name.startswith("Region")]
    process.stop(place, own, STOP_SECONDS)
    Fabric(place.directory).down()
    process.stop(place, infrastructure, STOP_SECONDS * 3)
    rabbitmq.stop_name_server()


@cli.command()
@click.confirmation_option(prompt="Delete all state of the lab?")
def destroy() -> None:
    """Stop the lab and delete its state. The caches of packages and schemas are kept."""
    with _alone() as place:
        _stop_everything(place)
        for entry in place.directory.iterdir():
            if entry.is_dir() and entry != place.venv:
                shutil.rmtree(entry)
            elif entry.is_file():
                entry.unlink()
    console.print("the lab is gone")


@cli.command()
def status() -> None:
    """Show every process: its pid, its port and its memory. Ends with 1 if one is missing."""
    if not state.show(_open(), console):
        sys.exit(1)


def _open() -> Lab:
    place = layout.default()
    if not place.summary.exists():
        raise LabError("there is no lab here; `lab up` makes one")
    return up.open_lab(place)


@cli.command()
@click.argument("service")
@click.option("--lines", "-n", default=100, show_default=True, help="How many of the last lines.")
@click.option("--follow", "-f", is_flag=True, help="Go on as the log grows.")
def logs(service: str, lines: int, follow: bool) -> None:
    """Show the log of SERVICE, such as RegionOne/nova-api or mariadb."""
    place = layout.default()
    path = place.log(service)
    if not path.exists():
        known = sorted(str(log.relative_to(place.logs).with_suffix("")) for log in place.logs.rglob("*.log"))
        raise LabError(f"there is no log of {service}; there are {', '.join(known)}")
    os.execvp("tail", ["tail", "-n", str(lines), *(["-F"] if follow else []), str(path)])


@cli.command()
@click.argument("service")
def stop(service: str) -> None:
    """Stop one SERVICE, such as RegionTwo/nova-api or mariadb."""
    with _alone():
        lab = _open()
        if service not in (*central.NAMES, *services.INFRASTRUCTURE):
            _find(lab, service)
        patience = STOP_SECONDS * (3 if service in services.INFRASTRUCTURE else 1)
        stopped = process.stop(lab.layout, [service], patience)
    console.print(f"{service} is stopped" if stopped else f"{service} did not run")


@cli.command()
@click.argument("service")
def start(service: str) -> None:
    """Start one SERVICE and wait until it answers."""
    with _alone():
        lab = _open()
        if service in central.NAMES:
            central.start(lab.layout, service)
        elif service in services.INFRASTRUCTURE:
            up.start_infrastructure(lab, service)
        else:
            up.start_services(lab, [_find(lab, service)])
    console.print(f"{service} runs")


def _find(lab: Lab, name: str) -> family.Service:
    for service in services.openstack(lab.layout, lab.regions):
        if service.name == name:
            return service
    listed = (service.name for service in services.openstack(lab.layout, lab.regions))
    known = ", ".join([*services.INFRASTRUCTURE, *central.NAMES, *listed])
    raise LabError(f"there is no service {name}; there are {known}")


@cli.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("server")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(server: str, command: tuple[str, ...]) -> None:
    """Run a COMMAND inside a SERVER, given by name or id: lab exec vm1 -- ping -c 3 10.0.0.5"""
    sys.exit(exec_in_server(layout.default().directory, server, list(command)))


def main() -> None:
    """Run the command; failures end with a sentence and, where there is one, the telling lines of a log."""
    try:
        cli()
    except LabError as error:
        step = getattr(error, "step", None)
        sentence = f"lab: {step}: {error}" if step else f"lab: {error}"
        errors.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        if error.log and error.log.exists():
            for line in steps.relevant_lines(error.log):
                errors.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
            errors.print(f"  (from {error.log})", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
