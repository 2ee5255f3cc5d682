"""Whatever happens at the top, in the pods and on the way: in the end pods are as wanted, and nothing else was touched.

Random changes of central Neutron, of what users have in the pods themselves, and faults: requests that fail before or
after their effect, and processes that die. Then everything runs once without faults. Afterwards each pod must be what a
new one would become, and a second run must change nothing.
"""

import asyncio
import copy
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triune.network import names
from triune.network.names import TAG

from .cloud.neutron import Neutron, Record
from .cloud.neutron.addresses import is_automatic
from .network_world import World, world

PROJECTS = ("a" * 32, "b" * 32)
STRANGER = "f" * 32
# Each story ends with so many attempts that go wrong.
STUMBLES = 3
STEPS = (
    "network", "subnet", "port", "place", "place", "place", "unplace", "remove port", "remove network", "rename",
    "group", "rule", "join", "leave", "policy", "readdress", "share", "foreign", "stumble", "stumble", "harm",
)  # fmt: skip


class Story:
    """One random sequence of changes."""

    def __init__(self, there: World, seed: int) -> None:
        self.there = there
        self.random = random.Random(seed)
        self.strangers: list[tuple[Neutron, str, Record, str | None]] = []
        self.number = 0

    def pick(self, records: dict[str, Record], *only: Any) -> Record | None:
        found = [each for each in records.values() if all(test(each) for test in only)]
        return self.random.choice(found) if found else None

    async def network(self) -> None:
        self.number += 1
        kind = self.random.choice(("vlan", "geneve"))
        central = self.there.central
        network = central.add_network(self.random.choice(PROJECTS), **{
            "name": f"n{self.number}", "mtu": self.random.choice((1400, 1450, 1500)),
            "provider:network_type": kind,
            "provider:physical_network": "physnet1" if kind == "vlan" else None,
            "provider:segmentation_id": 1000 + self.number,
        })  # fmt: skip
        central.add_subnet(network, f"10.{self.number}.0.0/24")

    async def subnet(self) -> None:
        network = self.pick(self.there.central.networks)
        if network is not None:
            self.number += 1
            modes = self.random.choice((None, "slaac", "dhcpv6-stateful"))
            central = self.there.central
            subnet = central.add_subnet(
                network, f"fd00:{self.number}::/64", ipv6_ra_mode=modes, ipv6_address_mode=modes
            )
            if is_automatic(subnet):
                central._give_automatic(subnet)

    async def port(self) -> None:
        central = self.there.central
        network = self.pick(central.networks)
        if network is None:
            return
        group = self.pick(central.groups, lambda each: each["project_id"] == network["project_id"])
        groups = [group["id"]] if group is not None else [central.default_group(network["project_id"])["id"]]
        mac = central._mac()
        wanted = self.random.choice((..., []))
        fixed_ips = central._addresses(network["id"], wanted, mac, None)
        central.add_port(network["project_id"], network, name=f"p{len(central.ports)}", mac_address=mac,
                         security_groups=groups, fixed_ips=fixed_ips)  # fmt: skip

    def users_port(self, *tests: Any) -> Record | None:
        return self.pick(self.there.central.ports, lambda each: each["device_owner"] != names.RESERVE_OWNER, *tests)

    async def place(self) -> None:
        port = self.users_port(lambda each: not each["binding:profile"])
        if port is None:
            await self.port()
            port = self.users_port(lambda each: not each["binding:profile"])
        if port is not None:
            network = self.there.central.networks[port["network_id"]]
            used = {
                each["binding:profile"][names.PROFILE]["pod"]
                for each in self.there.central.ports.values()
                if each["binding:profile"] and each["network_id"] == network["id"]
            }
            pods = [pod for pod in self.there.pods if network["provider:network_type"] == "vlan" or used <= {pod.id}]
            if pods:
                await self.there.place(port, self.random.choice(pods))

    async def unplace(self) -> None:
        port = self.users_port(lambda each: each["binding:profile"])
        if port is not None:
            await self.there.place(port, None)

    async def remove_port(self) -> None:
        port = self.users_port()
        if port is not None:
            await self.there.remove_port(port)

    async def remove_network(self) -> None:
        central = self.there.central
        users = {each["network_id"] for each in central.ports.values() if each["device_owner"] != names.RESERVE_OWNER}
        network = self.pick(central.networks, lambda each: each["id"] not in users)
        if network is not None:
            central.delete_network(None, network)  # type: ignore[arg-type]
            del central.networks[network["id"]]

    async def rename(self) -> None:
        central = self.there.central
        record = self.pick({**central.networks, **central.subnets, **central.ports})
        if record is not None and record.get("device_owner") != names.RESERVE_OWNER:
            record["name"] = f"renamed {self.random.random()}"
            record["tags"] = self.random.choice(([], ["x"], ["y", "z"]))

    async def group(self) -> None:
        self.there.central.add_group(self.random.choice(PROJECTS), name=f"g{len(self.there.central.groups)}")

    async def rule(self) -> None:
        central = self.there.central
        group = self.pick(central.groups)
        if group is None:
            return
        remote = self.pick(central.groups, lambda each: each["project_id"] == group["project_id"])
        fields = self.random.choice(
            ({"remote_group_id": remote["id"]}, {"remote_ip_prefix": "10.0.0.0/8"}, {})  # type: ignore[index]
        )
        ports = self.random.choice((22, 80))
        new = {"direction": "ingress", "protocol": "tcp", "port_range_min": ports, "port_range_max": ports, **fields}
        if not any(new.items() <= each.items() for each in central.rules.values()):
            central.add_rule(group, **new)

    async def join(self) -> None:
        port = self.users_port()
        if port is not None:
            own = lambda each: each["project_id"] == port["project_id"]  # noqa: E731
            group = self.pick(self.there.central.groups, own)
            port["security_groups"] = [group["id"]] if group is not None else []

    async def leave(self) -> None:
        port = self.users_port()
        if port is not None:
            port["security_groups"] = []

    async def policy(self) -> None:
        central = self.there.central
        record = self.pick(central.networks)
        if record is not None:
            policy = self.pick(central.records["policies"], lambda each: each["project_id"] == record["project_id"])
            if policy is None:
                policy = central.add_policy(record["project_id"], name="q")
                central.add_limit(policy, max_kbps=self.random.choice((1000, 2000)))
            record["qos_policy_id"] = self.random.choice((None, policy["id"]))

    async def readdress(self) -> None:
        port = self.users_port(lambda each: each["fixed_ips"])
        if port is not None:
            pair = {"ip_address": f"10.200.0.{self.random.randrange(1, 200)}", "mac_address": port["mac_address"]}
            port["allowed_address_pairs"] = self.random.choice(([], [pair]))

    async def share(self) -> None:
        network = self.pick(self.there.central.networks)
        if network is not None:
            policies = self.there.central.records["rbac_policies"]
            if not any(each["object_id"] == network["id"] for each in policies.values()):
                self.there.central.share(network, "network", self.random.choice((*PROJECTS, "*")))

    async def foreign(self) -> None:
        """Somebody has things of his own in a pod, some tagged as if they were Triune's."""
        pod = self.random.choice(list(self.there.neutrons.values()))
        top = self.pick(self.there.central.networks)
        tags = [TAG, f"triune:{top['id']}"] if top is not None and self.random.random() < 0.5 else []
        network = pod.add_network(STRANGER, name="own", tags=tags)
        subnet = pod.add_subnet(network, "10.0.0.0/24")
        own = pod.add_network(STRANGER, name="mine")
        port = pod.add_port(STRANGER, own, name="own")
        group = pod.add_group(STRANGER, name="own")
        for collection, record in (
            ("networks", network), ("subnets", subnet), ("networks", own), ("ports", port), ("security_groups", group),
        ):  # fmt: skip
            self.strangers.append((pod, collection, copy.deepcopy(record), top["id"] if tags and top else None))

    async def harm(self) -> None:
        """A pod's administrator changes or removes what is Triune's."""
        pod = self.random.choice(list(self.there.neutrons.values()))
        ours = [
            (collection, record)
            for collection in ("networks", "subnets", "ports", "security_groups")
            for record in pod.records[collection].values()
            if TAG in record["tags"] and record["project_id"] != STRANGER
        ]
        if ours:
            collection, record = self.random.choice(ours)
            if collection == "ports" and self.random.random() < 0.5:
                del pod.ports[record["id"]]
            else:
                record["name"] = "harmed"

    async def stumble(self) -> None:
        """Everything that is to be done is begun while requests fail and processes die."""
        await self.there.stumble(self.random.randrange(1 << 30))

    def judge(self) -> None:
        """Whether pods are as wanted, told without Triune's own eyes."""
        for pod in self.there.pods:
            neutron = self.there.neutron(pod)
            tops = [port for port in self.there.central.ports.values() if _pod(port) == pod.id]
            twins = [port for port in neutron.ports.values() if TAG in port["tags"]]
            assert sorted(map(_shape, twins)) == sorted(map(_shape, tops))
            assert {port["mac_address"] for port in neutron.ports.values() if port["project_id"] != STRANGER} == {
                port["mac_address"] for port in tops
            }
            networks = {port["network_id"] for port in tops}
            names_of = sorted(self.there.central.networks[each]["name"] for each in networks)
            own = [each for each in neutron.networks.values() if each["project_id"] != STRANGER]
            assert sorted(each["name"] for each in own) == names_of
            cidrs = {each["cidr"] for each in self.there.central.subnets.values() if each["network_id"] in networks}
            assert {each["cidr"] for each in neutron.subnets.values() if each["project_id"] != STRANGER} == cidrs
            groups = {group for port in tops for group in port["security_groups"]}
            present = [each for each in neutron.groups.values() if TAG in each["tags"]]
            assert len(present) == len(groups)
            # Neutron itself gives each project one.
            others = {each["name"] for each in neutron.groups.values() if not each["tags"]}
            assert others <= {"default", "own"}
            held = {
                port["network_id"]
                for port in self.there.central.ports.values()
                if port["device_id"] == f"{names.RESERVE_DEVICE}{pod.id}"
            }
            assert held == networks
        for neutron, collection, record, top_id in self.strangers:
            if top_id is None or top_id in self.there.central.networks:
                assert neutron.records[collection].get(record["id"]) == record


def _pod(port: Record) -> str | None:
    place = port["binding:profile"].get(names.PROFILE)
    return place["pod"] if place else None


def _shape(port: Record) -> tuple[Any, ...]:
    addresses = tuple(sorted(each["ip_address"] for each in port["fixed_ips"]))
    return port["mac_address"], port["name"], addresses, len(port["security_groups"]), port["project_id"]


@pytest.mark.faults
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 30), steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=40))
def test_in_the_end_pods_are_as_wanted(empty_database: Path, seed: int, steps: list[str]) -> None:
    asyncio.run(_tell(empty_database, seed, steps))


async def _tell(empty: Path, seed: int, steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with world(Path(directory), empty) as there:
            story = Story(there, seed)
            for step in steps:
                await getattr(story, step.replace(" ", "_"))()
            for _ in range(STUMBLES):
                await story.stumble()
            await there.settle()
            await there.drifted()
            story.judge()
            assert await there.drifted() == {}
            there.wire.calls.clear()
            await there.settle()
            assert there.wire.changes() == []
