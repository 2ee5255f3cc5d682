"""Bringing the lab up: which steps there are, and what each waits for."""

import json
import socket
from collections.abc import Iterator
from functools import partial

from lab import (
    catalog,
    central,
    central_neutron,
    credentials,
    environment,
    family,
    health,
    keystone,
    mariadb,
    memcached,
    neutron,
    nova,
    outputs,
    packages,
    placement,
    ports,
    process,
    rabbitmq,
    schema,
    services,
)
from lab.dataplane.fabric import Fabric
from lab.errors import LabError
from lab.layout import SOCKET_PATH_LIMIT, Layout
from lab.region import Region, beyond, first
from lab.settings import Lab
from lab.steps import Step

DEFAULT_REGIONS = 2


def open_lab(layout: Layout, count: int | None = None) -> Lab:
    """The lab with ``count`` regions, or with as many as it had when it last came up."""
    if count is None:
        count = len(json.loads(layout.summary.read_text())["regions"]) if layout.summary.exists() else DEFAULT_REGIONS
    return Lab(layout, credentials.ensure(layout.credentials), tuple(first(count, layout)))


def steps(lab: Lab) -> list[Step]:
    """Every step from a bare machine to a working lab; those that find their work done take no time."""
    return [
        *_shared(lab),
        *(step for region in lab.regions for step in _regional(lab, region)),
        *_last(lab),
        *_central_neutron(lab),
        *central.steps(lab),
    ]


def _shared(lab: Lab) -> Iterator[Step]:
    layout = lab.layout
    yield Step("Debian packages", partial(packages.ensure, layout))
    yield Step("OpenStack environment", partial(ensure_environment, layout))
    yield Step("ports and paths", partial(check, lab))
    yield Step("surplus regions", partial(retire, lab), ("Debian packages",))
    yield Step("configuration", partial(configure, lab), ("OpenStack environment",))
    yield Step("MariaDB", partial(start_infrastructure, lab, mariadb.NAME), ("Debian packages", "ports and paths"))
    yield Step("RabbitMQ", partial(start_infrastructure, lab, rabbitmq.NAME), ("Debian packages", "ports and paths"))
    yield Step("memcached", partial(start_infrastructure, lab, memcached.NAME), ("Debian packages", "ports and paths"))
    yield Step("physical switch", Fabric(layout.directory).up_switch, ("Debian packages",))
    yield Step("databases of Keystone", partial(schema.ensure_keystone, lab), ("MariaDB", "configuration"))
    for name in services.FAMILIES:
        yield Step(f"code of {name}", partial(family.start_parent, layout, name), ("configuration",))
    yield Step("Keystone", partial(start_keystone, lab), ("databases of Keystone", "memcached", "code of keystone"))
    yield Step("accounts and catalog", partial(catalog.ensure, lab), ("Keystone",))


def _regional(lab: Lab, region: Region) -> Iterator[Step]:
    name, fabric = region.name, Fabric(lab.layout.directory)
    yield Step(f"{name}: Open vSwitch and OVN", partial(fabric.up_pod, region), ("physical switch",))
    for part in schema.REGIONAL:
        # The first region makes the dumps that the others load.
        earlier = (f"{lab.regions[0].name}: databases of {part.service}",) if region.index > 1 else ()
        yield Step(
            f"{name}: databases of {part.service}",
            partial(schema.ensure_regional, lab, part, region),
            ("MariaDB", "configuration", *earlier),
        )
    for module in services.REGIONAL:
        needs = ["accounts and catalog", f"{name}: databases of {module.NAME}", "RabbitMQ"]
        needs += [f"code of {service.family}" for service in module.services(region)]
        needs += [f"{name}: Open vSwitch and OVN"] if module is neutron else []
        # The conductor ends where Placement does not answer it.
        needs += [f"{name}: {placement.NAME}"] if module is nova else []
        yield Step(f"{name}: {module.NAME}", partial(start_services, lab, module.services(region)), tuple(needs))
    # Last, because at its start it looks for the conductor and registers with Placement; for what it does not find it
    # looks again only a good while later.
    needs = [f"{name}: {module.NAME}" for module in services.REGIONAL]
    yield Step(f"{name}: compute host", partial(start_services, lab, [nova.compute_host(region)]), tuple(needs))
    yield Step(f"{name}: ready", partial(health.wait_region, lab, region), (f"{name}: compute host",))


def _last(lab: Lab) -> Iterator[Step]:
    needs = tuple(f"{region.name}: ready" for region in lab.regions)
    yield Step("openrc, clouds.yaml, lab.json", partial(outputs.write, lab), needs)


def _central_neutron(lab: Lab) -> Iterator[Step]:
    yield Step(
        "central Neutron: database",
        partial(schema.ensure_central_neutron, lab),
        # The first region makes the dump.
        ("MariaDB", "configuration", f"{lab.regions[0].name}: databases of {neutron.NAME}"),
    )
    yield Step(
        "central Neutron",
        partial(start_services, lab, [central_neutron.service(lab.layout)]),
        # It writes into Triune's tables.
        ("accounts and catalog", f"code of {neutron.NAME}", "Triune: settings and database"),
    )


def ensure_environment(layout: Layout) -> str:
    """Install what is missing. Parents that imported what was there before make room for new ones."""
    if not environment.ensure(layout):
        return "the OpenStack services are there"
    process.stop(layout, [family.parent_of(name) for name in services.FAMILIES])
    return "installed the OpenStack services"


def configure(lab: Lab) -> None:
    keystone.configure(lab)
    central_neutron.configure(lab)
    for region in lab.regions:
        for module in services.REGIONAL:
            module.configure(lab, region)


def retire(lab: Lab) -> str | None:
    """Stop the regions an earlier lab had and this one has not; what they hold is kept."""
    surplus = beyond(len(lab.regions), lab.layout)
    names = [service.name for region in surplus for service in services.regional(region)]
    process.stop(lab.layout, names)
    for region in surplus:
        Fabric(lab.layout.directory).down_pod(region)
    return f"stopped {', '.join(region.name for region in surplus)}" if surplus else None


def start_infrastructure(lab: Lab, name: str) -> None:
    """Start one of `services.INFRASTRUCTURE`."""
    starts = {
        mariadb.NAME: partial(start_database, lab),
        rabbitmq.NAME: partial(rabbitmq.start, lab),
        memcached.NAME: partial(memcached.start, lab.layout),
    }
    starts[name]()


def start_database(lab: Lab) -> None:
    mariadb.start(lab.layout)
    mariadb.create_account(lab.layout, lab.passwords["database"])


def start_keystone(lab: Lab) -> None:
    keystone.bootstrap(lab)
    start_services(lab, [keystone.service(lab.layout)])


def start_services(lab: Lab, wanted: list[family.Service]) -> None:
    """Start services and wait for those that speak HTTP."""
    for service in wanted:
        family.start(lab.layout, service)
        if service.port is not None:
            health.wait_answer(lab.layout, service)


def check(lab: Lab) -> None:
    """Raises ``LabError`` where something outside the lab is in its way."""
    longest = max(
        (region.directory / "ovn" / "ovn-controller.00000.ctl" for region in lab.regions),
        key=lambda path: len(str(path)),
    )
    if len(str(longest).encode()) > SOCKET_PATH_LIMIT:
        raise LabError(f"the path {longest} is too long for a socket; move the checkout, or set LAB_DIRECTORY")
    wanted = {service.port: service.name for service in services.openstack(lab.layout, lab.regions) if service.port}
    wanted |= {ports.RABBITMQ: rabbitmq.NAME, ports.MEMCACHED: memcached.NAME}
    wanted |= {central.PORT: central.GATEWAY}
    taken = [
        f"{port} ({name})"
        for port, name in sorted(wanted.items())
        if process.pid_of(lab.layout, name) is None and _in_use(port)
    ]
    if taken:
        raise LabError(f"ports of 127.0.0.1 held by processes that are not this lab's: {', '.join(taken)}")


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do, so that closed connections that linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ports.HOST, port))
        except OSError:
            return True
    return False
