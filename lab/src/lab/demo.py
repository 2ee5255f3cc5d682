"""The demonstration: one cloud over several regions, used with nothing but the `openstack` command."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from lab import central, outputs
from lab.credentials import write_private
from lab.errors import LabError
from lab.layout import Layout
from lab.settings import Lab

COMMAND_SECONDS = 300.0
"""What one `openstack` command may take; the slowest wait for a server."""

HEARTBEAT_SECONDS = 15.0
"""Where there is no terminal to animate, a line at least this often says that a command is still at work."""

WIDTH = 140
"""Characters of the widest table where there is no terminal."""

SETTLE_SECONDS = 60.0
POLL_SECONDS = 1.0

IMAGE_BYTES = 1024 * 1024

SERVERS = ("demo1", "demo2")
VOLUMES = ("data1", "data2")


@dataclass(frozen=True)
class Act:
    """One thing that is done: a sentence about it, and the words of its `openstack` command.

    `who` is the user that does it. `there` is a command that prints something when this was done before and need not
    be repeated. `settled` is a command, and what it prints once all is done, for what goes on behind an answer.
    """

    sentence: str
    command: str
    who: str = "demo"
    there: str = ""
    settled: tuple[str, str] = ("", "")


def acts(layout: Layout) -> list[Act]:
    """The demonstration, in order."""
    image, key = layout.directory / "demo-image.raw", layout.directory / "demo-key.pem"
    return [
        Act(
            "An administrator uploads an image once; Triune stores it in every region under one id.",
            f"image create --public --disk-format raw --file {image} demo-image -c id -c name -c status -c size",
            who="admin",
            there="image list --name demo-image --status active -f value -c ID",
        ),
        Act(
            "A flavor is made once, too, and is the same in every region.",
            "flavor create --ram 64 --vcpus 1 --disk 1 demo.small -c id -c name -c ram -c vcpus",
            who="admin",
            there="flavor show demo.small -f value -c id",
        ),
        Act(
            "And a larger one.",
            "flavor create --ram 128 --vcpus 1 --disk 1 demo.large -c id -c name -c ram -c vcpus",
            who="admin",
            there="flavor show demo.large -f value -c id",
        ),
        Act("A tenant sees one region with several availability zones.", "availability zone list --compute"),
        Act(
            "A key pair is good for all of them.",
            f"keypair create --private-key {key} demo-key",
            there="keypair show demo-key -f value -c id",
        ),
        Act(
            "A server in az1, which is RegionOne.",
            "server create --image demo-image --flavor demo.small --key-name demo-key --no-network "
            "--availability-zone az1 --wait demo1 -c id -c name -c status -c OS-EXT-AZ:availability_zone",
        ),
        Act(
            "A server in az2, which is RegionTwo.",
            "server create --image demo-image --flavor demo.small --key-name demo-key --no-network "
            "--availability-zone az2 --wait demo2 -c id -c name -c status -c OS-EXT-AZ:availability_zone",
        ),
        Act(
            "A volume in az1.",
            "volume create --size 1 --availability-zone az1 data1 -c id -c name -c size -c availability_zone",
            settled=("volume show data1 -f value -c status", "available"),
        ),
        Act(
            "A volume in az2.",
            "volume create --size 1 --availability-zone az2 data2 -c id -c name -c size -c availability_zone",
            settled=("volume show data2 -f value -c status", "available"),
        ),
        Act(
            "Attach the first volume to the first server.",
            "server add volume demo1 data1",
            settled=("volume show data1 -f value -c status", "in-use"),
        ),
        Act(
            "Attach the second volume to the second server.",
            "server add volume demo2 data2",
            settled=("volume show data2 -f value -c status", "in-use"),
        ),
        Act(
            "All servers in one list, whichever region they are in.",
            "server list --long -c ID -c Name -c Status -c Flavor -c 'Availability Zone'",
        ),
        Act("All volumes.", "volume list --long"),
        Act("All images.", "image list"),
        Act("All flavors.", "flavor list"),
        Act("What the first server said when it started.", "console log show --lines 12 demo1"),
        Act("Resize the first server.", "server resize --flavor demo.large --wait demo1"),
        Act(
            "Say that the new size is right.",
            "server resize confirm demo1",
            settled=("server show demo1 -f value -c status", "ACTIVE"),
        ),
        Act(
            "See that it has it.",
            "server show demo1 -c name -c status -c flavor -c OS-EXT-AZ:availability_zone -c volumes_attached",
        ),
        Act("Delete the second server.", "server delete --wait demo2"),
        Act("What is left.", "server list"),
    ]


def run(lab: Lab, console: Console) -> None:
    """Perform the demonstration in a lab that is up. Raises `LabError` at the first command that fails."""
    stage = Stage(lab, console)
    began = time.monotonic()
    _write_image(lab.layout.directory / "demo-image.raw")
    _clear_away(stage)
    for act in acts(lab.layout):
        stage.perform(act)
    console.print(f"\n[bold green]One cloud over {len(lab.regions)} regions[/], {time.monotonic() - began:.0f} s.")
    console.print(_farewell(lab), markup=False, highlight=False, soft_wrap=True)


class Stage:
    """Runs `openstack` commands where the audience can see them."""

    def __init__(self, lab: Lab, console: Console) -> None:
        self.console = console
        self._lab = lab
        self._users = {user: (user, project) for user, project in outputs.IDENTITIES.values()}

    def perform(self, act: Act) -> None:
        """Say what is done, do it, and show what came of it. Raises `LabError` when the command fails."""
        self.console.print(f"\n[bold]{escape(act.sentence)}[/]", highlight=False, soft_wrap=True)
        if act.there and self._done(act.there, act.who).stdout.strip():
            self.console.print("[dim]It is there already.[/]")
            return
        self.show(act.command, act.who)
        command, wanted = act.settled
        if command:
            _wait(act.command, lambda: self.answer(command, act.who).strip() == wanted)

    def show(self, command: str, who: str = "demo") -> None:
        """Run a command before all eyes. Raises `LabError` when it fails."""
        prompt = "$" if who == "demo" else f"({who}) $"
        self.console.print(f"[cyan]{prompt} openstack {escape(command)}[/]", highlight=False, soft_wrap=True)
        done = self._done(command, who)
        self.console.print(done.stdout.rstrip() or "(done)", markup=False, highlight=False, soft_wrap=True)
        if done.returncode:
            raise self._failure(command, done)

    def answer(self, command: str, who: str = "demo") -> str:
        """What a command prints, without showing it. Raises `LabError` when it fails."""
        done = self._done(command, who)
        if done.returncode:
            raise self._failure(command, done)
        return done.stdout

    def _failure(self, command: str, done: "subprocess.CompletedProcess[str]") -> LabError:
        words = done.stderr.strip() or f"exit status {done.returncode}"
        return LabError(f"openstack {command}\n{words}", self._lab.layout.log(central.GATEWAY))

    def _done(self, command: str, who: str) -> "subprocess.CompletedProcess[str]":
        program = Path(sys.executable).with_name("openstack")
        words = [str(program), *shlex.split(command)]
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(who),
        )
        began = time.monotonic()
        with self.console.status(f"openstack {escape(' '.join(command.split()[:3]))} ..."):
            while True:
                try:
                    output, errors = process.communicate(timeout=HEARTBEAT_SECONDS)
                    return subprocess.CompletedProcess(words, process.returncode, output, errors)
                except subprocess.TimeoutExpired:
                    if time.monotonic() - began > COMMAND_SECONDS:
                        process.kill()
                        process.communicate()
                        raise LabError(
                            f"openstack {command}: no end after {COMMAND_SECONDS:.0f} s",
                            self._lab.layout.log(central.GATEWAY),
                        ) from None
                    if not self.console.is_terminal:
                        self.console.print(f"        ... {time.monotonic() - began:.0f} s", highlight=False)

    def _environment(self, who: str) -> dict[str, str]:
        user, project = self._users[who]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        # Tables that are wider than the terminal would be torn.
        width = self.console.width if self.console.is_terminal else WIDTH
        fit = {"CLIFF_FIT_WIDTH": "1", "COLUMNS": str(width)}
        return {**clean, **fit, **outputs.variables(self._lab, user, project)}


def _clear_away(stage: Stage) -> None:
    """Remove the servers and volumes that an earlier demonstration left; its image and flavors can be used again."""
    for kind, names in (("server", SERVERS), ("volume", VOLUMES)):
        left = _left(stage, kind, names)
        if not left:
            continue
        stage.console.print(f"\n[bold]Remove the {kind}s of an earlier demonstration.[/]", highlight=False)
        if kind == "volume":
            # A server that was deleted lets go of its volumes a moment later.
            _wait("volume delete", lambda left=left: _are_free(stage, left))
        stage.show(f"{kind} delete {'--wait ' if kind == 'server' else ''}{' '.join(left)}")
        _wait(f"{kind} delete", lambda kind=kind, names=names: not _left(stage, kind, names))


def _left(stage: Stage, kind: str, names: tuple[str, ...]) -> list[str]:
    """The ids of resources of these names."""
    lines = stage.answer(f"{kind} list -f value -c ID -c Name").splitlines()
    pairs = [line.partition(" ") for line in lines]
    return [identifier for identifier, _, name in pairs if name in names]


def _are_free(stage: Stage, volumes: list[str]) -> bool:
    """Whether no server uses the volumes."""
    states = dict(line.split() for line in stage.answer("volume list -f value -c ID -c Status").splitlines())
    return all(states.get(volume) not in ("in-use", "detaching") for volume in volumes)


def _wait(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so. Raises `LabError` naming `what` after `SETTLE_SECONDS`."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise LabError(f"openstack {what}: not done after {SETTLE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _write_image(path: Path) -> None:
    """The bytes of an image. Servers of the lab share this machine's kernel and start nothing from it."""
    if not path.exists():
        write_private(path, "Triune demonstration image\n".ljust(IMAGE_BYTES, "\0"))


def _farewell(lab: Lab) -> str:
    openrc = lab.layout.directory / "openrc"
    if openrc.is_relative_to(Path.cwd()):
        openrc = openrc.relative_to(Path.cwd())
    return f"""
The cloud goes on running. To use it yourself:

    source {openrc}
    openstack server list
    openstack server create --image demo-image --flavor demo.small --no-network --availability-zone az2 --wait mine
    openstack server show mine

Run a command inside a server; look behind Triune, at one region alone; become the administrator:

    lab exec demo1 -- ip address
    OS_REGION_NAME=RegionOne openstack server list
    source {openrc}-admin

`lab status` shows what runs here, `make down` stops all of it, and `make demo` brings it back.
"""
