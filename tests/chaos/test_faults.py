"""Random operations while random faults happen between the gateway and the pods: the pods hold what was promised.

The same people, faults and promises as against the fake pods (tests/contract/test_random_faults.py). The gateway and
the worker are told to use the catalog's `admin` interface, which nobody else does, and the `admin` endpoints lead to
the proxies; the pods, and how their services find each other, stay as they are.
"""

import asyncio
import configparser
import io
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import aiohttp

from e2e import agreement, leftovers, networks
from e2e.lab import GATEWAY, WORKER, Lab
from e2e.people import Newcomers, Person

from .api import Api
from .contents import Pod
from .customer_compute import Administrator
from .customer_storage import StorageCustomer
from .fault_proxy import FaultProxy
from .faults import Plan
from .ordeal import Ordeal

SEED = int(os.environ.get("CHAOS_SEED", "0")) or int.from_bytes(os.urandom(3))
OPERATIONS = int(os.environ.get("CHAOS_OPERATIONS", "1000"))
CUSTOMERS = 3
# Of each; the lab's machine has to hold them all.
MOST_SERVERS = 3
RECOVERY_SECONDS = 180.0
INTERFACE = "admin"
# Where the catalog has the services of a pod that the gateway asks, and what the lab's summary calls them.
SERVICES = ("compute", "image", "network", "placement", "block-storage")
PATHS = {"compute": "/compute/v2.1", "volume": "/volume/v3", "image": "/image/v2"}
# Deadlines that can be waited for, and pauses that end.
SETTINGS = {
    "keystone": {"interface": INTERFACE},
    "pods": {
        "list_deadline": "6",
        "request_deadline": "12",
        "store_deadline": "20",
        "breaker_pause": "0.5",
        "breaker_max_pause": "2",
    },
    "worker": {"first_pause": "1", "longest_pause": "5"},
}


async def test_the_pods_hold_what_was_promised(
    newcomers: Newcomers, admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    print(f"CHAOS_SEED={SEED}")
    people = [await asyncio.to_thread(newcomers.welcome, f"faults{number}") for number in range(CUSTOMERS)]
    with ExitStack() as stack:
        nets = [
            stack.enter_context(networks.network(person, f"{person.name}-net", networks.v4())).id for person in people
        ]
        async with aiohttp.ClientSession() as session, between(admin, lab) as proxies:
            await ordeal(session, proxies, people, nets, admin, lab, boot, prefix).run(OPERATIONS)


def ordeal(
    session: aiohttp.ClientSession,
    proxies: list[FaultProxy],
    people: list[Person],
    nets: list[str],
    admin: Person,
    lab: Lab,
    boot: dict[str, str],
    prefix: str,
) -> Ordeal:
    """Who does what, and who looks at it."""
    made_of = {"imageRef": boot["image_id"], "flavorRef": boot["flavor_id"]}
    projects = [person.project_id for person in people]
    administrators = admin.central.session.get_project_id()
    customers = [
        StorageCustomer(of_gateway(session, person), person.name, SEED, made_of, [net], MOST_SERVERS)
        for person, net in zip(people, nets, strict=True)
    ]
    pods = {
        person.name: [
            Pod(region, of_pod(session, lab, region, person), of_pod(session, lab, region, admin))
            for region in lab.regions
        ]
        for person in people
    }

    async def jobs() -> list[str]:
        found = await asyncio.to_thread(lambda: list(leftovers.jobs(admin, [*projects, administrators])))
        return [line for line in found if not line.startswith("job drift")]

    async def differences() -> list[str]:
        return await asyncio.to_thread(agreement.differences, admin, lab, projects)

    async def routings() -> Iterable[tuple[str, str, str]]:
        sql = "SELECT resource_type, top_id, region_name FROM routings JOIN pods USING (pod_id) WHERE top_id=bottom_id"
        return [(kind, top_id, region) for kind, top_id, region in await asyncio.to_thread(lab.query, sql)]

    administrator = Administrator(of_gateway(session, admin), f"{prefix}-boss", SEED)
    return Ordeal(proxies, customers, administrator, pods, jobs, differences, routings, RECOVERY_SECONDS)


def of_gateway(session: aiohttp.ClientSession, person: Person) -> Api:
    """Somebody at the gateway."""
    endpoint = person.central.session.get_endpoint(
        service_type="compute", region_name="CentralRegion", interface="public"
    )
    root = endpoint.partition("/compute")[0]
    return _api(session, {service: f"{root}{path}" for service, path in PATHS.items()}, person)


def of_pod(session: aiohttp.ClientSession, lab: Lab, region: str, person: Person) -> Api:
    """Somebody at a pod, with no proxy between."""
    roots = {
        "compute": lab.endpoint(region, "compute"),
        "volume": f"{lab.endpoint(region, 'block-storage')}/{person.central.session.get_project_id()}",
        "image": f"{lab.endpoint(region, 'image')}/v2",
    }
    return _api(session, roots, person)


def _api(session: aiohttp.ClientSession, roots: dict[str, str], person: Person) -> Api:
    known: Any = person.central.session
    return Api(session, roots, known.get_token(), known.get_project_id(), known.get_user_id())


# -- what stands between the gateway and the pods


@asynccontextmanager
async def between(admin: Person, lab: Lab) -> AsyncIterator[list[FaultProxy]]:
    """A proxy in front of each service of each pod, which only the gateway and the worker use."""
    proxies: list[FaultProxy] = []
    urls: dict[tuple[str, str], str] = {}
    try:
        for region in lab.regions:
            for service in SERVICES:
                name = f"{region} {service}"
                scheme, _, rest = lab.endpoint(region, service).partition("://")
                host, slash, path = rest.partition("/")
                proxy = FaultProxy(name, f"{scheme}://{host}", Plan(f"{SEED} {name}"))
                await proxy.start()
                proxies.append(proxy)
                urls[region, service] = f"{proxy.root}{slash}{path}"
        with endpoints(admin, urls), settings(lab):
            try:
                await asyncio.to_thread(restart, lab)
                # Not before the gateway runs.
                for proxy in proxies:
                    proxy.rage()
                yield proxies
            finally:
                for proxy in proxies:
                    await proxy.calm()
        await asyncio.to_thread(restart, lab)
    finally:
        for proxy in proxies:
            await proxy.stop()


def restart(lab: Lab) -> None:
    """Let the gateway and the worker read their settings."""
    for process in (GATEWAY, WORKER):
        lab.restart(process)


@contextmanager
def endpoints(admin: Person, urls: dict[tuple[str, str], str]) -> Iterator[None]:
    """Other URLs for the endpoints of some services, by region and type, of the interface that nobody else uses."""
    identity = admin.central.identity
    types = {service.id: service.type for service in identity.services()}
    found = {
        (point.region_id, types[point.service_id]): point
        for point in identity.endpoints()
        if point.interface == INTERFACE and point.service_id in types
    }
    before = {place: found[place].url for place in urls}
    try:
        for place, url in urls.items():
            identity.update_endpoint(found[place], url=url)
        yield
    finally:
        for place, url in before.items():
            identity.update_endpoint(found[place].id, url=url)


@contextmanager
def settings(lab: Lab) -> Iterator[None]:
    """Some of Triune's settings changed, for those processes that start meanwhile."""
    path = lab.directory / "triune" / "triune.conf"
    before = path.read_text()
    changed = configparser.ConfigParser(interpolation=None)
    changed.optionxform = str  # type: ignore[assignment]
    changed.read_string(before)
    for section, options in SETTINGS.items():
        if not changed.has_section(section):
            changed.add_section(section)
        for option, value in options.items():
            changed.set(section, option, value)
    text = io.StringIO()
    changed.write(text)
    try:
        path.write_text(text.getvalue())
        yield
    finally:
        path.write_text(before)
