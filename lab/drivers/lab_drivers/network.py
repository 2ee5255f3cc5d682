"""From Nova's view of a server's ports to the server's interfaces."""

from collections.abc import Iterable
from typing import Any

from nova import exception
from nova.network import model

from lab_drivers.state import Nic, ServerState

DEFAULT_MTU_BYTES = 1500
TAP_NAME_LENGTH = 14
PLUGGED_EVENT = "network-vif-plugged"


def nic_of(vif: Any, device: str) -> Nic:
    """The interface for a port. Raises VirtualInterfacePlugException when Neutron could not bind the port here."""
    if vif["type"] in (model.VIF_TYPE_BINDING_FAILED, model.VIF_TYPE_UNBOUND):
        raise exception.VirtualInterfacePlugException(f"port {vif['id']} is not bound to this host: {vif['type']}")
    network = vif["network"]
    subnets = network["subnets"]
    ipv6 = [subnet for subnet in subnets if subnet["version"] == 6]
    return Nic(
        port_id=vif["id"],
        device=device,
        tap=vif["devname"] or f"tap{vif['id']}"[:TAP_NAME_LENGTH],
        mac=vif["address"],
        mtu=int(network["meta"].get("mtu") or DEFAULT_MTU_BYTES),
        ipv4=any(subnet["version"] == 4 for subnet in subnets),
        ipv6_mode=next((mode for subnet in ipv6 if (mode := subnet["meta"].get("ipv6_address_mode"))), ""),
        addresses=[ip["address"] for subnet in subnets for ip in subnet["ips"]],
    )


def follow(server: ServerState, network_info: Iterable[Any] | None) -> None:
    """Give a switched-off server the interfaces of these ports; those that it keeps keep their names."""
    if network_info is None:
        return
    vifs = list(network_info)
    ports = {vif["id"] for vif in vifs}
    server.nics = [nic for nic in server.nics if nic.port_id in ports]
    for vif in vifs:
        known = server.nic(vif["id"])
        if known:
            server.nics[server.nics.index(known)] = nic_of(vif, known.device)
        else:
            server.nics.append(nic_of(vif, server.free_device()))


def unwired_events(network_info: Iterable[Any] | None) -> list[tuple[str, str]]:
    """The events by which Neutron will tell that the ports which are down now carry packets."""
    return [(PLUGGED_EVENT, vif["id"]) for vif in network_info or () if vif.get("active", True) is False]
