"""Ports that Triune holds for itself: nobody else makes, changes and removes them."""

from typing import Any

from neutron_lib.callbacks import events, registry, resources

from triune.network.central.errors import ReservedDevice, ReservedPort
from triune.network.central.held import is_held, prefix_of


def subscribe() -> None:
    """Hear of ports before they are changed. Neutron removes them with their network by a context of its own."""
    registry.subscribe(_create, resources.PORT, events.BEFORE_CREATE)
    registry.subscribe(_update, resources.PORT, events.BEFORE_UPDATE)
    registry.subscribe(_delete, resources.PORT, events.BEFORE_DELETE)


def _changes(shown: Any, attributes: Any) -> bool:
    """Whether a change changes anything of a port as Neutron shows it.

    Neutron itself changes every port of a network by what it already is, as whoever adds a subnet in which ports find
    their addresses by themselves.
    """
    return any(name not in shown or shown[name] != value for name, value in attributes.items())


def _create(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    _refuse_device(payload.context, payload.latest_state)


def _update(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    # Neutron itself also says this of changed bindings and statuses, with models in place of what it shows.
    if payload.context.is_admin:
        return
    shown, attributes = payload.states[0], payload.latest_state
    if is_held(shown) and _changes(shown, attributes):
        raise ReservedPort(port_id=payload.resource_id)
    _refuse_device(payload.context, attributes)


def _delete(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    port = payload.metadata.get("port")
    if port and not payload.context.is_admin and is_held(port):
        raise ReservedPort(port_id=payload.resource_id)


def _refuse_device(context: Any, attributes: Any) -> None:
    prefix = prefix_of(attributes.get("device_id"))
    if prefix and not context.is_admin:
        raise ReservedDevice(prefix=prefix)
