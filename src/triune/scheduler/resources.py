"""What a server of a flavor takes, as a question to Placement.

Source: nova/scheduler/utils.py, `ResourceRequest.from_request_spec`, as far as a flavor alone decides: what images,
ports and numbered groups ask for besides is left to the pod's own scheduler.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

MB_PER_GB = 1024
_CLASS = re.compile(r"resources:([A-Z0-9_]+)")
_TRAIT = re.compile(r"trait:([A-Z0-9_]+)")


def allocation_query(flavor: Mapping[str, Any], boots_from_volume: bool) -> str:
    """The query of `GET /allocation_candidates` (1.22) that finds one host, or nothing where none is asked for.

    `flavor` is as Nova shows it from 2.61 on, with its extra specs. Raises `ValueError`, `KeyError` and `TypeError` for
    what is no flavor.
    """
    specs: Mapping[str, str] = flavor.get("extra_specs") or {}
    amounts = _amounts(flavor, boots_from_volume, specs.get("hw:cpu_policy", "shared"))
    named = {found[1]: int(value) for name, value in specs.items() if (found := _CLASS.fullmatch(name))}
    if {"VCPU", "PCPU"} & named.keys():
        # Who names one of them says all that there is to say about processors.
        amounts = {name: amount for name, amount in amounts.items() if name not in ("VCPU", "PCPU")}
    amounts |= named
    traits = [
        f"!{found[1]}" if value == "forbidden" else found[1]
        for name, value in specs.items()
        if (found := _TRAIT.fullmatch(name))
    ]
    resources = ",".join(f"{name}:{amount}" for name, amount in sorted(amounts.items()) if amount > 0)
    if not resources:
        return ""
    required = {"required": ",".join(sorted(traits))} if traits else {}
    return urlencode({"resources": resources, **required, "limit": "1"}, safe=":,!")


def _amounts(flavor: Mapping[str, Any], boots_from_volume: bool, cpu_policy: str) -> dict[str, int]:
    # Below 2.75 no swap is an empty text.
    swap = -(-int(flavor["swap"] or 0) // MB_PER_GB)
    disk = int(flavor["OS-FLV-EXT-DATA:ephemeral"]) + swap + (0 if boots_from_volume else int(flavor["disk"]))
    amounts = {"MEMORY_MB": int(flavor["ram"]), "DISK_GB": disk}
    if cpu_policy != "mixed":
        # How many are which is written elsewhere; the others tell enough.
        amounts["PCPU" if cpu_policy == "dedicated" else "VCPU"] = int(flavor["vcpus"])
    return amounts
