"""Packets: what reaches whom, seen from inside the servers.

A server is the network namespace `vm-<id>`; commands run in it directly, for `lab exec` takes a second to start.
Whoever is no server of the cloud is a `Host`, and can do what a server can.
"""

import ipaddress
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .waiting import wait_until

STREAM = Path(__file__).with_name("stream.py")
STREAM_PORT = 5001
SEEN_PORT = 5002
STREAM_SECONDS = 120.0
# A first packet may wait for flows that OVN is still installing, and for ARP.
REACH_SECONDS = 15.0
# So many echo requests in a row, without an answer, make somebody be cut off.
SILENT_TRIES = 4


@dataclass(frozen=True)
class Host:
    """Somebody on the physical network, in a network namespace of this name."""

    name: str


def namespace(server: Any) -> str:
    """The network namespace that is a server, or a host."""
    return server.name if isinstance(server, Host) else f"vm-{server.id}"


def command(server: Any, *words: str) -> list[str]:
    """The command line that runs `words` inside a server."""
    return ["ip", "netns", "exec", namespace(server), *words]


def inside(server: Any, *words: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a command inside a server and return how it ended."""
    return subprocess.run(
        command(server, *words),
        capture_output=True,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def ping(server: Any, address: str, *options: str) -> bool:
    """Whether one echo request is answered within a second."""
    return inside(server, "ping", "-n", "-c", "1", "-W", "1", *options, address).returncode == 0


def reaches(server: Any, address: str, *options: str, seconds: float = REACH_SECONDS) -> None:
    """Wait until a server is answered. Raises `TimeoutError`."""
    wait_until(f"{server.name} pings {address}", lambda: ping(server, address, *options), seconds, interval=0.2)


def silent(server: Any, address: str) -> bool:
    """Whether none of some echo requests in a row is answered."""
    words = ("ping", "-n", "-c", str(SILENT_TRIES), "-i", "0.3", "-W", "1", address)
    return inside(server, *words).returncode != 0


def falls_silent(server: Any, address: str, seconds: float) -> None:
    """Wait until a server is answered no more. One lost answer is no proof: many in a row are.

    Raises `TimeoutError` when it is still answered after `seconds`.
    """
    gone = lambda: not ping(server, address) and silent(server, address)  # noqa: E731
    wait_until(f"{server.name} pings {address} no more", gone, seconds, interval=0.1)


def knocks(server: Any, address: str, port: int) -> bool:
    """Whether a TCP connection opens within a second; somebody must listen there (`listening`)."""
    return seen_from(server, address, port) is not None


def seen_from(server: Any, address: str, port: int) -> str | None:
    """The address under which a server is seen by whom it reaches over TCP (`listening`); None where it does not."""
    done = inside(server, sys.executable, str(STREAM), "knock", address, str(port))
    return done.stdout.strip() if done.returncode == 0 else None


def seen_as(server: Any, other: Any, address: str, seconds: float = REACH_SECONDS) -> str:
    """The address under which `other`, who has `address`, sees a server. Raises `TimeoutError` if it is not reached."""
    with listening(other, SEEN_PORT):
        what = f"{server.name} reaches {other.name} at {address}"
        return wait_until(what, lambda: seen_from(server, address, SEEN_PORT), seconds, interval=0.3) or ""


def becomes(server: Any, other: Any, address: str, expected: str, seconds: float = REACH_SECONDS) -> None:
    """Wait until `other`, who has `address`, sees a server under an expected address. Raises `TimeoutError`.

    For what is changed shortly before: until the regions have followed, they do as before.
    """
    seen: list[str | None] = [None]

    def look() -> bool:
        seen[0] = seen_from(server, address, SEEN_PORT)
        return seen[0] == expected

    with listening(other, SEEN_PORT):
        try:
            wait_until(f"{server.name} is seen as {expected} at {address}", look, seconds, interval=0.3)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it is seen as {seen[0]}") from None


@contextmanager
def listening(server: Any, port: int) -> Iterator[None]:
    """A TCP port of a server that accepts connections."""
    process = subprocess.Popen(command(server, sys.executable, str(STREAM), "listen", str(port)))
    try:
        wait_until(f"{server.name} listens", lambda: inside(server, "ss", "-Hltn", f"sport = :{port}").stdout)
        yield
    finally:
        process.kill()
        process.wait(timeout=10)


def transfer(sender: Any, receiver: Any, address: str, size: int) -> float:
    """Send `size` random bytes over TCP and compare their digests at both ends; the seconds that it took."""
    receive = command(receiver, sys.executable, str(STREAM), "receive", str(STREAM_PORT))
    with subprocess.Popen(receive, stdout=subprocess.PIPE, text=True) as listener:
        try:
            look = lambda: inside(receiver, "ss", "-Hltn", f"sport = :{STREAM_PORT}").stdout  # noqa: E731
            wait_until(f"{receiver.name} listens", look)
            began = time.monotonic()
            words = ("send", address, str(STREAM_PORT), str(size))
            sent = inside(sender, sys.executable, str(STREAM), *words, seconds=STREAM_SECONDS)
            assert sent.returncode == 0, sent.stderr
            received, _ = listener.communicate(timeout=STREAM_SECONDS)
        finally:
            listener.kill()
    assert json.loads(received) == json.loads(sent.stdout)
    assert json.loads(received)["bytes"] == size
    return time.monotonic() - began


def addresses(server: Any, device: str = "eth0") -> dict[str, int]:
    """The global addresses of an interface, with their prefix lengths."""
    shown = inside(server, "ip", "-json", "address", "show", "dev", device, "scope", "global").stdout
    found = [each for link in json.loads(shown or "[]") for each in link.get("addr_info", ())]
    return {str(ipaddress.ip_address(each["local"])): each["prefixlen"] for each in found if "local" in each}


def has_addresses(server: Any, wanted: set[str], device: str = "eth0") -> None:
    """Wait until an interface has got exactly these addresses. Raises `TimeoutError`."""
    wanted = {str(ipaddress.ip_address(address)) for address in wanted}
    wait_until(
        f"{sorted(wanted)} on {device} of {server.name}",
        lambda: addresses(server, device).keys() == wanted,
        seconds=30,
        interval=0.3,
    )


def link(server: Any, device: str = "eth0") -> dict[str, Any]:
    """What `ip link` tells of an interface, e.g. its `address` (MAC) and `mtu`."""
    (shown,) = json.loads(inside(server, "ip", "-json", "link", "show", "dev", device).stdout)
    found: dict[str, Any] = shown
    return found


def devices(server: Any) -> dict[str, str]:
    """The interfaces of a server, by their MAC."""
    shown = json.loads(inside(server, "ip", "-json", "link", "show").stdout)
    return {each["address"]: each["ifname"] for each in shown if each["ifname"] != "lo"}


def offer(server: Any, device: str = "eth0") -> dict[str, str]:
    """What a DHCP server offers now, asked by a client of our own that changes nothing: udhcpc's variables."""
    script = "#!/bin/sh\n[ $1 = bound ] && env\nexit 0\n"
    path = Path("/tmp") / f"offer-{server.id}"
    path.write_text(script)
    path.chmod(0o755)
    try:
        words = ("busybox", "udhcpc", "-n", "-q", "-f", "-t", "5", "-T", "1", "-i", device)
        # 26 is the MTU, 121 classless routes.
        done = inside(server, *words, "-O", "mtu", "-O", "staticroutes", "-s", str(path))
    finally:
        path.unlink()
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line) if not done.returncode else {}
