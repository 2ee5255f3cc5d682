"""Interfaces and volumes that come and go while a server exists."""

from typing import Any

from nova import exception
from nova.compute import utils as compute_utils

from lab_drivers import disks, network, options
from lab_drivers.host import HostDriver, Json
from lab_drivers.power import LEASE_SECONDS

CONF = options.CONF

ROOT_DEVICE = "/dev/vda"


class AttachmentDriver(HostDriver):
    """The driver's part for ports and volumes."""

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
