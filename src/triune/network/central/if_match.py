"""`If-Match` of a request that changes or removes a port: kept while Neutron repeats its transaction.

Neutron forgets it as soon as a transaction has looked at it, though the transaction may be rolled back and repeated;
what is repeated would overwrite whatever somebody else has made of the port meanwhile.
"""

from typing import Any, Final

from neutron_lib.callbacks import events, registry, resources

_KEPT: Final = "triune_transaction_constraint"


def subscribe() -> None:
    """Hear of every try to change or to remove a port, and of the end of the tries."""
    registry.subscribe(_before, resources.PORT, events.BEFORE_UPDATE)
    registry.subscribe(_before, resources.PORT, events.BEFORE_DELETE)
    registry.subscribe(_changed, resources.PORT, events.AFTER_UPDATE)


def _before(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    context = payload.context
    given, kept = context.get_transaction_constraint(), getattr(context, _KEPT, None)
    if given is not None:
        setattr(context, _KEPT, given)
    elif kept is not None and kept.resource_id == payload.resource_id:
        context.set_transaction_constraint(kept.resource, kept.resource_id, kept.if_revision_match)


def _changed(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    # What follows, as a port's binding, finds the port with a revision that this request has made itself.
    setattr(payload.context, _KEPT, None)
