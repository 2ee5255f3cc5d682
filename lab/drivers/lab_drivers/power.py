"""Switching servers on and off, and keeping their state files true."""

from collections.abc import Sequence
from typing import Any

from nova import exception
from oslo_concurrency import processutils
from oslo_log import log as logging
from oslo_utils import excutils

from lab_drivers import options, state
from lab_drivers.guest import Guest
from lab_drivers.pod_switch import PodSwitch
from lab_drivers.state import ServerState, ServerStore

CONF = options.CONF
LOG = logging.getLogger(__name__)

LEASE_SECONDS = 3.0
# Nobody waits for addresses while the service starts; the clients get them a moment later.
RESTORE_LEASE_SECONDS = 0.0


class Power:
    def __init__(self, virtapi: Any, store: ServerStore, switch: PodSwitch) -> None:
        self._virtapi = virtapi
        self._store = store
        self._switch = switch

    def guest(self, server: ServerState) -> Guest:
        return Guest(server, self._store.directory(server.uuid), self._switch)

    def up(self, instance: Any, server: ServerState, events: Sequence[tuple[str, str]] = ()) -> None:
        """Switch a server on and wait until its ports are wired: for Neutron's `events`, and for OVN's own word.

        With `vif_plugging_is_fatal`, a server whose ports are not wired in time stays off and
        VirtualInterfaceCreateException is raised.
        """
        guest = self.guest(server)
        try:
            wired = self._plug(instance, server, guest, list(events))
        except Exception:  # noqa: BLE001 - whatever it was, it is raised again once the server is off
            with excutils.save_and_reraise_exception():
                self.down(server)
        if not wired and CONF.vif_plugging_is_fatal:
            self.down(server)
            raise exception.VirtualInterfaceCreateException()
        self._keep(server, state.RUNNING)
        guest.boot(LEASE_SECONDS)

    def down(self, server: ServerState) -> None:
        guest = self.guest(server)
        was_on = guest.is_on()
        guest.switch_off()
        self._keep(server, state.SHUTDOWN)
        if was_on:
            guest.console.say("power off")

    def freeze(self, server: ServerState, power_state: str) -> None:
        guest = self.guest(server)
        guest.freeze()
        self._keep(server, power_state)
        guest.console.say(power_state)

    def thaw(self, server: ServerState) -> None:
        guest = self.guest(server)
        guest.thaw()
        self._keep(server, state.RUNNING)
        guest.console.say("continued")

    def bring_back(self, server: ServerState) -> None:
        """Make what the state file says true again after the lab or the machine stopped."""
        guest = self.guest(server)
        try:
            if server.power_state not in state.POWERED_STATES or guest.is_whole():
                return
            guest.switch_on()
            guest.boot(RESTORE_LEASE_SECONDS)
            if server.power_state != state.RUNNING:
                guest.freeze()
        except processutils.ProcessExecutionError:
            # One server that cannot be brought back must not keep the others from coming.
            LOG.exception("Server %s is not brought back", server.uuid)

    def remove_stray_ports(self) -> None:
        """Unplug what servers left on the switch that do not exist any more."""
        known = {server.uuid for server in self._store.all()}
        self._switch.unplug([tap for tap, owner in self._switch.owners().items() if owner not in known])

    def _plug(self, instance: Any, server: ServerState, guest: Guest, events: list[tuple[str, str]]) -> bool:
        timeout = CONF.vif_plugging_timeout
        try:
            with self._virtapi.wait_for_instance_event(
                instance, events if timeout else [], timeout=timeout, error_callback=_plugging_failed
            ):
                guest.switch_on()
        except exception.InstanceEventTimeout:
            return False
        return not timeout or guest.wait_wired(server.nics, timeout)

    def _keep(self, server: ServerState, power_state: str) -> None:
        server.power_state = power_state
        self._store.save(server)


def _plugging_failed(event_name: str, instance: Any) -> None:
    LOG.error("Neutron reports that %s failed", event_name, instance=instance)
    if CONF.vif_plugging_is_fatal:
        raise exception.VirtualInterfaceCreateException()
