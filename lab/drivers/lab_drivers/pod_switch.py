"""Plugging servers into the pod's Open vSwitch."""

import json
from collections.abc import Iterable, Sequence

from oslo_concurrency import processutils

from lab_drivers.plumbing import OWNER_KEY, add_port, delete_port, veth_command, wait_installed
from lab_drivers.shell import execute, ip_batch
from lab_drivers.state import Nic


class PodSwitch:
    def __init__(self, database: str, namespace: str) -> None:
        self._database = database
        self._namespace = namespace

    def plug(self, server_uuid: str, namespace: str, nics: Sequence[Nic]) -> None:
        """Make the interfaces anew and add them to the integration bridge; inside, they are still down."""
        if not nics:
            return
        self._delete_links(nic.tap for nic in nics)
        ip_batch([veth_command(namespace, self._namespace, nic) for nic in nics])
        for nic in nics:
            # A veth leaves checksums to hardware that does not exist; TCP through the userspace switch would stall.
            execute("ip", "netns", "exec", namespace, "ethtool", "-K", nic.device, "tx", "off")
        self.connect(nics)
        self._control(*(word for nic in nics for word in add_port(server_uuid, nic)))

    def unplug(self, taps: Sequence[str]) -> None:
        """Take interfaces off the bridge and delete them; those that are gone already do no harm."""
        if taps:
            self._control(*(word for tap in taps for word in delete_port(tap)))
            self._delete_links(taps)

    def connect(self, nics: Sequence[Nic]) -> None:
        ip_batch([f"link set {nic.tap} up" for nic in nics], namespace=self._namespace)

    def disconnect(self, nics: Sequence[Nic]) -> None:
        """Stop all traffic of the interfaces while they keep their addresses: inside, the carrier is lost."""
        ip_batch([f"link set {nic.tap} down" for nic in nics], namespace=self._namespace)

    def wait_wired(self, nics: Sequence[Nic], timeout: int) -> bool:
        """Wait until OVN has installed the flows of every interface; False when that takes over `timeout` seconds."""
        try:
            if nics:
                self._control(*(word for nic in nics for word in wait_installed(nic)), timeout=timeout)
        except processutils.ProcessExecutionError:
            return False
        return True

    def owners(self) -> dict[str, str]:
        """The interfaces of servers on this switch: tap by tap, the server that it belongs to."""
        shown = self._control("--format=json", "--columns=name,external_ids", "list", "Interface")
        rows = ((name, dict(ids[1])) for name, ids in json.loads(shown)["data"])
        return {name: ids[OWNER_KEY] for name, ids in rows if OWNER_KEY in ids}

    def _delete_links(self, taps: Iterable[str]) -> None:
        ip_batch([f"link delete {tap}" for tap in taps], namespace=self._namespace, force=True)

    def _control(self, *words: str, timeout: int = 20) -> str:
        return execute("ovs-vsctl", f"--db={self._database}", f"--timeout={timeout}", *words, timeout=timeout + 5)
