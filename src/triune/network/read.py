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
from triune.network.model import Everything, Group, Members, Network, Policy, Port, Rules, Share
from triune.network.names import RESERVE_DEVICE
from triune.network.neutron import AT_ONCE, Neutron
from triune.network.top_ports import placement

JSON = dict[str, Any]

_SHARED: Final = "access_as_shared"
_MEMBER: Final = ("fixed_ips", "allowed_address_pairs", "binding:profile", "security_groups")
# Groups in one request that names ports too: what is longer than 8 kB many servers refuse.
_GROUPS_AT_ONCE: Final = 50


class Contradiction(Exception):
    """The table of placements and central Neutron's API tell different things of a port; looked at again later.

    A Neutron that has just started may hide from an administrator what is there (its policy is not loaded yet), and a
    server must not lose its port for that.
    """


class Read:
    """All methods raise `PodUnreachable` and `Refused` of central Neutron, and `DatabaseUnavailable`."""

    def __init__(self, central: Neutron, database: Database) -> None:
        self.central = central
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

    async def network(self, network_id: str, pod_id: str) -> tuple[Network, list[JSON]] | None:
        """A network, and the ports that hold addresses of it for a pod; None where it is gone or not in the pod."""
        device = f"{RESERVE_DEVICE}{pod_id}"
        shown, subnets, shares, reserves, placed = await asyncio.gather(
            self.central.show("networks", network_id),
            self.central.list("subnets", [("network_id", network_id)]),
            self._shares(network_id),
            self.central.list("ports", [("network_id", network_id), ("device_id", device)]),
            self.is_placed(network_id, pod_id),
        )
        if shown is None or not placed:
            return None
        return Network(shown, tuple(sorted(subnets, key=lambda each: str(each["id"]))), shares), reserves

    async def port(self, port_id: str, pod_id: str) -> Port | None:
        """A port; None where it is gone or not in the pod."""
        shown = await self.central.show("ports", port_id)
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
            self.central.show("security-groups", group_id), self._shares(group_id), self.here([group_id], pod_id)
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
        here, address_groups = await asyncio.gather(
            self.here({group_id, *remote}, pod_id), self.central.of("address-groups", "id", named)
        )
        if shown is None or group_id not in here:
            return None
        members = {each: Members(here=each in here) for each in remote}
        if with_addresses:
            members = await self.members(remote, pod_id)
        found = {each["id"]: forms.networks(each["addresses"]) for each in address_groups}
        return Rules(shown, tuple(rules), members, {each: found.get(each, frozenset()) for each in named})

    async def here(self, group_ids: Iterable[str], pod_id: str) -> frozenset[str]:
        """Those of some groups that have members in a pod.

        Who asks has mostly just heard of such a member, so the ports that came last are looked at first. Only if that
        is not enough, all members are: there may be many, of all pods.
        """
        wanted = set(group_ids)
        found, certain = await self._lately_here(wanted, pod_id)
        if certain:
            return found
        members = await self.members(wanted - found, pod_id)
        return found | {each for each, them in members.items() if them.here}

    async def _lately_here(self, wanted: set[str], pod_id: str) -> tuple[frozenset[str], bool]:
        """Those of some groups of which ports that came last to a pod are members; whether there can be no others."""
        statement = select(PlacementRow.port_id).where(PlacementRow.pod_id == pod_id)
        async with self._database.transaction() as session:
            last = list(await session.scalars(statement.order_by(PlacementRow.created_at.desc()).limit(AT_ONCE)))
        if not last or not wanted:
            return frozenset(), True
        groups, ports = sorted(wanted), [("id", each) for each in last]
        found: set[str] = set()
        for start in range(0, len(groups), _GROUPS_AT_ONCE):
            some = [("security_groups", each) for each in groups[start : start + _GROUPS_AT_ONCE]]
            pages = await self.central.list("ports", [*ports, *some], ["security_groups", "binding:profile"])
            found |= {group for port in pages if pod_of(port) == pod_id for group in port["security_groups"]}
        found &= wanted
        return frozenset(found), found == wanted or len(last) < AT_ONCE

    async def members(self, group_ids: Iterable[str], pod_id: str) -> dict[str, Members]:
        """Of each group, whether it has members in a pod, and the addresses of its members in other pods."""
        wanted = set(group_ids)
        ports = await self.central.of("ports", "security_groups", wanted, _MEMBER)
        return {each: _members([port for port in ports if each in port["security_groups"]], pod_id) for each in wanted}

    async def remote_group(self, group_id: str, pod_id: str) -> tuple[JSON, Members] | None:
        """A security group that rules in a pod name, and its members; None where no group there has such a rule."""
        rules, shown = await asyncio.gather(
            self.central.list("security-group-rules", [("remote_group_id", group_id)], ["security_group_id"]),
            self.central.show("security-groups", group_id),
        )
        users = {str(rule["security_group_id"]) for rule in rules}
        here, certain = await self._lately_here(users, pod_id)
        if shown is None or (certain and not here):
            return None
        # Where the last ports do not tell, those that are read for their addresses may: the group often names itself.
        members = await self.members({group_id} if here else {group_id, *users}, pod_id)
        return (shown, members[group_id]) if here or any(members[each].here for each in users) else None

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
        return await self.here({rule["security_group_id"] for rule in rules}, pod_id)

    async def policy(self, policy_id: str, pod_id: str) -> Policy | None:
        """A QoS policy; None where it is gone, or neither a port in the pod nor the network of one has it."""
        shown, shares = await asyncio.gather(self.central.show("qos/policies", policy_id), self._shares(policy_id))
        return Policy(shown, shares) if shown is not None and await self._is_used(policy_id, pod_id) else None

    async def _is_used(self, policy_id: str, pod_id: str) -> bool:
        """Whether a policy is that of anything in a pod. Neutron cannot be asked for that, and an administrator may
        give it to anybody's: so all that is in the pod is looked at, networks first and the ports that came last.
        """
        statement = select(PlacementRow.port_id, PlacementRow.network_id).where(PlacementRow.pod_id == pod_id)
        async with self._database.transaction() as session:
            rows = (await session.execute(statement.order_by(PlacementRow.created_at.desc()))).all()
        networks = await self.central.of("networks", "id", (network_id for _, network_id in rows), ["qos_policy_id"])
        if any(each.get("qos_policy_id") == policy_id for each in networks):
            return True
        for start in range(0, len(rows), AT_ONCE):
            some = [("id", port_id) for port_id, _ in rows[start : start + AT_ONCE]]
            ports = await self.central.list("ports", some, ["qos_policy_id", "binding:profile"])
            if any(each.get("qos_policy_id") == policy_id and pod_of(each) == pod_id for each in ports):
                return True
        return False

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
        ports = [each for each in ports if pod_of(each) == pod_id]
        limited = {str(each["qos_policy_id"]) for each in (*ports, *networks) if each.get("qos_policy_id")}
        group_ids = {group for each in ports for group in each["security_groups"]}
        groups = await central.of("security-groups", "id", group_ids)
        rules = [rule for group in groups for rule in group["security_group_rules"]]
        remote = {str(rule["remote_group_id"]) for rule in rules if rule.get("remote_group_id")}
        named = {str(rule["remote_address_group_id"]) for rule in rules if rule.get("remote_address_group_id")}
        remote_groups, address_groups, members, policies, shares = await asyncio.gather(
            central.of("security-groups", "id", remote, ["project_id"]),
            central.of("address-groups", "id", named),
            self.members(remote, pod_id),
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


def _members(ports: Iterable[JSON], pod_id: str) -> Members:
    placed = [(port, pod_of(port)) for port in ports]
    elsewhere = (port for port, pod in placed if pod not in (None, pod_id))
    addresses = {
        each["ip_address"]
        for port in elsewhere
        for each in (*port["fixed_ips"], *(port.get("allowed_address_pairs") or ()))
    }
    return Members(any(pod == pod_id for _, pod in placed), forms.networks(addresses))


def _may_follow_from_mac(address: str) -> bool:
    """Whether an address looks like one that is made of a MAC: then its subnet has to be asked."""
    parsed = ip_address(address)
    return parsed.version == 6 and parsed.packed[11:13] == b"\xff\xfe"
