"""QoS policies: accepted for every port, and brought to the pods by their keys."""

from typing import Any, Final

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.db import constants as database
from neutron_lib.plugins import constants as plugins
from neutron_lib.plugins import directory
from neutron_lib.services.qos import base
from neutron_lib.services.qos import constants as qos

from triune.network.central import journal, reads, touched
from triune.network.names import QOS_POLICY

_AMOUNT: Final = {"type:range": [0, database.DB_INTEGER_MAX_VALUE]}
_DIRECTION: Final = {"type:values": constants.VALID_DIRECTIONS}

# Kinds of rules that need no agreement with a scheduler. What a pod's own Neutron does not support is told by its job.
RULES: Final = {
    qos.RULE_TYPE_BANDWIDTH_LIMIT: {
        qos.MAX_KBPS: _AMOUNT,
        qos.MAX_BURST: _AMOUNT,
        qos.DIRECTION: _DIRECTION,
    },
    qos.RULE_TYPE_DSCP_MARKING: {qos.DSCP_MARK: {"type:values": constants.VALID_DSCP_MARKS}},
    qos.RULE_TYPE_PACKET_RATE_LIMIT: {
        qos.MAX_KPPS: _AMOUNT,
        qos.MAX_BURST_KPPS: _AMOUNT,
        qos.DIRECTION: {"type:values": (*constants.VALID_DIRECTIONS, constants.ANY_DIRECTION)},
    },
}


class QualityDriver(base.DriverBase):
    """What the QoS plugin calls inside its transactions; a rule's change is an update of its policy."""

    def update_policy_precommit(self, context: Any, policy: Any) -> None:
        """A policy or its rules changed."""
        context.session.flush()
        self._write(context, policy.id, policy.project_id, reads.pods_of_policy(context.session, policy.id))

    def delete_policy_precommit(self, context: Any, policy: Any) -> None:
        """A policy that nothing uses any more is removed; its twins may still be there."""
        # Neutron tells nothing but its id, and what an administrator removes is mostly somebody else's.
        project_id = None if context.is_admin else context.project_id
        self._write(context, policy.id, project_id, reads.pods_of_routings(context.session, policy.id))

    def _write(self, context: Any, policy_id: str, project_id: str | None, pod_ids: set[str]) -> None:
        journal.write(context, touched.in_pods(QOS_POLICY, policy_id, pod_ids), project_id)


def subscribe() -> QualityDriver:
    """Offer the driver to the QoS plugin, which is loaded later."""
    registry.subscribe(_forget_scheduler, resources.PROCESS, events.AFTER_INIT)
    return QualityDriver("triune", [portbindings.VIF_TYPE_OTHER], portbindings.VNIC_TYPES, RULES)


def _forget_scheduler(_resource: str, _event: str, _trigger: Any, payload: Any = None) -> None:
    """Keep the QoS plugin from rewriting the profiles of a network's ports when the network gets another policy.

    It does so to keep a scheduler's allocations, which central Neutron has none of, and drops all else of a profile.
    """
    plugin = directory.get_plugin(plugins.QOS)
    if plugin is not None:
        callback = plugin._check_network_for_placement_allocation_change
        registry.unsubscribe(callback, resources.NETWORK, events.AFTER_UPDATE)
