"""How pages say it: strategies by their names, tables in Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

from triune.gateway.compute.hypervisors import Numbered
from triune.gateway.compute.volumes_boot import AsServers
from triune.gateway.routes import Strategy
from triune.gateway.since import Since
from triune.gateway.within import Within

# By the name of the class.
STRATEGIES: Mapping[str, tuple[str, str]] = {
    "Owner": ("owner", "the pod that holds the resource answers; it is found first"),
    "OneServer": ("owner", "the pod that holds the resource answers; it is found first"),
    "Addresses": ("owner", "the pod that holds the resource answers; it is found first"),
    "Actions": ("owner", "the pod that holds the resource answers; it is found first"),
    "VolumeActions": ("owner", "the pod that holds the resource answers; it is found first"),
    "Interfaces": (
        "interfaces",
        "the pod of the server answers; ports of central Neutron are known by the ids of the top",
    ),
    "ServiceOwner": (
        "owner by service",
        "the pod that has the host or service which is named answers; a name or number that several have is a 400",
    ),
    "Listed": ("gather", "all pods are asked in parallel, their items are merged in sort order and paged"),
    "Probing": ("gather", "all pods are asked in parallel, their items are merged in sort order and paged"),
    "Hypervisors": ("gather", "all pods are asked in parallel, their items are merged in sort order and paged"),
    "Matching": ("search", "as `collect`; 404 where every pod says that nothing matches"),
    "InstanceActions": ("owner", "the pod of the server answers; of a deleted one, the pod that still knows it"),
    "OneHypervisor": ("only one", "all pods are asked, the one that has it answers; an id that several have is a 400"),
    "OnlyOne": ("only one", "all pods are asked, the one that has it answers; an id that several have is a 400"),
    "Gather": ("gather", "all pods are asked in parallel, their items are merged in sort order and paged"),
    "GatherSince": ("gather", "all pods are asked in parallel, their items are merged in sort order and paged"),
    "Collect": ("collect", "all pods are asked in parallel, their items stand one behind the other, unpaged"),
    "Common": ("common", "all pods are asked in parallel, and what every one of them tells is told"),
    "InAll": ("common", "all pods are asked in parallel, and what every one of them tells is told"),
    "Union": ("union", "all pods are asked in parallel, what several pods hold is told once, sorted and paged"),
    "CreateServer": ("place", "a pod is chosen and prepared, and gets the request"),
    "CreateIn": ("place", "a pod is chosen and prepared, and gets the request"),
    "ImportRecord": ("place", "a pod is chosen and prepared, and gets the request"),
    "ManageVolume": ("at host", "the pod that has the host or cluster which is named; 400 where several have it"),
    "AtHost": ("at host", "the pod that has the host or cluster which is named; 400 where several have it"),
    "Join": ("join", "every pod does it, the lists in their answers stand one behind the other"),
    "CreateEverywhere": (
        "create everywhere",
        "one pod judges the request, the others follow with the same id or name; pods that are away later",
    ),
    "RemoveEverywhere": (
        "remove everywhere",
        "one pod judges the request, the others follow; pods that are away follow later",
    ),
    "Everywhere": ("everywhere", "every pod does it"),
    "CreateNamed": (
        "create everywhere",
        "one pod judges the request, the others follow with the same id or name; pods that are away later",
    ),
    "RemoveNamed": (
        "remove everywhere",
        "one pod judges the request, the others follow; pods that are away follow later",
    ),
    "ChangeFlavor": ("everywhere", "every pod does it; one judges first, pods that are away do it later"),
    "ChangeNamed": ("everywhere by name", "every pod that has it does it, each under its own id; one pod judges first"),
    "SetDefaultType": (
        "everywhere by name",
        "every pod that has it does it, each under its own id; one pod judges first",
    ),
    "ShowQuota": ("quota", "the limit that was set at the top, or the smallest of the pods; what is used is added up"),
    "SetQuota": (
        "set everywhere",
        "one pod judges, what it takes holds for the cloud; pods that are away get it later",
    ),
    "RemoveQuota": (
        "remove everywhere",
        "one pod judges the request, the others follow; pods that are away follow later",
    ),
    "Anywhere": ("anywhere", "any pod that answers; one that lacks the resource gives way to the next"),
    "Sum": ("sum", "the numbers of all pods are added up, as far as they can be"),
    "ExternalEvents": (
        "split",
        "each event goes to the pod of its server; the answers stand in the order of the request",
    ),
    "AssistedSnapshots": ("owner", "the pod that holds the resource answers; it is found first"),
    "Usages": ("usages", "usage is added up for each project; from 2.40 on in pages of servers"),
    "PagedUsages": ("usages", "usage is added up for each project; from 2.40 on in pages of servers"),
    "AuditLog": ("audit log", "the hosts of all pods in one log"),
    "NetworkProxy": (
        "network proxy",
        "central Neutron answers, in the form of Nova; without it, reading is `anywhere`, writing `refuse`",
    ),
    "Refuse": ("refuse", "501: an answer from any one pod would be wrong or partial"),
    "Here": ("here", "the gateway answers, by the function that is named"),
}


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(heads), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def word(strategy: Strategy) -> str:
    """What the page says of a strategy. Raises `KeyError` for a class that `STRATEGIES` does not know."""
    if isinstance(strategy, Since):
        return f"{word(strategy.strategy)} from {strategy.version} on, {word(strategy.before)} before"
    if isinstance(strategy, AsServers):
        return f"{word(strategy.strategy)} (as `/servers`)"
    if isinstance(strategy, Numbered):
        return word(strategy.strategy)
    if isinstance(strategy, Within):
        return f"{word(strategy.strategy)} within the quota"
    name = f"`{STRATEGIES[type(strategy).__name__][0]}`"
    handler: Any = vars(strategy).get("_handler")
    return f"{name}: {handler.__name__}" if handler is not None else name
