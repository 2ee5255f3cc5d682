"""Which keys of the journal a change of routers and floating IPs touches. Pure functions, as those of `touched`."""

from collections.abc import Iterable, Mapping

from triune.network.central.touched import in_pods
from triune.network.names import BRIDGE, FLOATING_IP, NETWORK, ROUTER
from triune.work.requests import Key


def by_routers(pods: Mapping[str, Iterable[str]]) -> set[Key]:
    """Routers changed; `pods`: the pods that each of them may concern."""
    return {key for router_id, pod_ids in pods.items() for key in in_pods(ROUTER, router_id, pod_ids)}


def by_interface(pods: Mapping[str, Iterable[str]], network_id: str, present: Iterable[str]) -> set[Key]:
    """A network got or lost an interface of a router.

    `pods` are those of the routers that have interfaces on the network: they have routes by way of each other. In the
    pods in which the network is `present`, somebody else may answer at its gateway addresses now.
    """
    return by_routers(pods) | in_pods(NETWORK, network_id, present)


def by_loss(project_id: str) -> set[Key]:
    """A project lost a router, a gateway or an interface, and may need networks between its pod routers no more."""
    return {Key(BRIDGE, project_id, "")} if project_id else set()


def by_floating_ips(pods: Mapping[str, Iterable[str]], also: Iterable[str] = ()) -> set[Key]:
    """Floating IPs changed; `pods`: those that each of them may concern, `also`: those that all concerned before."""
    also = set(also)
    return {key for fip_id, pod_ids in pods.items() for key in in_pods(FLOATING_IP, fip_id, also.union(pod_ids))}
