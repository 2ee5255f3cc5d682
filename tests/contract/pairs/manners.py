"""What of a pair may differ where it goes through the gateway, by strategy, and why: nothing else may.

Everywhere, the service's own address in links and in `Location` becomes the gateway's, `X-Openstack-Request-Id` is the
gateway's own, and `latest` becomes the microversion that all pods have. By which URL a pod's Nova reaches its Glance,
to name an image that it makes (`Location`), is not told: it becomes the gateway's, with one slash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from triune.gateway.compute.hypervisors import Numbered
from triune.gateway.compute.volumes_boot import AsServers
from triune.gateway.routes import Strategy
from triune.gateway.service import parse_version
from triune.gateway.since import Since
from triune.gateway.strategies import Here
from triune.gateway.within import Within


class Other(Enum):
    """What the pod does that the pair was not recorded of."""

    LACKS = "does not have it: it says 404, or lists nothing"
    SAME = "answers the same: every pod has it, or any may get it"


class Body(Enum):
    """How a document is compared."""

    BYTES = "byte for byte"
    VALUES = "by its values, each as it was written, and the order of its keys"


@dataclass(frozen=True)
class Manner:
    """How a strategy hands a pair on.

    `question` is how the pod gets what the client sent, `answer` how the client gets what the pod said; `is_paged`: the
    pod is asked for as much as the gateway reads at once, in place of the client's page; `why` says what differs.
    """

    other: Other = Other.LACKS
    question: Body = Body.BYTES
    is_paged: bool = False
    why: str = ""


MANNERS: Final[Mapping[str, Manner]] = {
    # The pod that has it.
    "Owner": Manner(),
    "OneServer": Manner(),
    "Addresses": Manner(),
    "Actions": Manner(),
    "VolumeActions": Manner(),
    "InstanceActions": Manner(),
    "Interfaces": Manner(),
    "Here: server_groups": Manner(),
    "OnlyOne": Manner(),
    "OneHypervisor": Manner(),
    "ServiceOwner": Manner(),
    "AtHost": Manner(),
    "ManageVolume": Manner(),
    "ExternalEvents": Manner(question=Body.VALUES, why="each pod gets its part of the events"),
    "AssistedSnapshots": Manner(),
    # Any pod.
    "Anywhere": Manner(Other.SAME),
    "Here: show_image": Manner(Other.SAME),
    "Here: download_image": Manner(Other.SAME),
    "Here: show_version": Manner(Other.SAME),
    "InAll": Manner(Other.SAME),
    "Common": Manner(Other.SAME),
    # All pods.
    "Everywhere": Manner(Other.SAME),
    "ChangeFlavor": Manner(Other.SAME),
    "RemoveEverywhere": Manner(Other.SAME),
    "CreateEverywhere": Manner(
        Other.SAME, question=Body.VALUES, why="all pods get one id: the body is written anew with it"
    ),
    "CreateNamed": Manner(Other.SAME),
    "SetDefaultType": Manner(Other.SAME),
    # Those that have it under its name.
    "ChangeNamed": Manner(),
    "RemoveNamed": Manner(),
    # Whichever is chosen.
    "CreateServer": Manner(Other.SAME, question=Body.VALUES, why="what the pod calls its zone is put in"),
    "CreateIn": Manner(Other.SAME, question=Body.VALUES, why="volume types are named to the pod"),
    "ImportRecord": Manner(Other.SAME),
    # Merged lists.
    "Gather": Manner(is_paged=True),
    "Listed": Manner(is_paged=True),
    "Probing": Manner(is_paged=True),
    "GatherSince": Manner(is_paged=True),
    "Hypervisors": Manner(is_paged=True),
    "Union": Manner(is_paged=True),
    "Collect": Manner(),
    "Join": Manner(),
    "Matching": Manner(),
    "Sum": Manner(),
    "PagedUsages": Manner(is_paged=True),
    "Usages": Manner(),
    "AuditLog": Manner(),
}

_LIMITS = (
    "the limits are those of the whole cloud: set at the top, or the smallest of the pods; what is used is added up"
)
_AGGREGATES = "an aggregate has an id of the top, and its hosts are told by all pods: tests/contract/test_aggregates.py"
_GROUPS = "a server group has an id of the top, and its members are told by all pods: test_server_groups.py"
_ZONES = "the zones are those of the top: test_zones.py"
_UPLOADS = "the data go to one pod, and are copied to others by the worker: test_image_copies.py"
NOT_REPLAYED: Final[Mapping[str, str]] = {
    "NetworkProxy": "central Neutron answers: test_network_proxies.py",
    "ShowQuota": _LIMITS,
    "SetQuota": _LIMITS,
    "RemoveQuota": _LIMITS,
    "Here: show_limits": _LIMITS,
    "Here: show_defaults": _LIMITS,
    "Here: list_aggregates": _AGGREGATES,
    "Here: show_aggregate": _AGGREGATES,
    "Here: create_aggregate": _AGGREGATES,
    "Here: change_aggregate": _AGGREGATES,
    "Here: remove_aggregate": _AGGREGATES,
    "Here: act_on_aggregate": _AGGREGATES,
    "Here: cache_images": _AGGREGATES,
    "Here: list_server_groups": _GROUPS,
    "Here: show_server_group": _GROUPS,
    "Here: create_server_group": _GROUPS,
    "Here: remove_server_group": _GROUPS,
    "Here: availability_zones": _ZONES,
    "Here: availability_zones_detail": _ZONES,
    "Here: upload": _UPLOADS,
    "Here: import_image": _UPLOADS,
    "Here: import_methods": "what the gateway can import is told: test_images.py",
}


def name_of(strategy: Strategy) -> str:
    """A strategy's key in these tables: its class, and with it what `Here` calls."""
    name = type(strategy).__name__
    return f"{name}: {vars(strategy)['_handler'].__name__}" if isinstance(strategy, Here) else name


def leaf(strategy: Strategy, microversion: str) -> Strategy:
    """The strategy that answers in the end."""
    while True:
        if isinstance(strategy, Since):
            is_new = parse_version(microversion) >= parse_version(strategy.version)
            strategy = strategy.strategy if is_new else strategy.before
        elif isinstance(strategy, (AsServers, Numbered, Within)):
            strategy = strategy.strategy
        else:
            return strategy
