"""What pods must hold of a floating IP: pure functions.

In the pod of the external network it is a floating IP with its own address. For a server in another pod it leads to an
address of the router's exit subnet, which is itself a floating IP in the server's pod. In the first pod a *standing*
port has that address: one to which a floating IP can lead, and behind which nobody is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from triune.network import names
from triune.network.plan import Ref, Twin, twin
from triune.network.resources import SUBNET
from triune.network.routing import spans
from triune.network.routing.model import Address, Exit, Router

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """An address of a port to which a floating IP leads, and the port's pod; all of it or one port of a protocol.

    `ports` are the external and the internal port, or ranges of them, as Neutron words them.
    """

    port_id: str
    network_id: str
    address: Address
    pod_id: str
    protocol: str | None = None
    ports: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class FloatingIP:
    """A floating IP with its router, and the pods' addresses on the router's exit subnet that are held for it."""

    shown: JSON
    router: Router
    targets: tuple[Target, ...] = ()
    exit: Exit | None = None
    inner: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """A port that stands for a server elsewhere."""

    network: Ref
    subnet: Ref
    address: str


@dataclass(frozen=True, slots=True)
class Forwarding:
    """One port of a protocol of a floating IP, and where it leads."""

    protocol: str
    external: str
    internal: str
    port: Ref | Standing
    address: str


@dataclass(frozen=True, slots=True)
class PodFloatingIP:
    """What a pod must hold of a floating IP; `leads` to a port, or each forwarding does."""

    twin: Twin
    leads: tuple[Ref | Standing, str] | None = None
    forwardings: frozenset[Forwarding] = frozenset()

    @property
    def standing(self) -> frozenset[Standing]:
        """All ports that stand for others."""
        ends = [*(each.port for each in self.forwardings), *([self.leads[0]] if self.leads else [])]
        return frozenset(each for each in ends if isinstance(each, Standing))

    @property
    def ports(self) -> frozenset[Ref]:
        """All twins of ports to which it leads."""
        ends = [*(each.port for each in self.forwardings), *([self.leads[0]] if self.leads else [])]
        return frozenset(each for each in ends if isinstance(each, Ref))


def remote_pods(model: FloatingIP) -> frozenset[str]:
    """The pods of servers that are reached by a second floating IP."""
    span = model.router.span
    return frozenset(each.pod_id for each in model.targets if _is_remote(model, each)) & spans.pods(span)


def _is_remote(model: FloatingIP, target: Target) -> bool:
    span = model.router.span
    return span.gateway_pod not in (None, target.pod_id) and span.local is None


def pod_floating_ip(model: FloatingIP, pod_id: str) -> PodFloatingIP | None:
    """What a pod must hold; None where it is nothing, or what it needs at the top is not there yet."""
    gateway_pod = model.router.span.gateway_pod
    if gateway_pod is None or not model.targets:
        return None
    if pod_id == gateway_pod:
        outer = [(each, _from_outside(model, each)) for each in model.targets]
        return _made(
            model, Ref(names.NETWORK, model.shown["floating_network_id"]), model.shown["floating_ip_address"], outer
        )
    inner = model.inner.get(pod_id)
    if pod_id not in remote_pods(model) or inner is None or model.exit is None:
        return None
    local = [each for each in model.targets if each.pod_id == pod_id]
    ends = [(each, (Ref(names.PORT, each.port_id), each.address.ip_address)) for each in local]
    return _made(model, Ref(names.NETWORK, model.exit.network_id), inner, ends)


End = tuple[Ref | Standing, str]


def _from_outside(model: FloatingIP, target: Target) -> End | None:
    """Where a floating IP leads in the pod of the external network; None where that is not known yet."""
    if target.pod_id == model.router.span.gateway_pod:
        return Ref(names.PORT, target.port_id), target.address.ip_address
    if not _is_remote(model, target):
        # A router that is in this pod alone reaches servers elsewhere over layer 2.
        network, subnet_id, address = target.network_id, target.address.subnet_id, target.address.ip_address
    elif model.exit is not None and (inner := model.inner.get(target.pod_id)) is not None:
        network, subnet_id, address = model.exit.network_id, model.exit.subnet_id, inner
    else:
        return None
    return Standing(Ref(names.NETWORK, network), Ref(SUBNET, subnet_id), address), address


def _made(model: FloatingIP, network: Ref, address: str, ends: Iterable[tuple[Target, End | None]]) -> PodFloatingIP:
    known = [(target, end) for target, end in ends if end is not None]
    body = {
        "floating_network_id": network,
        "floating_ip_address": address,
        "description": model.shown.get("description"),
    }
    leads = next((end for target, end in known if target.protocol is None), None)
    wanted = twin(names.FLOATING_IP, model.shown, body)
    return PodFloatingIP(wanted, leads, frozenset(_forwardings(model, known)))


def _forwardings(model: FloatingIP, known: Iterable[tuple[Target, End]]) -> Iterator[Forwarding]:
    for target, (port, address) in known:
        if target.protocol is None:
            continue
        external, internal = target.ports
        # Whoever stands for a server elsewhere passes the port on as it is; the server's pod changes it.
        inner = external if isinstance(port, Standing) and _is_remote(model, target) else internal
        yield Forwarding(target.protocol, external, inner, port, address)


def led(wanted: PodFloatingIP, port_id: str | None) -> Twin:
    """The floating IP with the port to which it leads, by its id in the pod."""
    address = wanted.leads[1] if wanted.leads is not None else None
    body = {**wanted.twin.body, "port_id": port_id, "fixed_ip_address": address if port_id is not None else None}
    return replace(wanted.twin, body=body)
