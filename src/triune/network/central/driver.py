"""The mechanism driver `triune`: checks where ports may be, and writes down what changes mean to pods.

It does all that in the transaction of the change. It binds no port by itself: which host a port is on, and with which
status, is said by Triune's worker, who sees it in the pod.
"""

from typing import Any

from neutron_lib import exceptions
from neutron_lib.api.definitions import portbindings, provider_net
from neutron_lib.plugins.ml2 import api

from triune.network.central import (
    flushes,
    groups,
    held,
    if_match,
    journal,
    outside,
    placements,
    presence,
    quality,
    reads,
    reserved,
    router_ports,
    routing,
    segments,
    settings,
    touched,
)
from triune.network.central.errors import PlacementRefused, PortHasServer, PresentNetwork
from triune.network.central.profile import BadProfile, Place, place
from triune.network.central.touched import Port
from triune.network.names import BOOT_DEVICE, NETWORK, server_of
from triune.work.requests import Key


class Driver(api.MechanismDriver):
    """What ML2 calls for networks, subnets and ports, inside the transaction (`*_precommit`) that changes them."""

    connectivity = portbindings.CONNECTIVITY_L2

    def initialize(self) -> None:
        """Also hear of what ML2 tells mechanism drivers nothing about."""
        settings.register()
        groups.subscribe()
        flushes.listen()
        reserved.subscribe()
        if_match.subscribe()
        quality.subscribe()
        segments.subscribe()

    def create_port_precommit(self, context: Any) -> None:
        """A port may be placed from its beginning."""
        shown = context.current
        self._port_changed(context, "", _routed(context, "", _place(shown)), shown)

    def update_port_precommit(self, context: Any) -> None:
        """A port is changed, placed, moved or released.

        A profile that this change does not touch says nothing: the table remembers where the port is.
        """
        session, shown = context.plugin_context.session, context.current
        pod_id = reads.pod_of_port(session, shown["id"]) or ""
        original = context.original or {}
        was_routed = router_ports.router_of(session, original) is not None
        if not was_routed and original.get(portbindings.PROFILE) == shown.get(portbindings.PROFILE):
            wanted = Place(pod_id) if pod_id else None
        else:
            wanted = _place(shown)
        wanted = _routed(context, pod_id, wanted)
        _refuse_claim(original, shown)
        if pod_id and (wanted is None or wanted.pod_id != pod_id) and server_of(shown):
            raise PortHasServer(port_id=shown["id"], server_id=shown["device_id"])
        self._port_changed(context, pod_id, wanted, original)
        if held.pod_of(shown) and original.get("fixed_ips") != shown["fixed_ips"]:
            self._reserve_changed(context)

    def delete_port_precommit(self, context: Any) -> None:
        """A port and its twin go, whatever the port's server does."""
        session, shown = context.plugin_context.session, context.current
        pod_id = reads.pod_of_port(session, shown["id"]) or ""
        # Neutron has read the port before the transaction in which it goes.
        used = {
            "security_groups": reads.groups_of_port(session, shown["id"]),
            "qos_policy_id": reads.policy_of_port(session, shown["id"]),
        }
        router = router_ports.router_of(session, shown)
        if router is not None:
            journal.write(context.plugin_context, routing.lost_port(session, router, shown), router.project_id)
        self._port_changed(context, pod_id, None, {**shown, **used})
        if held.pod_of(shown):
            self._reserve_changed(context)

    def _port_changed(self, context: Any, pod_id: str, wanted: Place | None, original: dict[str, Any]) -> None:
        if not pod_id and wanted is None:
            return
        session, shown, network = context.plugin_context.session, context.current, context.network.current
        session.flush()
        router = router_ports.router_of(session, shown)
        # Neutron keeps gateways in no project.
        project_id = router.project_id if router is not None else shown["project_id"]
        policy = network.get("qos_policy_id")
        before = touched.port(original, pod_id, policy) if pod_id else None
        after = touched.port(shown, wanted.pod_id, policy) if wanted is not None else None
        if after is None:
            placements.remove(session, shown["id"], pod_id)
        elif after.pod_id != pod_id:
            self._check(context, after)
            if pod_id:
                placements.move(session, after, pod_id)
            else:
                placements.put(session, after, project_id)
        keys = journal.by_change(session, touched.by_port(before, after))
        if before is None or after is None or before.pod_id != after.pod_id:
            keys |= routing.moved_port(session, shown["id"], {each.pod_id for each in (before, after) if each})
        journal.write(context.plugin_context, keys, project_id)

    def _check(self, context: Any, port: Port) -> None:
        session, network = context.plugin_context.session, context.network
        types = {segment[api.NETWORK_TYPE] for segment in network.network_segments}
        elsewhere = set()
        if not presence.is_stretched(types):
            elsewhere = placements.hold(session, port.network_id, port.pod_id, port.id)
        hints = network.current.get("availability_zone_hints") or ()
        reason = presence.refusal(port.pod_id, reads.pods(session), hints, types, elsewhere)
        if reason is not None:
            raise PlacementRefused(port_id=port.id, pod_id=port.pod_id, reason=reason)

    def _reserve_changed(self, context: Any) -> None:
        shown = context.current
        key = Key(NETWORK, shown["network_id"], held.pod_of(shown))
        journal.write(context.plugin_context, {key}, shown["project_id"])

    def update_network_precommit(self, context: Any) -> None:
        """A network that is present, or has a twin yet, keeps its segment; other changes reach its pods."""
        before, after = context.original, context.current
        session = context.plugin_context.session
        pod_ids = reads.pods_of_network(session, after["id"])
        is_moved = any(before.get(name) != after.get(name) for name in provider_net.ATTRIBUTES)
        if is_moved and (pod_ids or reads.pods_of_routings(session, after["id"])):
            raise PresentNetwork(network_id=after["id"])
        journal.write(context.plugin_context, touched.by_network(before, after, pod_ids), after["project_id"])

    def delete_network_precommit(self, context: Any) -> None:
        """Neutron deletes no network with ports of users; the last of them may still be leaving a pod."""
        outside.remove(context.plugin_context.session, context.current["id"])
        self._network_touched(context, context.current, reads.pods_of_routings)

    def create_subnet_precommit(self, context: Any) -> None:
        """A network that is present gets a subnet."""
        self._subnet_touched(context)

    def update_subnet_precommit(self, context: Any) -> None:
        """A subnet of a network that is present changes."""
        self._subnet_touched(context)

    def delete_subnet_precommit(self, context: Any) -> None:
        """A network that is present loses a subnet."""
        self._subnet_touched(context)

    def _subnet_touched(self, context: Any) -> None:
        subnet = context.current
        self._network_touched(
            context, {"id": subnet["network_id"], "project_id": subnet["project_id"]}, reads.pods_of_network
        )

    def _network_touched(self, context: Any, network: dict[str, Any], pods_of: Any) -> None:
        pod_ids = pods_of(context.plugin_context.session, network["id"])
        keys = touched.in_pods(NETWORK, network["id"], pod_ids)
        journal.write(context.plugin_context, keys, network["project_id"])

    def bind_port(self, context: Any) -> None:
        """A placed port with a host is bound as what its pod made of it, with the status that its profile tells."""
        where = _place(context.current)
        if where is not None:
            segment = context.segments_to_bind[0]
            context.set_binding(segment[api.ID], portbindings.VIF_TYPE_OTHER, {}, where.status)


def _place(shown: dict[str, Any]) -> Place | None:
    try:
        return place(shown.get(portbindings.PROFILE))
    except BadProfile as error:
        raise PlacementRefused(port_id=shown["id"], pod_id="?", reason=str(error)) from error


def _routed(context: Any, pod_id: str, said: Place | None) -> Place | None:
    """Where a port is to be, of which its profile says `said`, and which is in `pod_id`, empty for nowhere."""
    session, shown = context.plugin_context.session, context.current
    router = router_ports.router_of(session, shown)
    return said if router is None else router_ports.place(session, router, shown, pod_id, said)


def _refuse_claim(original: dict[str, Any], shown: dict[str, Any]) -> None:
    """A port that has a device cannot be claimed for a boot, nor one that another boot has claimed."""
    before, after = original.get("device_id"), shown["device_id"]
    if before and before != after and after.startswith(BOOT_DEVICE):
        raise exceptions.PortInUse(port_id=shown["id"], net_id=shown["network_id"], device_id=before)
