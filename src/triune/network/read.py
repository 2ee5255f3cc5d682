"""Reads from central Neutron, and from the table of placements, what a key needs."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Final

from sqlalchemy import select

from triune.db.engine import Database
from triune.db.models import PlacementRow
from triune.network import forms, plan, reserve
from triune.network.membership import Membership
from triune.network.model import Everything, Group, Members, Network, Policy, Port, Rules, Share
from triune.network.names import RESERVE_DEVICE, has_twin
from triune.network.neutron import Neutron
from triune.network.top_ports import placement

JSON = dict[str, Any]

_SHARED: Final = "access_as_shared"


class Contradiction(Exception):
    """The table of placements and central Neutron's API tell different things of a port; looked at again later.

    A Neutron that has just started may hide from an administrator what is there (its policy is not loaded yet), and a
    server must not lose its port for that.
    """


class Read:
    """All methods raise `PodUnreachable` and `Refused` of central Neutron, and `DatabaseUnavailable`."""

    def __init__(self, central: Neutron, database: Database) -> None:
        self.central = central
        self.membership = Membership(database)
        self._database = database

    async def owner(self, path: str, top_id: str) -> str | None:
        """The project of a resource; None where it is gone."""
        shown = await self.central.show(path, top_id)
        return str(shown["project_id"]) if shown is not None else None

    async def is_placed(self, network_id: str, pod_id: str) -> bool:
        """Whether any port of a network is in a pod."""
        statement = select(PlacementRow.port_id).where(
            PlacementRow.network_id == network_id, PlacementRow.pod_id == pod_id
        )
        async with self._database.transaction() as session:
            return await session.scalar(statement.limit(1)) is not None

    async def placed(self, port_ids: Iterable[str], pod_id: str) -> frozenset[str]:
        """Those of some ports that are in a pod."""
        wanted = PlacementRow.port_id.in_(list(port_ids))
        statement = select(PlacementRow.port_id).where(wanted, PlacementRow.pod_id == pod_id)
        async with self._database.transaction() as session:
            return frozenset(await session.scalars(statement))

    async def network(self, network_id: str, pod_id: str) -> Network | None:
        """A network with its subnets; None where it is gone or not in the pod."""
        shown, subnets, shares, placed = await asyncio.gather(
            self.central.show("networks", network_id),
            self.central.list("subnets", [("network_id", network_id)]),
            self._shares(network_id),
            self.is_placed(network_id, pod_id),
        )
        if shown is None or not placed:
            return None
        return Network(shown, tuple(sorted(subnets, key=lambda each: str(each["id"]))), shares)

    async def port(self, port_id: str, pod_id: str) -> Port | None:
        """A port; None where it is gone or not in the pod."""
        shown = await self.central.show("ports", port_id)
        if shown is not None and not has_twin(shown):
            return None
        if shown is None or pod_of(shown) != pod_id:
            if await self.placed([port_id], pod_id):
                raise Contradiction(f"port {port_id} is placed in the pod, and central Neutron does not show it there")
            return None
        if not any(_may_follow_from_mac(each["ip_address"]) for each in shown["fixed_ips"]):
            return Port(shown)
        subnets = await self.central.list("subnets", [("network_id", shown["network_id"])])
        return Port(shown, frozenset(each["id"] for each in subnets if plan.is_automatic(each)))

    async def group(self, group_id: str, pod_id: str) -> Group | None:
        """A security group; None where it is gone or has no members in the pod."""
        shown, shares, here = await asyncio.gather(
            self.central.show("security-groups", group_id),
            self._shares(group_id),
            self.membership.here([group_id], pod_id),
        )
        return Group(shown, shares) if shown is not None and here else None

    async def rules(self, group_id: str, pod_id: str, with_addresses: bool) -> Rules | None:
        """The rules of a security group; None where it is gone or has no members in the pod.

        `with_addresses`: those that members of remote groups have in other pods are asked for too.
        """
        shown, rules = await asyncio.gather(
            self.central.show("security-groups", group_id),
            self.central.list("security-group-rules", [("security_group_id", group_id)]),
        )
        remote = {str(rule["remote_group_id"]) for rule in rules if rule.get("remote_group_id")}
        named = {str(rule["remote_address_group_id"]) for rule in rules if rule.get("remote_address_group_id")}
        asked = {group_id} if with_addresses else {group_id, *remote}
        here, address_groups = await asyncio.gather(
            self.membership.here(asked, pod_id), self.central.of("address-groups", "id", named)
        )
        if shown is None or group_id not in here:
            return None
        members = {each: Members(here=each in here) for each in remote}
        if with_addresses:
            members = await self.membership.members(remote, pod_id)
        found = {each["id"]: forms.networks(each["addresses"]) for each in address_groups}
        return Rules(shown, tuple(rules), members, {each: found.get(each, frozenset()) for each in named})

    async def remote_group(self, group_id: str, pod_id: str) -> tuple[JSON, Members] | None:
        """A security group that rules in a pod name, and its members; None where no group there has such a rule."""
        rules, shown = await asyncio.gather(
            self.central.list("security-group-rules", [("remote_group_id", group_id)], ["security_group_id"]),
            self.central.show("security-groups", group_id),
        )
        users = {str(rule["security_group_id"]) for rule in rules}
        if shown is None or not await self.membership.here(users, pod_id):
            return None
        return shown, (await self.membership.members({group_id}, pod_id))[group_id]

    async def address_group(self, group_id: str, pod_id: str) -> tuple[JSON, frozenset[Share]] | None:
        """An address group; None where it is gone or no group in the pod has a rule that names it."""
        shown, shares, users = await asyncio.gather(
            self.central.show("address-groups", group_id),
            self._shares(group_id),
            self.users("remote_address_group_id", group_id, pod_id),
        )
        return (shown, shares) if shown is not None and users else None

    async def users(self, attribute: str, value: str, pod_id: str) -> frozenset[str]:
        """The security groups with members in a pod that have rules with this value of an attribute."""
        rules = await self.central.list("security-group-rules", [(attribute, value)], ["security_group_id"])
        return await self.membership.here({rule["security_group_id"] for rule in rules}, pod_id)

    async def policy(self, policy_id: str, pod_id: str) -> Policy | None:
        """A QoS policy; None where it is gone, or neither a port in the pod nor the network of one has it."""
        shown, shares = await asyncio.gather(self.central.show("qos/policies", policy_id), self._shares(policy_id))
        return (
            Policy(shown, shares) if shown is not None and await self.membership.has_policy(policy_id, pod_id) else None
        )

    async def everything(self, pod_id: str) -> Everything:
        """All that the top has in a pod, asked for in portions."""
        async with self._database.transaction() as session:
            rows = (
                await session.execute(
                    select(PlacementRow.port_id, PlacementRow.network_id).where(PlacementRow.pod_id == pod_id)
                )
            ).all()
        central, network_ids = self.central, {network_id for _, network_id in rows}
        ports, networks, subnets, reserves = await asyncio.gather(
            central.of("ports", "id", (port_id for port_id, _ in rows)),
            central.of("networks", "id", network_ids),
            central.of("subnets", "network_id", network_ids),
            central.list("ports", [("device_id", f"{RESERVE_DEVICE}{pod_id}")], ["fixed_ips", "network_id"]),
        )
        ports = [each for each in ports if pod_of(each) == pod_id and has_twin(each)]
        limited = {str(each["qos_policy_id"]) for each in (*ports, *networks) if each.get("qos_policy_id")}
        group_ids = {group for each in ports for group in each["security_groups"]}
        groups = await central.of("security-groups", "id", group_ids)
        rules = [rule for group in groups for rule in group["security_group_rules"]]
        remote = {str(rule["remote_group_id"]) for rule in rules if rule.get("remote_group_id")}
        named = {str(rule["remote_address_group_id"]) for rule in rules if rule.get("remote_address_group_id")}
        remote_groups, address_groups, members, policies, shares = await asyncio.gather(
            central.of("security-groups", "id", remote, ["project_id"]),
            central.of("address-groups", "id", named),
            self.membership.members(remote, pod_id),
            central.of("qos/policies", "id", limited),
            lent(central),
        )
        found = {each["id"]: forms.networks(each["addresses"]) for each in address_groups}
        return Everything(
            ports=tuple(ports),
            networks=tuple(networks),
            subnets=tuple(subnets),
            held=reserve.held(reserves),
            reserved=frozenset(each["network_id"] for each in reserves),
            groups=tuple(groups),
            remote_groups=tuple(remote_groups),
            address_groups=tuple(address_groups),
            members=members,
            addresses={each: found.get(each, frozenset()) for each in named},
            policies=tuple(policies),
            shares=shares,
        )

    async def _shares(self, object_id: str) -> frozenset[Share]:
        policies = await self.central.list("rbac-policies", [("object_id", object_id), ("action", _SHARED)])
        return frozenset(Share(each["target_tenant"]) for each in policies)


async def lent(neutron: Neutron) -> dict[str, frozenset[Share]]:
    """To whom everything is lent that is lent at all, by its id. Raises `PodUnreachable`, `Refused`."""
    found: defaultdict[str, set[Share]] = defaultdict(set)
    for each in await neutron.list("rbac-policies", [("action", _SHARED)], ["object_id", "target_tenant"]):
        found[each["object_id"]].add(Share(each["target_tenant"]))
    return {object_id: frozenset(shares) for object_id, shares in found.items()}


def pod_of(port: JSON) -> str | None:
    """The pod in which a port of central Neutron is placed."""
    return placement(port).get("pod")


def _may_follow_from_mac(address: str) -> bool:
    """Whether an address looks like one that is made of a MAC: then its subnet has to be asked."""
    parsed = ip_address(address)
    return parsed.version == 6 and parsed.packed[11:13] == b"\xff\xfe"
