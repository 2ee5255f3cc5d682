"""Brings one twin in one pod to what is wanted: found by routing or tag, made, mended, removed.

Every step may be repeated, and may have been left half-way by somebody else. What is made says from its first moment of
what it is the twin, so that it is found again whatever happened to the answer. Only what says so is touched.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from oslo_log import log as logging

from triune.network import names
from triune.network.names import TAG, tag
from triune.network.neutron import Neutron, Refused
from triune.network.plan import Ref, Twin, resolved
from triune.network.resources import RESOURCES, Resource
from triune.pods.routings import Routings

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# A pod with this driver loaded heeds tags in the POST of a port; for other resources Neutron takes none there.
_TAGS_IN_POST: Final = "tag-ports-during-bulk-creation"
_VNIC_TYPE: Final = "binding:vnic_type"
CONFLICT: Final = 409
BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404


class Unlike(Exception):
    """A twin differs in what cannot be changed."""


class Limits:
    """MTUs that a pod refused for a twin: they are not tried again until something changes."""

    def __init__(self) -> None:
        self._refused: dict[str, int] = {}

    def allows(self, twin_id: str, mtu: int) -> bool:
        """Whether this MTU has not been refused yet."""
        return mtu < self._refused.get(twin_id, mtu + 1)

    def refused(self, twin_id: str, mtu: int) -> None:
        """The pod cannot do this MTU, nor a greater one."""
        self._refused[twin_id] = mtu


class Realizer:
    """One pod. All methods raise `PodUnreachable` and `Refused` of its Neutron."""

    def __init__(self, neutron: Neutron, features: frozenset[str], routings: Routings, limits: Limits) -> None:
        self.neutron = neutron
        self.features = features
        self.routings = routings
        self.limits = limits

    @property
    def pod_id(self) -> str:
        """The pod's id."""
        return self.neutron.pod.id

    def body(self, wanted: Twin) -> JSON:
        """The attributes of a twin that this pod knows."""
        return RESOURCES[wanted.kind].known(wanted.body, self.features)

    async def ensure(self, wanted: Twin, ids: Mapping[Ref, str]) -> JSON:
        """See to it that a twin is as wanted; how the pod shows it. Raises `Unlike`."""
        return await self.bring(wanted, ids, await self.found(wanted))

    async def found(self, wanted: Twin) -> JSON | None:
        """The twin as it is in the pod, if it is there."""
        return await self._known(wanted) or await self._searched(wanted)

    async def bring(self, wanted: Twin, ids: Mapping[Ref, str], found: JSON | None) -> JSON:
        """The same for a twin that was just read, or is known not to be there. Raises `Unlike`."""
        body: JSON = resolved(self.body(wanted), ids)
        twin = found if found is not None and _is_twin(found, wanted) else await self._create(wanted, body)
        return await self._mend(wanted, body, twin)

    async def create_or_find(self, wanted: Twin, ids: Mapping[Ref, str]) -> JSON:
        """The same for a port that is not known to be there: no search first, for two cannot have one MAC.

        Raises `Unlike`.
        """
        body: JSON = resolved(self.body(wanted), ids)
        try:
            twin = await self._create(wanted, body)
        except Refused as error:
            if error.status != CONFLICT:
                raise
            found = await self._searched(wanted)
            if found is None:
                raise
            twin = found
        return await self._mend(wanted, body, twin)

    async def find(self, kind: str, top_id: str) -> list[JSON]:
        """Everything in the pod that says to be the twin of something, the oldest first."""
        resource, mark = RESOURCES[kind], tag(top_id)
        asked = [self.neutron.list(resource.path, [(resource.mark, mark)])]
        if resource.tags is not None:
            asked.append(self.neutron.list(resource.path, [("tags", f"{TAG},{mark}")]))
        found = {each["id"]: each for page in await asyncio.gather(*asked) for each in page}
        twins = [each for each in found.values() if resource.top_id(each) == top_id]
        return sorted(twins, key=lambda each: (str(each.get("created_at")), str(each["id"])))

    async def surplus(self, kind: str, top_id: str, owner: str | None) -> list[JSON]:
        """The twins of something that is not wanted in the pod.

        `owner` is its project, None where it is gone at the top: then what is remembered counts. Where nobody knows
        whose it was, whoever tagged it so takes the consequences.
        """
        owner = owner or await self.routings.owner(kind, top_id, self.pod_id)
        return [each for each in await self.find(kind, top_id) if owner in (None, each["project_id"])]

    async def remove(self, kind: str, top_id: str, owner: str | None) -> None:
        """Remove the twins of something (`surplus`), and forget it.

        Raises `Refused` 409 where something uses one.
        """
        for twin in await self.surplus(kind, top_id, owner):
            await self.neutron.delete(RESOURCES[kind].path, twin["id"])
            LOG.info("%s %s of %s removed from %s", kind, twin["id"], top_id, self.neutron.pod.region_name)
        await self.forget(kind, top_id)

    async def gone(self, ids: Mapping[Ref, str]) -> set[Ref]:
        """Those of some resources, by their ids in the pod, that are not there any more."""
        there: set[str] = set()
        for kind in {ref.kind for ref in ids}:
            some = [id_ for ref, id_ in ids.items() if ref.kind == kind]
            there |= {each["id"] for each in await self.neutron.of(RESOURCES[kind].path, "id", some, ["id"])}
        return {ref for ref, id_ in ids.items() if id_ not in there}

    async def forget(self, kind: str, top_id: str) -> None:
        """Drop what the table of routings says."""
        await self.routings.forget(kind, top_id, self.pod_id)

    async def _known(self, wanted: Twin) -> JSON | None:
        """The twin that the table of routings names, if it is there and says so itself."""
        bottom_id = await self.routings.bottom(wanted.kind, wanted.top_id, self.pod_id)
        if bottom_id is None:
            return None
        twin = await self.neutron.show(RESOURCES[wanted.kind].path, bottom_id)
        return twin if twin is not None and _is_twin(twin, wanted) else None

    async def _searched(self, wanted: Twin) -> JSON | None:
        """The twin by its tag. Of several the one in use stays, or the oldest; the others are removed."""
        twins = [each for each in await self.find(wanted.kind, wanted.top_id) if _is_twin(each, wanted)]
        if len(twins) > 1:
            used = await self._used(wanted.kind, twins)
            twins.sort(key=lambda each: each["id"] not in used)
            for surplus in twins[1:]:
                await self._remove_surplus(wanted, surplus)
        return twins[0] if twins else None

    async def _used(self, kind: str, twins: list[JSON]) -> frozenset[str]:
        if kind == names.PORT:
            return frozenset(each["id"] for each in twins if each.get("device_id"))
        if kind == names.NETWORK:
            ports = await self.neutron.of("ports", "network_id", (each["id"] for each in twins), ["network_id"])
            return frozenset(each["network_id"] for each in ports)
        if kind == names.ROUTER:
            ports = await self.neutron.of("ports", "device_id", (each["id"] for each in twins), ["device_id"])
            return frozenset(each["device_id"] for each in ports)
        return frozenset()

    async def _remove_surplus(self, wanted: Twin, surplus: JSON) -> None:
        try:
            await self.neutron.delete(RESOURCES[wanted.kind].path, surplus["id"])
        except Refused as error:
            if error.status != CONFLICT:
                raise
            LOG.warning("A second twin of %s %s is in use: %s", wanted.kind, wanted.top_id, error)

    async def _create(self, wanted: Twin, body: JSON) -> JSON:
        resource = RESOURCES[wanted.kind]
        new = {**body, resource.mark: tag(wanted.top_id), "project_id": wanted.project_id}
        # The pod says what it can do, and it is put right afterwards.
        new.pop("mtu", None)
        if not new.get("allocation_pools", True):
            # Neutron takes no pools for all addresses. Until they are gone nobody in the pod may ask for one.
            del new["allocation_pools"]
            if "ipv6_address_mode" not in new:
                new["enable_dhcp"] = False
        if wanted.kind == names.PORT and _TAGS_IN_POST in self.features:
            new["tags"] = sorted(_tags(wanted))
        twin = await self.neutron.create(resource.path, new)
        LOG.info("%s %s: %s made in %s", wanted.kind, wanted.top_id, twin["id"], self.neutron.pod.region_name)
        return twin

    async def _mend(self, wanted: Twin, body: JSON, twin: JSON) -> JSON:
        resource = RESOURCES[wanted.kind]
        if resource.tags is not None and set(twin.get("tags") or ()) != _tags(wanted):
            # First of all: until then only the mark tells what it is.
            tags = sorted(_tags(wanted))
            await self.neutron.act(f"{resource.tags}/{twin['id']}/tags", {"tags": tags})
            twin = {**twin, "tags": tags}
        changes = differences(resource, body, twin, self.limits)
        if fixed := sorted(resource.fixed & changes.keys()):
            shown = ", ".join(f"{name} is {twin[name]!r}, not {changes[name]!r}" for name in fixed)
            raise Unlike(f"{wanted.kind} {twin['id']} in {self.neutron.pod.region_name}: {shown}")
        mtu, vnic_type = changes.pop("mtu", None), changes.pop(_VNIC_TYPE, None)
        if changes:
            twin = await self.neutron.update(resource.path, twin["id"], _update(changes, twin))
        if mtu is not None:
            twin = await self._set_mtu(twin, mtu)
        if vnic_type is not None:
            twin = await self._set_vnic_type(twin, vnic_type)
        await self.routings.put(wanted.kind, wanted.top_id, self.pod_id, twin["id"], wanted.project_id)
        return twin

    async def _set_mtu(self, twin: JSON, mtu: int) -> JSON:
        try:
            return await self.neutron.update("networks", twin["id"], {"mtu": mtu})
        except Refused as error:
            if error.status != BAD_REQUEST:
                raise
            LOG.warning("%s", error)
            self.limits.refused(twin["id"], mtu)
            return twin

    async def _set_vnic_type(self, twin: JSON, vnic_type: str) -> JSON:
        """Last and by itself: a server that has the port keeps the type, and that may hold nothing else back."""
        try:
            return await self.neutron.update("ports", twin["id"], {_VNIC_TYPE: vnic_type})
        except Refused as error:
            if error.status not in (BAD_REQUEST, CONFLICT):
                raise
            LOG.warning("%s", error)
            return twin


def differences(resource: Resource, body: Mapping[str, Any], twin: Mapping[str, Any], limits: Limits) -> JSON:
    """The attributes of a twin that are not as wanted, its tags aside."""
    changes = resource.differs(body, twin)
    if "mtu" in changes and not limits.allows(twin["id"], changes["mtu"]):
        del changes["mtu"]
    return changes


def tags_differ(wanted: Twin, twin: Mapping[str, Any]) -> bool:
    """Whether a twin has other tags than it should."""
    return RESOURCES[wanted.kind].tags is not None and set(twin.get("tags") or ()) != _tags(wanted)


def _is_twin(found: Mapping[str, Any], wanted: Twin) -> bool:
    """Whether something of a pod is the twin: anybody can tag what is his own, so its owner has to be right too."""
    same = RESOURCES[wanted.kind].top_id(found) == wanted.top_id
    return same and found.get("project_id") == wanted.project_id


def _tags(wanted: Twin) -> set[str]:
    return {TAG, tag(wanted.top_id), *wanted.tags}


def _update(changes: JSON, twin: JSON) -> JSON:
    """A PUT's body: a DHCP option that is wanted no more has to be named, with nothing as its value.

    An address to which a floating IP leads is told together with its port.
    """
    if "fixed_ip_address" in changes and "port_id" not in changes:
        changes = {**changes, "port_id": twin["port_id"]}
    if "extra_dhcp_opts" not in changes:
        return changes
    wanted = {(each["opt_name"], each.get("ip_version", 4)) for each in changes["extra_dhcp_opts"]}
    surplus = [
        {"opt_name": each["opt_name"], "opt_value": None, "ip_version": each.get("ip_version", 4)}
        for each in twin.get("extra_dhcp_opts") or ()
        if (each["opt_name"], each.get("ip_version", 4)) not in wanted
    ]
    return {**changes, "extra_dhcp_opts": [*changes["extra_dhcp_opts"], *surplus]}
