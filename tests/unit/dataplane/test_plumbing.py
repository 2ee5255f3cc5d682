"""What the compute driver tells the system about an interface."""

from dataclasses import replace
from pathlib import Path

import pytest
from lab_drivers.plumbing import SCRIPTS, add_port, dhcp_clients, veth_command, wait_installed
from lab_drivers.state import Nic

NIC = Nic("port-id", "eth1", "tapport-id", "fa:16:3e:00:00:01", 1442, True, "")
DIRECTORY = Path("/servers/u1/dhcp")


def test_the_guest_end_has_the_address_and_both_ends_the_size_of_the_network() -> None:
    command = veth_command("vm-u1", "pod1", NIC)
    host_end, guest_end = command.split(" peer ")
    assert "tapport-id netns pod1 mtu 1442" in host_end
    assert guest_end == "name eth1 netns vm-u1 address fa:16:3e:00:00:01 mtu 1442"


def test_a_port_is_bound_by_its_neutron_id_and_replaces_what_had_its_name() -> None:
    words = add_port("u1", NIC)
    assert words.index("del-port") < words.index("add-port")
    assert "--if-exists" in words
    assert "external_ids:iface-id=port-id" in words
    assert "external_ids:vm-uuid=u1" in words


def test_wired_is_what_ovn_says() -> None:
    assert wait_installed(NIC)[-2:] == ["tapport-id", "external_ids:ovn-installed=true"]


@pytest.mark.parametrize(
    ("ipv4", "ipv6_mode", "programs"),
    [
        (True, "", ["udhcpc"]),
        (True, "slaac", ["udhcpc"]),
        (False, "slaac", []),
        (False, "dhcpv6-stateful", ["-6"]),
        (True, "dhcpv6-stateless", ["udhcpc", "-6"]),
        (False, "", []),
    ],
)
def test_clients_fit_the_subnets(ipv4: bool, ipv6_mode: str, programs: list[str]) -> None:
    nic = replace(NIC, ipv4=ipv4, ipv6_mode=ipv6_mode)
    assert [client[1] for client in dhcp_clients(nic, DIRECTORY)] == programs


def test_only_stateless_leaves_the_address_to_the_router() -> None:
    def settings_only(mode: str) -> bool:
        return "-S" in dhcp_clients(replace(NIC, ipv4=False, ipv6_mode=mode), DIRECTORY)[0]

    assert settings_only("dhcpv6-stateless")
    assert not settings_only("dhcpv6-stateful")


def test_scripts_are_there_and_can_run() -> None:
    for name in ("udhcpc", "dhclient"):
        assert (SCRIPTS / name).stat().st_mode & 0o111
