"""Where a demonstration happens: commands are run as their users would, before all eyes."""

import json
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
from lab.errors import LabError
from lab.settings import Lab

COMMAND_SECONDS = 300.0
"""What one command may take; the slowest wait for a server."""

HEARTBEAT_SECONDS = 15.0
"""Where there is no terminal to animate, a line at least this often says that a command is still at work."""

WIDTH = 140
"""Characters of the widest table where there is no terminal."""

SETTLE_SECONDS = 60.0
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Settled:
    """What an `openstack` command prints, to the user demo, once all is done that goes on behind an answer."""

    command: str
    prints: str
    region: str = outputs.CENTRAL_REGION


@dataclass(frozen=True)
class Act:
    """One thing that is done: a sentence about it, and the words of its `openstack` command.

    `who` is the user that does it, `region` where. `there` is a command that prints something when this was done before
    and need not be repeated.
    """

    sentence: str
    command: str
    who: str = "demo"
    there: str = ""
    settled: Settled | None = None
    region: str = outputs.CENTRAL_REGION


@dataclass(frozen=True)
class Ping:
    """One server asks another for an answer, by its address in a network."""

    sentence: str
    source: str
    target: str
    network: str


class Stage:
    """Runs commands where the audience can see them."""

    def __init__(self, lab: Lab, console: Console) -> None:
        self.console = console
        self._lab = lab
        self._users = {user: (user, project) for user, project in outputs.IDENTITIES.values()}

    def perform(self, act: Act | Ping) -> None:
        """Say what is done, do it, and show what came of it. Raises `LabError` when the command fails."""
        self.console.print(f"\n[bold]{escape(act.sentence)}[/]", highlight=False, soft_wrap=True)
        if isinstance(act, Ping):
            self._ping(act)
            return
        if act.there and self._openstack(act.there, act.who, act.region).stdout.strip():
            self.console.print("[dim]It is there already.[/]")
            return
        self.show(act.command, act.who, act.region)
        if act.settled is not None:
            wait(act.command, lambda settled=act.settled: self._is(settled))

    def show(self, command: str, who: str = "demo", region: str = outputs.CENTRAL_REGION) -> None:
        """Run an `openstack` command before all eyes. Raises `LabError` when it fails."""
        place = "" if region == outputs.CENTRAL_REGION else f"OS_REGION_NAME={region} "
        self._prompt(f"{place}openstack {command}", who)
        self._tell(f"openstack {command}", self._openstack(command, who, region))

    def _is(self, settled: Settled) -> bool:
        return self.answer(settled.command, settled.region).strip() == settled.prints

    def answer(self, command: str, region: str = outputs.CENTRAL_REGION) -> str:
        """What an `openstack` command prints, without showing it. Raises `LabError` when it fails."""
        done = self._openstack(command, "demo", region)
        if done.returncode:
            raise self._failure(f"openstack {command}", done)
        return done.stdout

    def _ping(self, ping: Ping) -> None:
        addresses = json.loads(self.answer(f"server show {ping.target} -f json -c addresses"))["addresses"]
        # Three answers end it; the first may wait for what is still being wired.
        words = ["exec", ping.source, "--", "ping", "-c", "3", "-w", "30", addresses[ping.network][0]]
        command = shlex.join(["lab", *words])
        self._prompt(command, "demo")
        self._tell(command, self._done(command, [str(Path(sys.executable).with_name("lab")), *words], dict(os.environ)))

    def _prompt(self, command: str, who: str) -> None:
        prompt = "$" if who == "demo" else f"({who}) $"
        self.console.print(f"[cyan]{prompt} {escape(command)}[/]", highlight=False, soft_wrap=True)

    def _tell(self, command: str, done: "subprocess.CompletedProcess[str]") -> None:
        self.console.print(done.stdout.rstrip() or "(no output)", markup=False, highlight=False, soft_wrap=True)
        if done.returncode:
            raise self._failure(command, done)

    def _failure(self, command: str, done: "subprocess.CompletedProcess[str]") -> LabError:
        words = done.stderr.strip() or f"exit status {done.returncode}"
        return LabError(f"{command}\n{words}", self._lab.layout.log(central.GATEWAY))

    def _openstack(self, command: str, who: str, region: str) -> "subprocess.CompletedProcess[str]":
        program = Path(sys.executable).with_name("openstack")
        environment = {**self._environment(who), "OS_REGION_NAME": region}
        return self._done(f"openstack {command}", [str(program), *shlex.split(command)], environment)

    def _done(self, command: str, words: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        began = time.monotonic()
        with self.console.status(f"{escape(' '.join(command.split()[:4]))} ..."):
            while True:
                try:
                    output, errors = process.communicate(timeout=HEARTBEAT_SECONDS)
                    return subprocess.CompletedProcess(words, process.returncode, output, errors)
                except subprocess.TimeoutExpired:
                    if time.monotonic() - began > COMMAND_SECONDS:
                        process.kill()
                        process.communicate()
                        log = self._lab.layout.log(central.GATEWAY)
                        raise LabError(f"{command}: no end after {COMMAND_SECONDS:.0f} s", log) from None
                    if not self.console.is_terminal:
                        self.console.print(f"        ... {time.monotonic() - began:.0f} s", highlight=False)

    def _environment(self, who: str) -> dict[str, str]:
        user, project = self._users[who]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        # Tables that are wider than the terminal would be torn.
        width = self.console.width if self.console.is_terminal else WIDTH
        fit = {"CLIFF_FIT_WIDTH": "1", "COLUMNS": str(width)}
        return {**clean, **fit, **outputs.variables(self._lab, user, project)}


def wait(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so. Raises `LabError` naming `what` after `SETTLE_SECONDS`."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise LabError(f"openstack {what}: not done after {SETTLE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
