"""A compute driver for which a server is a network namespace with real interfaces, addresses and disks."""

import concurrent.futures
from pathlib import Path
from typing import Any, ClassVar

from nova import exception
from nova.compute import power_state, task_states
from nova.compute import utils as compute_utils
from nova.image import glance
from nova.virt import fake, hardware
from oslo_log import log as logging
from oslo_utils import excutils

from lab_drivers import disks, network, options, state
from lab_drivers.disks import Disks
from lab_drivers.pod_switch import PodSwitch
from lab_drivers.power import LEASE_SECONDS, Power
from lab_drivers.shell import execute
from lab_drivers.state import ServerState, ServerStore

CONF = options.CONF
LOG = logging.getLogger(__name__)

ROOT_DEVICE = "/dev/vda"
RESTORE_WORKERS = 4

NOVA_POWER_STATES = {
    state.RUNNING: power_state.RUNNING,
    state.PAUSED: power_state.PAUSED,
    # As with a hypervisor that saves the memory to disk, a suspended server does not run.
    state.SUSPENDED: power_state.SHUTDOWN,
    state.SHUTDOWN: power_state.SHUTDOWN,
}

Json = dict[str, Any]


class NamespaceDriver(fake.FakeDriverWithoutFakeNodes):
    """ACTIVE means: the namespace `vm-<uuid>` exists, its interfaces are plugged and OVN carries their packets."""

    capabilities: ClassVar[dict[str, bool]] = {
        **fake.FakeDriver.capabilities,
        "has_imagecache": False,
        "supports_migrate_to_same_host": True,
        "supports_bfv_rescue": True,
        "supports_image_type_qcow2": True,
        "supports_accelerators": False,
        "supports_remote_managed_ports": False,
        "supports_virtio_fs": False,
        "supports_mem_backing_file": False,
    }

    # Room for hundreds of small servers on a machine that has less: namespaces use next to nothing of it.
    vcpus = 64
    memory_mb = 65536
    local_gb = 1024

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        self._images = glance.API()
        self._store = ServerStore(Path(CONF.lab.state_path))
        self._power = Power(virtapi, self._store, PodSwitch(CONF.lab.ovs_db, CONF.lab.pod_namespace))

    # --- the host

    def init_host(self, host: str) -> None:
        """Bring back every server that ran when the service, the lab or the machine stopped."""
        super().init_host(host)
        for path in self._store.load():
            LOG.error("The state file %s is damaged, its server is not brought back", path)
        self._power.remove_stray_ports()
        with concurrent.futures.ThreadPoolExecutor(RESTORE_WORKERS) as pool:
            list(pool.map(self._power.bring_back, self._store.all()))

    def get_available_resource(self, nodename: str) -> Json:
        servers = self._store.all()
        return {
            **super().get_available_resource(nodename),
            "vcpus_used": sum(server.vcpus for server in servers),
            "memory_mb_used": sum(server.memory_mb for server in servers),
            "local_gb_used": sum(server.disk_gb for server in servers),
        }

    def get_host_uptime(self) -> str:
        return execute("uptime")

    # --- what there is

    def list_instances(self) -> list[str]:
        return [server.instance_name for server in self._store.all()]

    def list_instance_uuids(self) -> list[str]:
        return [server.uuid for server in self._store.all()]

    def get_num_instances(self) -> int:
        return len(self._store.all())

    def instance_exists(self, instance: Any) -> bool:
        return self._store.get(instance.uuid) is not None

    def instance_on_disk(self, instance: Any) -> bool:
        return self._store.directory(instance.uuid).exists()

    def get_info(self, instance: Any, use_cache: bool = True) -> hardware.InstanceInfo:
        server = self._server(instance)
        if server.name != instance.display_name:
            # A rename is no business of drivers; this is where one hears of it.
            server.name = instance.display_name
            self._store.save(server)
        if server.power_state in state.POWERED_STATES and not self._power.guest(server).is_on():
            return hardware.InstanceInfo(state=power_state.SHUTDOWN)
        return hardware.InstanceInfo(state=NOVA_POWER_STATES[server.power_state])

    def get_console_output(self, context: Any, instance: Any) -> str:
        return self._power.guest(self._server(instance)).console.tail()

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
        _take_shape(server, instance)
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

    # --- rescue, resize

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

    # --- interfaces and volumes

    def plug_vifs(self, instance: Any, network_info: Any) -> None:
        """Nothing to do: `init_host` plugged every server before the manager asks for each."""

    def unplug_vifs(self, instance: Any, network_info: Any) -> None:
        """Nothing to do: interfaces go with the namespace."""

    def attach_interface(self, context: Any, instance: Any, image_meta: Any, vif: Any) -> None:
        server = self._server(instance)
        if server.nic(vif["id"]):
            raise exception.InterfaceAttachFailed(instance_uuid=instance.uuid)
        nic = network.nic_of(vif, server.free_device())
        server.nics.append(nic)
        self._store.save(server)
        guest = self._power.guest(server)
        if guest.is_on():
            guest.attach(nic)
            guest.wait_wired([nic], CONF.vif_plugging_timeout)
            guest.configure([nic], LEASE_SECONDS)
        guest.console.say(f"{nic.device}: {nic.mac}, mtu {nic.mtu}, port {nic.port_id}, attached")

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        server = self._server(instance)
        nic = server.nic(vif["id"])
        if nic is None:
            raise exception.InterfaceDetachFailed(instance_uuid=instance.uuid)
        guest = self._power.guest(server)
        guest.detach(nic)
        server.nics.remove(nic)
        self._store.save(server)
        guest.console.say(f"{nic.device}: {nic.mac}, port {nic.port_id}, detached")

    def default_root_device_name(self, instance: Any, image_meta: Any, root_bdm: Any) -> str:
        return ROOT_DEVICE

    def get_device_name_for_instance(self, instance: Any, bdms: Any, block_device_obj: Any) -> str:
        taken = [bdm.device_name for bdm in bdms if bdm.device_name]
        taken.append(instance.root_device_name or ROOT_DEVICE)
        return str(
            compute_utils.get_next_device_name(
                instance, taken, instance.root_device_name or ROOT_DEVICE, block_device_obj.device_name
            )
        )

    def attach_volume(
        self,
        context: Any,
        connection_info: Json,
        instance: Any,
        mountpoint: str,
        disk_bus: Any = None,
        device_type: Any = None,
        encryption: Any = None,
    ) -> None:
        server = self._server(instance)
        disk = self._disks(server).attach(server, connection_info, mountpoint)
        self._store.save(server)
        self._say(server, f"{disk.device}: {disk.source}, attached")

    def detach_volume(
        self, context: Any, connection_info: Json, instance: Any, mountpoint: str, encryption: Any = None
    ) -> None:
        server = self._server(instance)
        device = self._disks(server).detach(server, mountpoint)
        self._store.save(server)
        self._say(server, f"{device}: detached")

    def swap_volume(
        self,
        context: Any,
        old_connection_info: Json,
        new_connection_info: Json,
        instance: Any,
        mountpoint: str,
        resize_to: int,
    ) -> None:
        """Copy the old volume's bytes to the new one and put it in its place."""
        server = self._server(instance)
        disks.copy_bytes(disks.connected_path(old_connection_info), disks.connected_path(new_connection_info))
        disk = self._disks(server).attach(server, new_connection_info, mountpoint)
        self._store.save(server)
        self._say(server, f"{disk.device}: {disk.source}, swapped in")

    def extend_volume(self, context: Any, connection_info: Json, instance: Any, requested_size: int) -> None:
        """The file has grown already; say so. `requested_size` is in bytes."""
        path = disks.connected_path(connection_info)
        self._say(self._server(instance), f"{path}: grown to {requested_size} bytes")

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

    # --- helpers

    def _server(self, instance: Any) -> ServerState:
        server = self._store.get(instance.uuid)
        if server is None:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return server

    def _disks(self, server: ServerState) -> Disks:
        return Disks(self._store.directory(server.uuid))

    def _say(self, server: ServerState, line: str) -> None:
        self._power.guest(server).console.say(line)

    def _reshape(
        self, server: ServerState, instance: Any, network_info: Any, block_device_info: Json | None, power_on: bool
    ) -> None:
        """Give a switched-off server the flavor, ports and volumes that Nova says it has now."""
        _take_shape(server, instance)
        network.follow(server, network_info)
        self._disks(server).attach_all(server, block_device_info)
        self._store.save(server)
        if power_on:
            self._power.up(instance, server)


def _take_shape(server: ServerState, instance: Any) -> None:
    server.vcpus = instance.flavor.vcpus
    server.memory_mb = instance.flavor.memory_mb
    server.disk_gb = instance.flavor.root_gb + instance.flavor.ephemeral_gb
