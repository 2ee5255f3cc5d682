"""Veth pairs between namespaces."""

from dataclasses import dataclass

from lab.dataplane.command import ip_batch, run
from lab.dataplane.namespace import Namespace


@dataclass(frozen=True)
class CableEnd:
    namespace: Namespace
    device: str


@dataclass(frozen=True)
class Cable:
    """A veth pair; cutting it takes the `near` end down, which the far end sees as a lost carrier."""

    near: CableEnd
    far: CableEnd
    mtu_bytes: int

    def plug(self) -> None:
        """Make the pair unless it is there, whole and in place; mends a cut one."""
        if not (_exists(self.near) and _exists(self.far)):
            self.unplug()
            near, far = self.near, self.far
            ip_batch(
                [
                    f"link add {near.device} netns {near.namespace.name} mtu {self.mtu_bytes} type veth "
                    f"peer name {far.device} netns {far.namespace.name} mtu {self.mtu_bytes}"
                ]
            )
            for end in (near, far):
                # A veth leaves checksums to hardware that does not exist; a userspace switch would carry them wrong.
                run(["ip", "netns", "exec", end.namespace.name, "ethtool", "-K", end.device, "tx", "off"])
        for end in (self.near, self.far):
            ip_batch([f"link set {end.device} up"], namespace=end.namespace.name)

    def cut(self) -> None:
        ip_batch([f"link set {self.near.device} down"], namespace=self.near.namespace.name)

    def is_cut(self) -> bool:
        """Whether the pair is absent or its near end is down."""
        if not _exists(self.near):
            return True
        return "UP" not in run(["ip", "-n", self.near.namespace.name, "link", "show", self.near.device]).split(">")[0]

    def unplug(self) -> None:
        """Remove what there is of the pair."""
        for end in (self.near, self.far):
            if _exists(end):
                ip_batch([f"link delete {end.device}"], namespace=end.namespace.name)


def _exists(end: CableEnd) -> bool:
    if not end.namespace.exists():
        return False
    shown = run(["ip", "-n", end.namespace.name, "-brief", "link", "show"])
    return any(line.split()[0].split("@")[0] == end.device for line in shown.splitlines() if line.strip())
