"""What to tell `ip`, `ovs-vsctl` and the DHCP clients about an interface: pure decisions."""

from pathlib import Path

from lab_drivers.state import Nic

INTEGRATION_BRIDGE = "br-int"
OWNER_KEY = "vm-uuid"

SCRIPTS = Path(__file__).parent / "scripts"
STATEFUL = "dhcpv6-stateful"
STATELESS = "dhcpv6-stateless"
RETRY_SECONDS = 20


def veth_command(namespace: str, pod_namespace: str, nic: Nic) -> str:
    """The `ip` command that makes an interface with its ends in the server and in the pod."""
    return (
        f"link add {nic.tap} netns {pod_namespace} mtu {nic.mtu} type veth "
        f"peer name {nic.device} netns {namespace} address {nic.mac} mtu {nic.mtu}"
    )


def add_port(server_uuid: str, nic: Nic) -> list[str]:
    """Words for `ovs-vsctl` that tie an interface to its Neutron port, by whose id OVN binds it."""
    return [
        *delete_port(nic.tap),
        *("--", "add-port", INTEGRATION_BRIDGE, nic.tap),
        *("--", "set", "Interface", nic.tap),
        f"external_ids:iface-id={nic.port_id}",
        f'external_ids:attached-mac="{nic.mac}"',
        "external_ids:iface-status=active",
        f"external_ids:{OWNER_KEY}={server_uuid}",
    ]


def delete_port(tap: str) -> list[str]:
    """Words for `ovs-vsctl` that take an interface off the bridge, if it is there."""
    return ["--", "--if-exists", "del-port", INTEGRATION_BRIDGE, tap]


def wait_installed(nic: Nic) -> list[str]:
    """Words for `ovs-vsctl` that wait until OVN has installed the flows of an interface."""
    return ["--", "wait-until", "Interface", nic.tap, "external_ids:ovn-installed=true"]


def pid_file(directory: Path, nic: Nic, version: int) -> Path:
    """Where the DHCP client of an interface, for this version of IP, writes its pid."""
    return directory / f"{nic.device}.client{version}.pid"


def dhcp_clients(nic: Nic, directory: Path) -> list[list[str]]:
    """The command lines of the DHCP clients that an interface needs; they stay to renew their leases.

    SLAAC needs none: the kernel listens to the router. Beside it, dhclient asks for settings only.
    """
    clients = []
    if nic.ipv4:
        clients.append(
            [
                *("busybox", "udhcpc", "-f", "-i", nic.device, "-t", "5", "-T", "1", "-A", str(RETRY_SECONDS)),
                *("-O", "staticroutes", "-O", "mtu"),
                *("-s", str(SCRIPTS / "udhcpc"), "-p", str(pid_file(directory, nic, 4))),
            ]
        )
    if nic.ipv6_mode in (STATEFUL, STATELESS):
        clients.append(
            [
                *("dhclient", "-6", *(["-S"] if nic.ipv6_mode == STATELESS else []), "-d", "-q", "-cf", "/dev/null"),
                *("-sf", str(SCRIPTS / "dhclient"), "-lf", str(directory / f"{nic.device}.leases6")),
                *("-pf", str(pid_file(directory, nic, 6)), "-e", f"SERVER_DIRECTORY={directory.parent}", nic.device),
            ]
        )
    return clients
