"""A central Neutron and pods, with the real handlers and the real work engine between them.

Requests go to the fakes without a network between, so that thousands can be made; each may fail before or after it has
had its effect. What the mechanism driver does in central Neutron is done by a hook: placements follow profiles.
"""

import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from triune.conf import new
from triune.db.engine import Database
from triune.db.models import JournalRow, PlacementRow
from triune.network import names
from triune.network.handlers import handlers
from triune.pods.registry import Pod, Registry
from triune.pods.routings import Routings
from triune.work.backoff import Backoff
from triune.work.journal import Journal
from triune.work.pace import Pace
from triune.work.requests import Key
from triune.work.runner import KeyFailed, KeyWaits, Runner

from .cloud.keystone import Keystone
from .cloud.neutron import Neutron, Record
from .network_wire import FAULTS, Crash, Wire
from .tables import Tables, places_itself

PROJECT, OTHER = "a" * 32, "b" * 32
PACE = Pace(0.05, 5.0, 20.0, 8, 8, 3600.0, Backoff(0.01, 0.02))
# Kinds in an order in which things can leave a pod.
COLLECTIONS = {
    names.FLOATING_IP: "floatingips",
    names.ROUTER: "routers",
    names.PORT: "ports",
    names.NETWORK: "networks",
    names.SECURITY_GROUP_RULES: "security_groups",
    names.SECURITY_GROUP: "security_groups",
    names.REMOTE_GROUP: "security_groups",
    names.ADDRESS_GROUP: "address_groups",
    names.QOS_POLICY: "policies",
}
KINDS = (*COLLECTIONS, names.BRIDGE)
# Those of routers.
ROUTING = (names.FLOATING_IP, names.ROUTER, names.BRIDGE)


class FollowingRunner(Runner):
    """Central Neutron's tables are as its records are, whoever has changed them, when a key is run."""

    tables: Tables

    async def now(self, key: Key, *args: Any, **options: Any) -> None:
        await self.tables.follow()
        await super().now(key, *args, **options)


class World:
    """Central Neutron and two pods."""

    def __init__(self, database: Database, tops: int = 2) -> None:
        self.keystone = Keystone()
        self.central = Neutron(self.keystone, max_mtu=1450, ovn=False)
        self.neutrons = {f"Region{number}": Neutron(self.keystone) for number in range(tops)}
        services = {"CentralRegion": self.central, **self.neutrons}
        for number, neutron in enumerate(services.values()):
            # Of this they make MACs: each its own.
            neutron.port = number
        self.wire = Wire(services, self.keystone)
        self.conf = new()
        self.database = database
        self.registry = Registry(database, 60.0)
        self.routings = Routings(database)
        self.service_user: Any = self.wire
        self.journal = Journal(database)
        self.pods: list[Pod] = []
        self.central.changed = self._changed
        self.tables = Tables(database, self.central)
        self.runner = self.new_runner()

    def new_runner(self) -> Runner:
        """The engine of a process that has just started."""
        found: dict[str, Any] = {}
        self.runner = FollowingRunner(self.journal, found, PACE)
        self.runner.tables = self.tables
        found.update(handlers(self))
        return self.runner

    async def _changed(self, collection: str, before: Record | None, after: Record | None) -> None:
        if collection != "ports" or places_itself(after):
            return
        port = after or before
        assert port is not None
        place = ((after or {}).get("binding:profile") or {}).get(names.PROFILE)
        async with self.database.transaction() as session:
            await session.execute(delete(PlacementRow).where(PlacementRow.port_id == port["id"]))
            if place is not None:
                session.add(
                    PlacementRow(
                        port_id=port["id"],
                        network_id=port["network_id"],
                        pod_id=place["pod"],
                        project_id=port["project_id"],
                    )
                )

    def neutron(self, pod: Pod) -> Neutron:
        return self.neutrons[pod.region_name]

    async def place(self, port: Record, pod: Pod | None) -> None:
        """Place a port in a pod, or in none."""
        if places_itself(port):
            await self.tables.place(port, pod.id if pod is not None else None)
            return
        before = dict(port)
        profile = {names.PROFILE: {"pod": pod.id, "keep": True}} if pod is not None else {}
        port["binding:profile"] = profile
        port["revision_number"] += 1
        await self._changed("ports", before, port)

    async def remove_port(self, port: Record) -> None:
        """Delete a port at the top."""
        self.central.drop_port(port)
        await self._changed("ports", port, None)

    def keys(self) -> Iterable[Key]:
        """A key of every kind for everything that has or had twins, for every pod."""
        for collection, records in self.central.records.items():
            twins = (id_ for id_, each in records.items() if collection != "ports" or _may_have_twin(each))
            self._ever.setdefault(collection, set()).update(twins)
        routers = self.central.records["routers"].values()
        self._ever.setdefault("projects", set()).update(each["project_id"] for each in routers)
        found = {kind: sorted(self._ever[collection]) for kind, collection in COLLECTIONS.items()}
        keys = [Key(kind, id_, pod.id) for kind, ids in found.items() for id_ in ids for pod in self.pods]
        return [*keys, *(Key(names.BRIDGE, project_id) for project_id in sorted(self._ever["projects"]))]

    _ever: dict[str, set[str]]

    async def settle(self, rounds: int = 8) -> None:
        """Run every key, and then those that failed or were asked for on the way, until there are none."""
        keys = list(self.keys())
        order = {key: number for number, key in enumerate(keys)}
        left: dict[Key, str] = {}
        for _ in range(rounds):
            left = {}
            for key in keys:
                try:
                    await self.runner.now(key, 20.0)
                except KeyWaits as error:
                    left[key] = str(error)
                except KeyFailed as error:
                    left[key] = str(error.__cause__ or error)
            left = {each.key: "asked for" for each in await self.journal.due(KINDS, 1000)} | left
            if not left:
                return
            keys = sorted(left, key=lambda key: order.get(key, len(order)))
        raise AssertionError(f"never settles: {left}")

    async def drifted(self) -> dict[Key, str]:
        """Compare all pods with the plan, and do what was asked for; which keys those were, with their ends."""
        for pod in self.pods:
            await self.runner.now(Key(names.DRIFT, pod.id, pod.id), 20.0)
        done: dict[Key, str] = {}
        while entries := await self.journal.due(KINDS, 100):
            for entry in entries:
                done[entry.key] = entry.status
                await self.runner.now(entry.key, 20.0, demand=False)
        return done

    async def stumble(self, seed: int) -> None:
        """Run every key once. Most meet one failure: of a request, before or after its effect, or of the process."""
        dice = random.Random(seed)
        keys = list(self.keys())
        dice.shuffle(keys)
        for key in keys:
            self.wire.fails_in = dice.randrange(dice.choice((3, 8, 30))) if dice.random() < 0.7 else None
            self.wire.fault = dice.choice(FAULTS)
            try:
                await self.runner.now(key, 20.0)
            except KeyFailed:
                pass  # that is what this is for
            except Crash:
                await self._restart()
        self.wire.fails_in = None
        await self._restart()

    async def die(self, key: Key, index: int) -> bool:
        """Run a key in a process that dies after so many requests; whether it needed fewer."""
        self.wire.fails_in, self.wire.fault = index, "crash after"
        try:
            await self.runner.now(key, 20.0)
        except Crash:
            await self._restart()
            return False
        finally:
            done, self.wire.fails_in = self.wire.fails_in is not None, None
        return done

    async def _restart(self) -> None:
        # What the dead process was at is taken over; here without waiting for its leases to run out.
        async with self.database.transaction() as session:
            await session.execute(update(JournalRow).values(owner=None))
        self.new_runner()

    def counted(self) -> Counter[str]:
        """How many resources of each collection both pods hold."""
        return Counter({
            collection: sum(len(neutron.records[collection]) for neutron in self.neutrons.values())
            for collection in self.central.records
        })  # fmt: skip


def _may_have_twin(port: Record) -> bool:
    return names.has_twin(port) and port["device_owner"] != names.RESERVE_OWNER


@asynccontextmanager
async def world(directory: Path, empty: Path, pods: int = 2) -> AsyncIterator[World]:
    """A world on a database of its own, copied from an empty one."""
    path = directory / "triune.db"
    shutil.copy(empty, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    made = World(database, pods)
    made._ever = {collection: set() for collection in made.central.records}
    for number in range(pods):
        made.pods.append(await made.registry.create(f"Region{number}", f"az{number}", "", ""))
    try:
        yield made
    finally:
        await database.close()


def vlan(there: World, number: int = 1001, **fields: object) -> Record:
    """A network that spans pods, with a subnet."""
    network = there.central.add_network(
        PROJECT,
        **{
            "name": "blue",
            "provider:network_type": "vlan",
            "provider:physical_network": "physnet1",
            "provider:segmentation_id": number,
            "mtu": 1500,
            **fields,
        },
    )
    there.central.add_subnet(network, "10.0.0.0/24", name="sub")
    return network


def port_on(there: World, network: Record, last: int, **fields: object) -> Record:
    """A port with an address that was chosen."""
    (subnet, *_) = (each for each in there.central.subnets.values() if each["network_id"] == network["id"])
    group = there.central.default_group(network["project_id"])
    ips = [{"subnet_id": subnet["id"], "ip_address": f"10.0.0.{last}"}]
    return there.central.add_port(
        network["project_id"],
        network,
        **{"fixed_ips": ips, "security_groups": [group["id"]], "name": f"p{last}", **fields},
    )


def key_of(kind: str, record: Record, there: World, pod: int = 0) -> Key:
    return Key(kind, record["id"], there.pods[pod].id)


async def settled_port(there: World) -> tuple[Record, Record, Neutron]:
    """A network with a port in the first pod, where everything is as wanted; the network, the port, that pod."""
    network = vlan(there)
    port = port_on(there, network, 50)
    await there.place(port, there.pods[0])
    await there.settle()
    return network, port, there.neutron(there.pods[0])
