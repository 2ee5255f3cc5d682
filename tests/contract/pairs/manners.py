"""What of a pair may differ where it goes through the gateway, by strategy, and why: nothing else may.

Everywhere, the service's own address in links and in `Location` becomes the gateway's, `X-Openstack-Request-Id` is the
gateway's own, and `latest` becomes the microversion that all pods have.
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
    "Owner": Manner(),
    "OneServer": Manner(),
    "Addresses": Manner(),
    "Actions": Manner(),
    "VolumeActions": Manner(),
    "InstanceActions": Manner(),
    "Interfaces": Manner(),
    "OnlyOne": Manner(),
    "OneHypervisor": Manner(),
    "ServiceOwner": Manner(),
    "Anywhere": Manner(Other.SAME),
    "NetworkProxy": Manner(Other.SAME, why="without central Neutron"),
    "InAll": Manner(Other.SAME),
    "Common": Manner(Other.SAME),
    "Everywhere": Manner(Other.SAME),
    "RemoveEverywhere": Manner(Other.SAME),
    "CreateEverywhere": Manner(
        Other.SAME, question=Body.VALUES, why="all pods get one id: the body is written anew with it"
    ),
    "Gather": Manner(is_paged=True),
    "Listed": Manner(is_paged=True),
    "Probing": Manner(is_paged=True),
    "GatherSince": Manner(is_paged=True),
    "Hypervisors": Manner(is_paged=True),
    "Union": Manner(is_paged=True),
    "Collect": Manner(),
    "Matching": Manner(),
    "Sum": Manner(),
    "CreateNamed": Manner(Other.SAME),
    "ChangeNamed": Manner(Other.SAME),
    "RemoveNamed": Manner(Other.SAME),
    "SetDefaultType": Manner(Other.SAME),
    "AtHost": Manner(),
    "ManageVolume": Manner(),
    "ImportRecord": Manner(Other.SAME),
    "Join": Manner(),
    "AuditLog": Manner(),
    "Usages": Manner(),
    "PagedUsages": Manner(is_paged=True),
    "ExternalEvents": Manner(),
    "AssistedSnapshots": Manner(),
    "SetQuota": Manner(Other.SAME),
    "RemoveQuota": Manner(Other.SAME),
    "ShowQuota": Manner(),
    "CreateServer": Manner(Other.SAME),
    "Here": Manner(),
    "CreateIn": Manner(Other.SAME, question=Body.VALUES, why="whichever pod is chosen; types are named to it"),
}


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
