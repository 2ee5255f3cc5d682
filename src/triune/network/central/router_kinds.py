"""The attributes `distributed` and `ha` of routers: kept and shown, and passed on to the pods that know them.

They are wishes of an administrator (Neutron's policy lets nobody else see them) about hosts inside of regions. A pod
whose Neutron knows no such attribute does what it does for every router.
"""

from typing import Any, Final

from neutron_lib import exceptions
from neutron_lib.api import validators
from neutron_lib.api.definitions import dvr, l3_ext_ha_mode
from neutron_lib.callbacks import events, registry, resources

_WISHES: Final = (dvr.DISTRIBUTED, l3_ext_ha_mode.HA_INFO)


def subscribe() -> None:
    """Hear of routers inside the transaction that makes or changes them."""
    registry.subscribe(_created, resources.ROUTER, events.PRECOMMIT_CREATE)
    registry.subscribe(_updated, resources.ROUTER, events.PRECOMMIT_UPDATE)


def _created(_resource: str, _event: str, plugin: Any, payload: Any) -> None:
    wanted, row = payload.latest_state, payload.metadata["router_db"]
    for name in _WISHES:
        wanted[name] = _wish(wanted.get(name))
        plugin.set_extra_attr_value(row, name, wanted[name])


def _updated(_resource: str, _event: str, _plugin: Any, payload: Any) -> None:
    """Raises `BadRequest` (400) where a wish is changed: pods would have to take the router apart."""
    before, wanted = payload.states[0], payload.request_body
    for name in _WISHES:
        if validators.is_attr_set(wanted.get(name)) and bool(wanted[name]) != bool(before.get(name)):
            raise exceptions.BadRequest(resource="router", msg=f"{name} of a router is chosen when it is made")


def _wish(value: Any) -> bool:
    return bool(validators.is_attr_set(value) and value)
