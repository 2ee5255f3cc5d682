"""Port forwardings of a floating IP in a pod, compared by value."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from triune.network import forms
from triune.network.neutron import Neutron
from triune.network.plan import Ref
from triune.network.routing.floating import Forwarding, Standing

JSON = dict[str, Any]

EXTENSION: Final = "floating-ip-port-forwarding"

# Protocol, external port or ports, internal port's id, address and port or ports.
Value = tuple[str, str, str, str, str]


async def bring_forwardings(
    neutron: Neutron,
    features: frozenset[str],
    floating_ip: JSON,
    wanted: Iterable[Forwarding],
    ends: Mapping[Ref | Standing, str],
) -> None:
    """Give a floating IP these forwardings and no others, as far as the pod has any at all.

    Raises `PodUnreachable` and `Refused`.
    """
    wanted = list(wanted)
    if EXTENSION not in features and not wanted:
        return
    path = f"floatingips/{floating_ip['id']}/port_forwardings"
    due = {(each.protocol, each.external, ends[each.port], each.address, each.internal) for each in wanted}
    have = {_value(each): each["id"] for each in await neutron.list(path)}
    for surplus in have.keys() - due:
        await neutron.delete(path, have[surplus])
    for missing in sorted(due - have.keys()):
        await neutron.create(path, _body(missing))


async def forwardings_differ(neutron: Neutron, floating_ip: JSON, wanted: Iterable[Forwarding]) -> bool:
    """Whether a floating IP has other forwardings than these; a port is told by its address alone.

    Raises `PodUnreachable` and `Refused`.
    """
    have = (_value(each) for each in await neutron.list(f"floatingips/{floating_ip['id']}/port_forwardings"))
    found = {(protocol, external, address, internal) for protocol, external, _, address, internal in have}
    return found != {(each.protocol, each.external, each.address, each.internal) for each in wanted}


async def drop_forwardings(neutron: Neutron, features: frozenset[str], floating_ip: JSON) -> None:
    """Take all forwardings from a floating IP: with any it neither goes nor leads to a port.

    Raises `PodUnreachable` and `Refused`.
    """
    await bring_forwardings(neutron, features, floating_ip, (), {})


def _value(shown: JSON) -> Value:
    external, internal = (forms.ports(shown, name) for name in ("external_port", "internal_port"))
    return shown["protocol"], external, shown["internal_port_id"], shown["internal_ip_address"], internal


def _body(value: Value) -> JSON:
    protocol, external, port_id, address, internal = value
    return {
        "protocol": protocol,
        "internal_port_id": port_id,
        "internal_ip_address": address,
        **_told("external_port", external),
        **_told("internal_port", internal),
    }


def _told(name: str, ports: str) -> JSON:
    return {f"{name}_range": ports} if ":" in ports else {name: int(ports)}
