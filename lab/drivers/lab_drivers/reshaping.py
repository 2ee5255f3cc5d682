"""Rescue and resize: a server that is switched off, changed and switched on again."""

from typing import Any

from lab_drivers import disks, network
from lab_drivers.host import HostDriver, Json
from lab_drivers.state import ServerState


class ReshapingDriver(HostDriver):
    """The driver's part for rescue, resize and migration to the same host."""

    def rescue(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        image_meta: Any,
        rescue_password: Any,
        block_device_info: Json | None,
        share_info: Any,
    ) -> None:
        server = self._server(instance)
        self._power.down(server)
        self._disks(server).add_image(server, self._images, context, image_meta.id, disks.RESCUE)
        server.rescued = True
        network.follow(server, network_info)
        self._power.up(instance, server)

    def unrescue(self, context: Any, instance: Any) -> None:
        server = self._server(instance)
        self._power.down(server)
        self._disks(server).detach(server, disks.RESCUE)
        server.rescued = False
        self._power.up(instance, server)

    def migrate_disk_and_power_off(
        self,
        context: Any,
        instance: Any,
        dest: str,
        flavor: Any,
        network_info: Any,
        block_device_info: Json | None = None,
        timeout: int = 0,
        retry_interval: int = 0,
    ) -> str:
        """Keep the disks as they are now, for a revert. Returns the disks' description, which nobody needs here."""
        server = self._server(instance)
        self._power.down(server)
        self._disks(server).save_to(self._store.resize_directory(server.uuid))
        self._store.keep_for_revert(server)
        return ""

    def finish_migration(
        self,
        context: Any,
        migration: Any,
        instance: Any,
        disk_info: str,
        network_info: Any,
        image_meta: Any,
        resize_instance: bool,
        allocations: Any,
        block_device_info: Json | None = None,
        power_on: bool = True,
        share_info: Any = None,
    ) -> None:
        self._reshape(self._server(instance), instance, network_info, block_device_info, power_on)

    def finish_revert_migration(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        migration: Any,
        block_device_info: Json | None = None,
        power_on: bool = True,
        share_info: Any = None,
    ) -> None:
        # The manager destroyed the resized server before.
        server = self._store.kept_for_revert(instance.uuid)
        self._store.save(server)
        self._disks(server).restore_from(self._store.resize_directory(server.uuid))
        self._reshape(server, instance, network_info, block_device_info, power_on)
        self._store.remove_resized(server.uuid)

    def confirm_migration(self, context: Any, migration: Any, instance: Any, network_info: Any) -> None:
        self._store.remove_resized(instance.uuid)

    def _reshape(
        self, server: ServerState, instance: Any, network_info: Any, block_device_info: Json | None, power_on: bool
    ) -> None:
        """Give a switched-off server the flavor, ports and volumes that Nova says it has now."""
        take_shape(server, instance)
        network.follow(server, network_info)
        self._disks(server).attach_all(server, block_device_info)
        self._store.save(server)
        if power_on:
            self._power.up(instance, server)


def take_shape(server: ServerState, instance: Any) -> None:
    """Note the size of the server's flavor."""
    server.vcpus = instance.flavor.vcpus
    server.memory_mb = instance.flavor.memory_mb
    server.disk_gb = instance.flavor.root_gb + instance.flavor.ephemeral_gb
