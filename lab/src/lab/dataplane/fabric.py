"""The lab's networks as one thing to bring up and take down."""

from dataclasses import dataclass
from pathlib import Path

from lab.dataplane import plan, servers
from lab.dataplane.cable import Cable, CableEnd
from lab.dataplane.command import ip_batch
from lab.dataplane.daemon import Daemon
from lab.dataplane.namespace import Namespace
from lab.dataplane.open_vswitch import OpenVSwitch
from lab.dataplane.ovn import Ovn
from lab.dataplane.ownership import Ownership
from lab.dataplane.pods import Pod, PodRecord
from lab.dataplane.region import Region


@dataclass(frozen=True)
class ComponentStatus:
    """One daemon or cable: `state` is `up`, `down` or `cut`; `pid` and `log_file` are a daemon's."""

    name: str
    state: str
    pid: int | None = None
    log_file: Path | None = None


class Fabric:
    """The physical switch and, per region, a pod of Open vSwitch and OVN; all of it in userspace.

    Every method may be called at any time and any number of times: after a crash, a reboot or a deleted `.lab`, it gets
    to what its name says. What does not come to be within its deadline raises DataplaneError.
    """

    def __init__(self, lab_dir: Path) -> None:
        self._lab_dir = lab_dir.absolute()
        self._run_dir = self._lab_dir / "run"
        self._log_dir = self._lab_dir / "log"
        self._pods = PodRecord(self._lab_dir / "pods.json")
        self._ownership = Ownership(self._lab_dir)
        self._switch = OpenVSwitch(
            Namespace(plan.SWITCH_NAMESPACE), self._lab_dir / "switch", self._run_dir, self._log_dir
        )

    def up_switch(self) -> None:
        """The physical switch with the outside on its access port."""
        for namespace in (self._switch.namespace, Namespace(plan.OUTSIDE_NAMESPACE)):
            self._ownership.claim(namespace)
            namespace.ensure()
        self._switch.namespace.mute()
        _outside_cable().plug()
        ip_batch(
            [f"addr replace {address} dev {plan.OUTSIDE_GUEST_END}" for address in plan.OUTSIDE_ADDRESSES],
            namespace=plan.OUTSIDE_NAMESPACE,
        )
        self._switch.up(plan.physical_switch())

    def up_pod(self, region: Region) -> None:
        """A region's switch and OVN, cabled to the physical switch, which is brought up first when needed.

        Afterwards the OVN databases listen on `ovn/nb.sock` and `ovn/sb.sock`, the Open vSwitch database on
        `ovs/db.sock` in the region's directory. A cut cable is mended.
        """
        self.up_switch()
        pod = Pod.of(region)
        namespace = Namespace(pod.host)
        self._ownership.claim(namespace)
        self._pods.add(pod)
        namespace.ensure()
        namespace.mute()
        _pod_cable(pod.host).plug()
        self._switch.control(*plan.joined(plan.switch_port(pod.host)))
        ovn = self._ovn(pod)
        ovn.up_databases()
        self._open_vswitch(pod).up(plan.pod_switch(pod.host, plan.southbound_socket(pod.directory)))
        ovn.up_controllers()

    def down_pod(self, region: Region) -> None:
        """End a region's servers, its switch and its OVN; their databases and the servers' state stay on disk."""
        pod = Pod.of(region)
        servers.end_servers(pod.directory)
        self._ovn(pod).down()
        self._open_vswitch(pod).down()
        _pod_cable(pod.host).unplug()
        self._delete(Namespace(pod.host))
        self._pods.remove(pod)

    def down(self) -> None:
        """Take down every pod and the physical switch."""
        for pod in self._pods.read():
            self.down_pod(pod)
        self._switch.down()
        for namespace in (Namespace(plan.OUTSIDE_NAMESPACE), self._switch.namespace):
            self._delete(namespace)

    def cut_cable(self, region: Region) -> None:
        """Part a pod from the physical switch, and so from the other pods and the outside; `up_pod` mends it too."""
        _pod_cable(region.host).cut()

    def mend_cable(self, region: Region) -> None:
        _pod_cable(region.host).plug()

    def status(self) -> list[ComponentStatus]:
        """Every daemon and cable of the fabric, the physical switch first, then pod by pod."""
        found = [_daemon_status(daemon) for daemon in self._switch.daemons]
        for pod in self._pods.read():
            daemons = (*self._open_vswitch(pod).daemons, *self._ovn(pod).daemons)
            found += [_daemon_status(daemon) for daemon in daemons]
            found.append(ComponentStatus(f"{pod.host}-cable", "cut" if _pod_cable(pod.host).is_cut() else "up"))
        return found

    def _open_vswitch(self, pod: Pod) -> OpenVSwitch:
        return OpenVSwitch(Namespace(pod.host), pod.directory / "ovs", self._run_dir, self._log_dir)

    def _ovn(self, pod: Pod) -> Ovn:
        return Ovn(pod.host, pod.directory, self._run_dir, self._log_dir)

    def _delete(self, namespace: Namespace) -> None:
        namespace.delete()
        self._ownership.release(namespace)


def _pod_cable(host: str) -> Cable:
    return Cable(
        near=CableEnd(Namespace(plan.SWITCH_NAMESPACE), host),
        far=CableEnd(Namespace(host), plan.CABLE_POD_END),
        mtu_bytes=plan.CABLE_MTU_BYTES,
    )


def _outside_cable() -> Cable:
    return Cable(
        near=CableEnd(Namespace(plan.SWITCH_NAMESPACE), plan.OUTSIDE_SWITCH_PORT),
        far=CableEnd(Namespace(plan.OUTSIDE_NAMESPACE), plan.OUTSIDE_GUEST_END),
        mtu_bytes=plan.CABLE_MTU_BYTES,
    )


def _daemon_status(daemon: Daemon) -> ComponentStatus:
    running = daemon.is_running()
    return ComponentStatus(daemon.name, "up" if running else "down", daemon.find_pid(), daemon.log_file)
