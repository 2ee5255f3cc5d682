"""What stands in a pod for things of central Neutron: found by its tag alone, never by what Triune says."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .people import Person

TAG = "triune:"
Resources = Callable[[Any], Iterable[Any]]

# Address groups cannot be tagged; the name says whose twin they are.
TAGGED: dict[str, Resources] = {
    "network": lambda cloud: cloud.network.networks(),
    "subnet": lambda cloud: cloud.network.subnets(),
    "port": lambda cloud: cloud.network.ports(),
    "security group": lambda cloud: cloud.network.security_groups(),
    "qos policy": lambda cloud: cloud.network.qos_policies(),
    "router": lambda cloud: cloud.network.routers(),
    "floating ip": lambda cloud: cloud.network.ips(),
}


def top_id(resource: Any) -> str | None:
    """Whose twin a resource is, or None."""
    for mark in [*(getattr(resource, "tags", None) or ()), *([resource.name] if _is_address_group(resource) else ())]:
        if mark.startswith(TAG):
            return str(mark.removeprefix(TAG))
    return None


def _is_address_group(resource: Any) -> bool:
    return type(resource).__name__ == "AddressGroup"


def every(admin: Person, region: str) -> Iterator[tuple[str, str, Any]]:
    """All twins in a pod: kind, id in central Neutron, resource."""
    cloud = admin.pod(region)
    kinds = {**TAGGED, "address group": lambda cloud: cloud.network.address_groups()}
    for kind, resources in kinds.items():
        for resource in resources(cloud):
            if (found := top_id(resource)) is not None:
                yield kind, found, resource


def of(admin: Person, region: str, kind: str, top: Any) -> list[Any]:
    """The twins of one resource in a pod; more than one is a defect."""
    return [each for each in TAGGED[kind](admin.pod(region)) if top_id(each) == top.id]


def the(admin: Person, region: str, kind: str, top: Any) -> Any:
    """The twin of a resource, of which there is exactly one. Raises `AssertionError`."""
    found = of(admin, region, kind, top)
    assert len(found) == 1, f"{len(found)} twins of {kind} {top.id} in {region}"
    return found[0]


def where(admin: Person, regions: Iterable[str], kind: str, top: Any) -> list[str]:
    """The pods that hold a twin of a resource."""
    return [region for region in regions if of(admin, region, kind, top)]
