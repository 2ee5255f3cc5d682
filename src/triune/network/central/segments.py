"""Segments that go with their network: nobody outside of central Neutron is told."""

from typing import Any

from neutron.manager import NeutronManager
from neutron.services.segments import db
from neutron_lib.callbacks import events, registry, resources


def subscribe() -> None:
    """Hear when the server is ready."""
    registry.subscribe(_forget_scheduler, resources.PROCESS, events.AFTER_INIT)


def _forget_scheduler(_resource: str, _event: str, _trigger: Any, payload: Any = None) -> None:
    """Keep Neutron from telling a Placement service, which central Neutron has none of, of segments that are gone.

    The plugin of segments does so, which Neutron makes for itself where none is configured, when the first network is
    removed. So it is made now.
    """
    if db.check_user_configured_segment_plugin():
        return
    if db.segments_plugin is None:
        db.segments_plugin = NeutronManager.load_class_for_provider("neutron.service_plugins", "segments")()
    callback = db.segments_plugin.nova_updater._notify_segment_deleted
    registry.unsubscribe(callback, resources.SEGMENT, events.AFTER_DELETE)
