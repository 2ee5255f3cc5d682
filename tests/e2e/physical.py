"""The physical network between the pods: a router of the operator's on a VLAN, cables cut and mended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import layout
from lab.dataplane import plan
from lab.dataplane.fabric import Fabric
from lab.region import Region, first

from .lab import Lab

ADVERTISE = Path(__file__).with_name("advertise.py")
NAMESPACES = Path("/run/netns")
DEVICE = "eth0"
COMMAND_SECONDS = 20.0


def run(*words: str) -> None:
    """Run a command. Raises `CalledProcessError`."""
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=COMMAND_SECONDS)


@contextmanager
def plugged(lab: Lab, namespace: str, vlan: int, *addresses: str) -> Iterator[None]:
    """A namespace with an interface on a VLAN of the physical switch, with addresses like `192.0.2.1/24`."""
    port = f"plug{os.urandom(3).hex()}"
    switch = ("ovs-vsctl", f"--db=unix:{lab.directory}/switch/db.sock")
    if (NAMESPACES / namespace).exists():
        # Tests that were killed have left it.
        run("ip", "netns", "delete", namespace)
    run("ip", "netns", "add", namespace)
    try:
        ends = ("type", "veth", "peer", "name", DEVICE, "netns", namespace)
        run("ip", "link", "add", port, "netns", plan.SWITCH_NAMESPACE, *ends)
        run(*switch, "add-port", plan.SWITCH_BRIDGE, port, f"tag={vlan}")
        for name, device in ((plan.SWITCH_NAMESPACE, port), (namespace, DEVICE)):
            # The switch is a program: checksums that are left to hardware would never be made.
            run("ip", "netns", "exec", name, "ethtool", "-K", device, "tx", "off")
            run("ip", "-n", name, "link", "set", device, "up")
        for address in addresses:
            run("ip", "-n", namespace, "address", "add", address, "dev", DEVICE)
        yield
    finally:
        run(*switch, "--if-exists", "del-port", plan.SWITCH_BRIDGE, port)
        run("ip", "netns", "delete", namespace)


@contextmanager
def router(lab: Lab, vlan: int, *prefixes: str) -> Iterator[None]:
    """A router on a VLAN of the physical switch that advertises IPv6 prefixes, e.g. `2001:db8::/64,s` (`advertise`).

    A network without a Neutron router has none of Neutron's advertisements; in a data centre the operator's own router
    sends them, and so does this.
    """
    namespace = f"router-{vlan}"
    with plugged(lab, namespace, vlan):
        words = ("ip", "netns", "exec", namespace, sys.executable, str(ADVERTISE), DEVICE, *prefixes)
        process = subprocess.Popen(words)
        try:
            yield
        finally:
            process.kill()
            process.wait(timeout=10)


def place(lab: Lab, region: str) -> Region:
    """Where a pod is, as the lab knows it."""
    (found,) = [each for each in first(len(lab.regions), layout.default()) if each.name == region]
    return found


@contextmanager
def cut(lab: Lab, region: str) -> Iterator[None]:
    """A pod without its cable to the physical switch, and so without the other pods."""
    found, fabric = place(lab, region), Fabric(lab.directory)
    fabric.cut_cable(found)
    try:
        yield
    finally:
        fabric.mend_cable(found)
