"""Which networks a router may be attached to, and in which pod its gateway is.

A router with one region as its only hint is *local*: it is in that pod and nowhere else. Any other router is in every
pod in which one of its networks is.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from triune.network.central.pods import Pod
from triune.network.central.presence import STRETCHED, is_stretched


@dataclass(frozen=True, slots=True)
class Network:
    """What of a network decides where routers on it can be: hints, types of its segments, pods in which it is."""

    hints: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()


def allowed(hints: Collection[str], pods: Iterable[Pod]) -> frozenset[str]:
    """The ids of the pods that hints allow; no hints allow all."""
    return frozenset(pod.id for pod in pods if pod.is_in(hints))


def local_pod(hints: Collection[str], pods: Iterable[Pod]) -> Pod | None:
    """The only pod of a local router; None for every other router."""
    names = set(hints)
    return next((pod for pod in pods if names == {pod.region_name}), None)


def refusal(hints: Collection[str], network: Network, pods: Collection[Pod]) -> str | None:
    """Why a router with these hints cannot be attached to a network; None where it can."""
    if not hints:
        return None
    local = local_pod(hints, pods)
    if local is not None:
        return _local_refusal(local, network, pods)
    if not network.hints:
        return (
            f"the router may be in {_names(hints)} only (availability_zone_hints), and the network has no such hints "
            "and may be anywhere"
        )
    beyond = allowed(network.hints, pods) - allowed(hints, pods)
    if beyond:
        return (
            f"the router may be in {_names(hints)} only, and the network, with the hints {_names(network.hints)}, may "
            f"also be in {_regions(beyond, pods)}"
        )
    return None


def _local_refusal(local: Pod, network: Network, pods: Collection[Pod]) -> str | None:
    if not local.is_in(network.hints):
        return (
            f"the router is in {local.region_name} only, and the network may be in {_names(network.hints)} only "
            "(availability_zone_hints)"
        )
    elsewhere = network.present - {local.id}
    if elsewhere and not is_stretched(network.types):
        return (
            f"the router is in {local.region_name} only, and the network is in {_regions(elsewhere, pods)}; networks "
            f"of type {_names(STRETCHED)} can span regions, and this one is of type {_names(network.types)}"
        )
    return None


def gateway_refusal(hints: Collection[str], network: Network, pods: Collection[Pod]) -> str | None:
    """Why a router with these hints cannot have its gateway on an external network; None where it can."""
    if gateway_pod(hints, network, pods, ()) is not None:
        return None
    where = f"the router may be in {_names(hints)} only" if hints else "the router may be anywhere"
    return f"{where}, and the external network in {_names(network.hints) or 'no region'} only (availability_zone_hints)"


def gateway_pod(
    hints: Collection[str], network: Network, pods: Collection[Pod], interfaces: Collection[str]
) -> Pod | None:
    """The pod in which a router with these hints has its gateway on an external network; None where there is none.

    `interfaces` are the ids of the pods in which networks of the router's interfaces are. What leaves from there needs
    no way through another pod.
    """
    local = local_pod(hints, pods)
    candidates = [pod for pod in pods if pod.is_in(hints)] if local is None else [local]
    candidates = [pod for pod in candidates if pod.is_in(network.hints)]
    if network.present and not is_stretched(network.types):
        candidates = [pod for pod in candidates if network.present == {pod.id}]
    return min(
        candidates,
        key=lambda pod: (not pod.enabled, pod.id not in interfaces, pod.id not in network.present, pod.region_name),
        default=None,
    )


def overlap(cidrs: Iterable[str], ranges: Iterable[IPv4Network | IPv6Network]) -> str | None:
    """Which of these subnets has addresses of ranges that are Triune's own, and of which; None: none of them."""
    ranges = list(ranges)
    for cidr in cidrs:
        subnet = ip_network(cidr)
        for taken in ranges:
            if subnet.version == taken.version and subnet.overlaps(taken):
                return f"{cidr} overlaps {taken}, by which the regions reach each other"
    return None


def _regions(pod_ids: Iterable[str], pods: Iterable[Pod]) -> str:
    names = {pod.id: pod.region_name for pod in pods}
    return _names({names.get(pod_id, pod_id) for pod_id in pod_ids})


def _names(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))
