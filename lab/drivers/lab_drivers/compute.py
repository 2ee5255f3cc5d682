"""A compute driver for which a server is a network namespace with real interfaces, addresses and disks."""

from typing import Any

from nova import exception
from nova.compute import task_states
from oslo_log import log as logging
from oslo_utils import excutils

from lab_drivers import disks, network, state
from lab_drivers.attachments import ROOT_DEVICE, AttachmentDriver
from lab_drivers.host import Json
from lab_drivers.power import LEASE_SECONDS
from lab_drivers.reshaping import ReshapingDriver, take_shape
from lab_drivers.state import ServerState

LOG = logging.getLogger(__name__)


class NamespaceDriver(AttachmentDriver, ReshapingDriver):
    """ACTIVE means: the namespace `vm-<uuid>` exists, its interfaces are plugged and OVN carries their packets."""

    # --- life and death

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        injected_files: Any,
        admin_password: Any,
        allocations: Any,
        network_info: Any = None,
        block_device_info: Json | None = None,
        power_on: bool = True,
        accel_info: Any = None,
    ) -> None:
        server = ServerState(instance.uuid, instance.display_name, instance.name)
        server.root_device = disks.device_name(instance.root_device_name or ROOT_DEVICE)
        take_shape(server, instance)
        network.follow(server, network_info)
        self._store.save(server)
        own = self._disks(server)
        if instance.image_ref:
            own.add_image(server, self._images, context, instance.image_ref, server.root_device)
            server.disk_format = image_meta.disk_format if "disk_format" in image_meta else server.disk_format
        own.add_blanks(server, block_device_info)
        own.attach_all(server, block_device_info)
        self._store.save(server)
        if power_on:
            self._power.up(instance, server, network.unwired_events(network_info))

    def destroy(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        block_device_info: Json | None = None,
        destroy_disks: bool = True,
        destroy_secrets: bool = True,
    ) -> None:
        server = self._store.get(instance.uuid)
        if server is not None:
            self._power.down(server)
        self.cleanup(context, instance, network_info, block_device_info, destroy_disks)

    def cleanup(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        block_device_info: Json | None = None,
        destroy_disks: bool = True,
        migrate_data: Any = None,
        destroy_vifs: bool = True,
        destroy_secrets: bool = True,
    ) -> None:
        if destroy_disks:
            self._store.remove(instance.uuid)
            if instance.task_state == task_states.DELETING:
                self._store.remove_resized(instance.uuid)

    def reboot(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        reboot_type: str,
        block_device_info: Json | None = None,
        bad_volumes_callback: Any = None,
        accel_info: Any = None,
        share_info: Any = None,
    ) -> None:
        server = self._server(instance)
        guest = self._power.guest(server)
        if reboot_type == "SOFT" and server.power_state == state.RUNNING and guest.is_whole():
            guest.reboot(LEASE_SECONDS)
            return
        self.power_on(context, instance, network_info, block_device_info)

    # --- power

    def power_on(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        block_device_info: Json | None = None,
        accel_info: Any = None,
        share_info: Any = None,
    ) -> None:
        server = self._server(instance)
        self._power.down(server)
        network.follow(server, network_info)
        self._disks(server).attach_all(server, block_device_info)
        self._power.up(instance, server)

    def power_off(self, instance: Any, timeout: int = 0, retry_interval: int = 0) -> None:
        self._power.down(self._server(instance))

    def soft_delete(self, instance: Any) -> None:
        # The manager switches the server off instead.
        raise NotImplementedError

    def restore(self, instance: Any) -> None:
        # The manager switches the server on instead: it knows the networks.
        raise NotImplementedError

    def resume_state_on_host_boot(
        self, context: Any, instance: Any, network_info: Any, share_info: Any, block_device_info: Json | None = None
    ) -> None:
        if not self._power.guest(self._server(instance)).is_on():
            self.power_on(context, instance, network_info, block_device_info)

    def pause(self, instance: Any) -> None:
        self._power.freeze(self._server(instance), state.PAUSED)

    def unpause(self, instance: Any) -> None:
        self._power.thaw(self._server(instance))

    def suspend(self, context: Any, instance: Any) -> None:
        self._power.freeze(self._server(instance), state.SUSPENDED)

    def resume(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        block_device_info: Json | None = None,
        share_info: Any = None,
    ) -> None:
        server = self._server(instance)
        if self._power.guest(server).is_on():
            self._power.thaw(server)
        else:
            self.power_on(context, instance, network_info, block_device_info)

    # --- images

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Any) -> None:
        """Upload the root disk as it is at this moment."""
        server = self._store.get(instance.uuid)
        if server is None:
            raise exception.InstanceNotRunning(instance_id=instance.uuid)
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        name = self._images.get(context, image_id)["name"]
        metadata = {
            "status": "active",
            "name": name,
            "disk_format": server.disk_format,
            "container_format": "bare",
            "properties": {
                "image_location": "snapshot",
                "image_state": "available",
                "owner_id": instance.project_id,
            },
        }
        update_task_state(task_state=task_states.IMAGE_UPLOADING, expected_state=task_states.IMAGE_PENDING_UPLOAD)
        with self._disks(server).path(server.root_device).open("rb") as root_disk:
            try:
                self._images.update(context, image_id, metadata, data=root_disk, purge_props=False)
            except Exception:
                with excutils.save_and_reraise_exception():
                    LOG.exception("The snapshot %s was not uploaded", image_id, instance=instance)
