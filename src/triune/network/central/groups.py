"""Security groups and their rules: Neutron tells of them inside the transaction, by callbacks."""

from typing import Any

from neutron_lib.callbacks import events, registry, resources

from triune.network.central import journal, reads, touched
from triune.network.central.touched import Reference
from triune.network.names import SECURITY_GROUP


def subscribe() -> None:
    """Hear of groups and rules. A group that was just made is nowhere yet."""
    registry.subscribe(_group_updated, resources.SECURITY_GROUP, events.PRECOMMIT_UPDATE)
    registry.subscribe(_group_deleted, resources.SECURITY_GROUP, events.PRECOMMIT_DELETE)
    registry.subscribe(_rule_created, resources.SECURITY_GROUP_RULE, events.PRECOMMIT_CREATE)
    registry.subscribe(_rule_deleted, resources.SECURITY_GROUP_RULE, events.PRECOMMIT_DELETE)


def _group_updated(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    session, group = payload.context.session, payload.desired_state
    keys = touched.in_pods(SECURITY_GROUP, group["id"], reads.pods_of_group(session, group["id"]))
    journal.write(payload.context, keys, group["project_id"])


def _group_deleted(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    session, group = payload.context.session, payload.latest_state
    session.flush()
    pod_ids = reads.pods_of_routings(session, group["id"])
    keys = touched.by_group_removal(group["id"], pod_ids, reads.uses(session, [group["id"]]))
    journal.write(payload.context, keys, group["project_id"])


def _rule_created(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    rule = payload.latest_state
    _rule_changed(payload.context, Reference(rule["security_group_id"]), removed=False)


def _rule_deleted(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    payload.context.session.flush()
    reference = reads.reference(payload.context.session, payload.resource_id)
    if reference is not None:
        _rule_changed(payload.context, reference, removed=True)


def _rule_changed(context: Any, reference: Reference, removed: bool) -> None:
    pod_ids = reads.pods_of_group(context.session, reference.group_id)
    if pod_ids:
        # An administrator's rule may be in a tenant's group.
        owner = reads.project_of_group(context.session, reference.group_id)
        journal.write(context, touched.by_rule(reference, pod_ids, removed), owner)
