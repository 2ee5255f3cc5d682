"""The compute host: its resources, its servers and what they are doing."""

import concurrent.futures
from pathlib import Path
from typing import Any, ClassVar

from nova import exception
from nova.compute import power_state
from nova.image import glance
from nova.virt import fake, hardware
from oslo_log import log as logging

from lab_drivers import options, state
from lab_drivers.disks import Disks
from lab_drivers.pod_switch import PodSwitch
from lab_drivers.power import Power
from lab_drivers.shell import execute
from lab_drivers.state import ServerState, ServerStore

CONF = options.CONF
LOG = logging.getLogger(__name__)

RESTORE_WORKERS = 4

NOVA_POWER_STATES = {
    state.RUNNING: power_state.RUNNING,
    state.PAUSED: power_state.PAUSED,
    # As with a hypervisor that saves the memory to disk, a suspended server does not run.
    state.SUSPENDED: power_state.SHUTDOWN,
    state.SHUTDOWN: power_state.SHUTDOWN,
}

Json = dict[str, Any]


class HostDriver(fake.FakeDriverWithoutFakeNodes):
    """What the other parts of the driver build on."""

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
        if server.power_state in state.POWERED_STATES and not self._power.guest(server).is_on():
            return hardware.InstanceInfo(state=power_state.SHUTDOWN)
        return hardware.InstanceInfo(state=NOVA_POWER_STATES[server.power_state])

    def get_console_output(self, context: Any, instance: Any) -> str:
        return self._power.guest(self._server(instance)).console.tail()

    def _server(self, instance: Any) -> ServerState:
        server = self._store.get(instance.uuid)
        if server is None:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        if server.name != instance.display_name:
            # Nobody tells a driver that a server was renamed.
            server.name = instance.display_name
            self._store.save(server)
        return server

    def _disks(self, server: ServerState) -> Disks:
        return Disks(self._store.directory(server.uuid))

    def _say(self, server: ServerState, line: str) -> None:
        self._power.guest(server).console.say(line)
