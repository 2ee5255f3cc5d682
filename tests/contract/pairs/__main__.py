"""The command: see the package."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import click

from conformance.__main__ import EVERYTHING, REGION, laboratory
from e2e.lab import Lab
from lab import layout

from . import pair
from .chosen import Chosen
from .pair import SERVICES
from .recording_proxy import KeystoneProxy, RecordingProxy

SECONDS = 5400.0
# What the lab's summary calls the services.
_TYPES = {"compute": "compute", "volume": "block-storage", "image": "image"}


@click.command()
@click.option(
    "--regex", default=EVERYTHING, help="Other tests than all; what was recorded before stays, unless this is better."
)
@click.option("--seconds", default=SECONDS, help="Stop after this time, and keep what was said.")
def main(regex: str, seconds: float) -> None:
    """Record what a region of the lab says to Tempest."""
    chosen = Chosen()
    if regex != EVERYTHING:
        for service in SERVICES:
            for each in pair.load(service):
                chosen.note(each)
    try:
        asyncio.run(record(regex, seconds, chosen))
    finally:
        # Whatever became of the tests, what was said was said.
        for service in SERVICES if chosen.seen else ():
            kept = chosen.of(service)
            pair.write(service, kept)
            operations = {each.operation for each in kept}
            click.echo(f"{pair.path_of(service)}: {len(kept)} pairs of {len(operations)} operations")


async def record(regex: str, seconds: float, chosen: Chosen) -> None:
    """Run tests against the region, and note what is said."""
    place = layout.default()
    async with between(Lab(place.directory, json.loads(place.summary.read_text())), chosen) as auth_url:
        await asyncio.to_thread(_run, regex, seconds, auth_url)


def _run(regex: str, seconds: float, auth_url: str) -> None:
    with laboratory() as suite:
        try:
            suite(REGION, auth_url).run([regex], seconds)
        except subprocess.TimeoutExpired:
            click.echo(f"stopped after {seconds:g} s")


@asynccontextmanager
async def between(lab: Lab, chosen: Chosen) -> AsyncIterator[str]:
    """Proxies before the services of the region, and one before Keystone; its URL."""
    keystone_url = urlsplit(lab.summary["keystone"]["url"])
    keystone_root = f"{keystone_url.scheme}://{keystone_url.netloc}"
    roots = {service: _root(lab.endpoint(REGION, name)) for service, name in _TYPES.items()}
    words = {root: f"{{{service}}}" for service, root in roots.items()}
    words |= {keystone_root: "{keystone}", str(lab.directory): "/var/lib/lab"}
    moved: dict[str, str] = {}
    keystone = KeystoneProxy(keystone_root, moved)
    proxies = [RecordingProxy(service, root, keystone.callers, words, chosen.note) for service, root in roots.items()]
    try:
        for proxy in proxies:
            await proxy.start()
            words[proxy.root] = f"{{{proxy.name}}}"
            moved[proxy.target] = proxy.root
        await keystone.start()
        words[keystone.root] = "{keystone}"
        yield f"{keystone.root}{keystone_url.path}"
    finally:
        for proxy in (*proxies, keystone):
            await proxy.stop()


def _root(url: str) -> str:
    return re.sub(r"/v\d.*$", "", url)


if __name__ == "__main__":
    main()
