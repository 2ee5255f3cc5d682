"""`make bench`: what the gateway costs beside asking a pod directly, in one run."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.load import Measured, measure
from benchmarks.simulated import REGION, SERVER_ID

POD_PORT, GATEWAY_PORT = 18080, 18081
SECONDS = 3.0
SIZES = (1_000, 10_000, 100_000)
CONCURRENCIES = (1, 32)
TOKEN = {"X-Auth-Token": "simulated"}
START_SECONDS = 20.0

SETTINGS = f"""
[keystone]
auth_type = password
auth_url = http://127.0.0.1:{POD_PORT}/v3
username = triune
password = simulated
project_name = service
user_domain_name = Default
project_domain_name = Default
[gateway]
bind_port = {GATEWAY_PORT}
[database]
connection = sqlite+aiosqlite:///{{directory}}/triune.db
[DEFAULT]
default_log_levels = triune=WARNING
"""


@contextmanager
def running(*command: str | Path) -> Iterator[None]:
    """A process for the length of a block."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=40)


async def wait_until(url: str) -> None:
    """Wait for a server to answer. Raises `TimeoutError`."""
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")


async def register_pod() -> None:
    """The simulated region as the gateway's only pod."""
    url = f"http://127.0.0.1:{GATEWAY_PORT}/v1.0/pods"
    pod = {"region_name": REGION, "az_name": "az1"}
    async with aiohttp.ClientSession() as session, session.post(url, json={"pod": pod}, headers=TOKEN) as response:
        response.raise_for_status()


async def compare() -> list[tuple[int, int, Measured, Measured]]:
    """Direct and through the gateway, in turn, for every size and concurrency."""
    await wait_until(f"http://127.0.0.1:{GATEWAY_PORT}/")
    await register_pod()
    rows = []
    for size in SIZES:
        for concurrency in CONCURRENCIES:
            path = f"/v2.1/servers/{SERVER_ID}?size={size}"
            direct = await measure(f"http://127.0.0.1:{POD_PORT}{path}", TOKEN, concurrency, SECONDS)
            through = await measure(f"http://127.0.0.1:{GATEWAY_PORT}/compute{path}", TOKEN, concurrency, SECONDS)
            rows.append((size, concurrency, direct, through))
    return rows


def table(rows: list[tuple[int, int, Measured, Measured]]) -> Table:
    """The figures as a table."""
    result = Table("body", "clients", "direct req/s", "triune req/s", "ratio", "added median ms", "triune p99 ms")
    for size, concurrency, direct, through in rows:
        result.add_row(
            f"{size // 1000} KB",
            str(concurrency),
            f"{direct.rate:.0f}",
            f"{through.rate:.0f}",
            f"{through.rate / direct.rate:.2f}",
            f"{through.median - direct.median:.2f}",
            f"{through.p99:.2f}",
        )
    return result


def main() -> None:
    """Start the simulated pod and a gateway, measure, print."""
    console = Console()
    with tempfile.TemporaryDirectory() as directory:
        settings = Path(directory) / "triune.conf"
        settings.write_text(SETTINGS.format(directory=directory))
        triune = (Path(sys.executable).parent / "triune", "--config-file", settings)
        subprocess.run([*map(str, triune), "db", "upgrade"], check=True, stderr=subprocess.DEVNULL)
        console.print(f"{os.cpu_count()} processors shared by load, gateway and simulated pod; {SECONDS:g} s each")
        with running(sys.executable, "-m", "benchmarks.simulated", str(POD_PORT)), running(*triune, "gateway"):
            console.print(table(asyncio.run(compare())))


if __name__ == "__main__":
    main()
