"""Names, numbers and settings of the fabric: pure decisions, no I/O."""

from collections.abc import Mapping
from pathlib import Path

SWITCH_NAMESPACE = "switch"
SWITCH_BRIDGE = "br-switch"
OUTSIDE_NAMESPACE = "outside"
OUTSIDE_VLAN = 300
OUTSIDE_ADDRESSES = ("203.0.113.1/24", "2001:db8:113::1/64")
OUTSIDE_GUEST_END = "eth0"
OUTSIDE_SWITCH_PORT = "outside"

INTEGRATION_BRIDGE = "br-int"
PROVIDER_BRIDGE = "br-prov"
PHYSICAL_NETWORK = "physnet1"
CABLE_POD_END = "uplink"

CABLE_MTU_BYTES = 1500

# One thread each is plenty for a lab and keeps a pod small.
THREADS = {"other_config:n-handler-threads": "1", "other_config:n-revalidator-threads": "1"}

Commands = list[list[str]]


def ovs_database_socket(region_directory: Path) -> Path:
    return region_directory / "ovs" / "db.sock"


def northbound_socket(region_directory: Path) -> Path:
    return region_directory / "ovn" / "nb.sock"


def southbound_socket(region_directory: Path) -> Path:
    return region_directory / "ovn" / "sb.sock"


def unix(socket: Path) -> str:
    """The address of a unix socket in the words of Open vSwitch.

    Its C and Python libraries reach sockets whose path is longer than the kernel's 107 bytes, so no path is too long.
    """
    return f"unix:{socket}"


def set_record(table: str, record: str, columns: Mapping[str, str]) -> list[str]:
    """An `ovs-vsctl set` command."""
    return ["set", table, record, *(f"{column}={value}" for column, value in columns.items())]


def add_bridge(name: str, *, fail_mode: str) -> Commands:
    """A bridge of the userspace datapath, added unless it is there."""
    return [
        ["--may-exist", "add-br", name],
        set_record("Bridge", name, {"datapath_type": "netdev", "fail_mode": fail_mode}),
    ]


def chassis_settings(host: str, southbound: Path) -> dict[str, str]:
    """The `external_ids` by which ovn-controller knows its chassis.

    The tunnel address is the loopback's: a pod has one chassis, so nothing is ever tunnelled.
    """
    return {
        "external_ids:system-id": host,
        "external_ids:hostname": host,
        "external_ids:ovn-remote": f'"{unix(southbound)}"',
        "external_ids:ovn-encap-type": "geneve",
        "external_ids:ovn-encap-ip": "127.0.0.1",
        "external_ids:ovn-bridge": INTEGRATION_BRIDGE,
        "external_ids:ovn-bridge-datapath-type": "netdev",
        "external_ids:ovn-bridge-mappings": f"{PHYSICAL_NETWORK}:{PROVIDER_BRIDGE}",
        "external_ids:ovn-cms-options": "enable-chassis-as-gw",
        "external_ids:ovn-monitor-all": "true",
    }


def pod_switch(host: str, southbound: Path) -> Commands:
    """The Open vSwitch configuration of a pod."""
    return [
        set_record("Open_vSwitch", ".", {**THREADS, **chassis_settings(host, southbound)}),
        *add_bridge(INTEGRATION_BRIDGE, fail_mode="secure"),
        *add_bridge(PROVIDER_BRIDGE, fail_mode="standalone"),
        ["--may-exist", "add-port", PROVIDER_BRIDGE, CABLE_POD_END],
    ]


def physical_switch() -> Commands:
    """The Open vSwitch configuration of the physical switch: pods on trunk ports, the outside on an access port."""
    return [
        set_record("Open_vSwitch", ".", THREADS),
        *add_bridge(SWITCH_BRIDGE, fail_mode="standalone"),
        ["--may-exist", "add-port", SWITCH_BRIDGE, OUTSIDE_SWITCH_PORT],
        set_record("Port", OUTSIDE_SWITCH_PORT, {"tag": str(OUTSIDE_VLAN)}),
    ]


def switch_port(host: str) -> Commands:
    """The trunk port of a pod on the physical switch; the port has the pod's name."""
    return [["--may-exist", "add-port", SWITCH_BRIDGE, host]]


def joined(commands: Commands) -> list[str]:
    """Several commands as the arguments of one `ovs-vsctl` call, which is one transaction."""
    arguments: list[str] = []
    for command in commands:
        arguments += ["--", *command]
    return arguments
