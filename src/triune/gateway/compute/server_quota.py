"""What a new server counts for: instances, cores and memory.

Sources: nova.compute.utils.check_num_instances_quota, and nova/api/openstack/compute/views/limits.py for what is used.
"""

from typing import Any, Final

from triune.gateway.call import Call, quoted
from triune.gateway.errors import ApiError
from triune.gateway.within import Need, Source
from triune.pods.body import encode
from triune.pods.client import Document, PodUnreachable
from triune.quota.numbers import JSON, number
from triune.quota.room import TooMuch

# The names of the resources in `GET /limits`, of which every tenant may ask: limit and usage.
LIMITS: Final = {
    "instances": ("maxTotalInstances", "totalInstancesUsed"),
    "cores": ("maxTotalCores", "totalCoresUsed"),
    "ram": ("maxTotalRAMSize", "totalRAMUsed"),
}


def _read(document: Document) -> JSON:
    absolute = document.part("limits", "absolute")
    if not isinstance(absolute, dict):
        raise PodUnreachable(document.pod, document.service, "no limits")
    return {
        name: {"limit": absolute[limit], "in_use": absolute[used]}
        for name, (limit, used) in LIMITS.items()
        if limit in absolute and used in absolute
    }


SERVERS_USED = Source("compute", lambda _call: ("/v2.1/limits", ""), _read, lambda rooms: rooms.servers)


class NewServers:
    """`POST /servers`."""

    async def need(self, call: Call) -> Need | None:
        """What the servers need, one by one."""
        server = (await call.json() or {}).get("server")
        if not isinstance(server, dict) or not isinstance(server.get("flavorRef"), str | int):
            return None
        fewest = number(server.get("min_count") or 1)
        most = number(server.get("max_count") or server.get("min_count") or 1)
        if fewest is None or most is None or not 1 <= fewest <= most:
            return None
        # Nova takes an id, or a URL that ends in one.
        flavor_id = str(server["flavorRef"]).rstrip("/").rpartition("/")[2]
        flavors = call.gateway.rooms.flavors
        one = flavors.get(flavor_id) or await _flavor(call, flavor_id)
        if one is None:
            return None
        flavors[flavor_id] = one
        return Need(one, fewest, most)

    def refusal(self, call: Call, need: Need, error: TooMuch) -> ApiError:
        """Nova's 403 (nova.exception.TooManyInstances)."""
        counts = f"{need.fewest}-{need.most}" if need.fewest != need.most else str(need.most)
        requested = {name: str(amount * need.most) for name, amount in need.one.items()} | {"instances": counts}
        names = ", ".join(error.overs)
        asked = ", ".join(requested[name] for name in error.overs)
        used = ", ".join(str(quota.used) for quota in error.overs.values())
        allowed = ", ".join(str(quota.limit) for quota in error.overs.values())
        return ApiError(
            403, f"Quota exceeded for {names}: Requested {asked}, but already used {used} of {allowed} {names}"
        )

    def limit_to(self, call: Call, body: JSON, count: int) -> None:
        """Nova makes as many as may be had, if they are enough."""
        call.request.replace_body(encode({**body, "server": {**body["server"], "max_count": count}}))


async def _flavor(call: Call, flavor_id: str) -> dict[str, int] | None:
    """What a server of a flavor counts for, by the first pod that shows it; None where none does."""
    deadline = call.gateway.conf.pods.list_deadline
    path = f"/{call.service.version}/flavors/{quoted(flavor_id)}"
    for pod in await call.pods():
        try:
            document = await call.fetch(call.target(pod, "GET", path, deadline=deadline))
            shown: Any = document.part("flavor") if document.ok else None
        except PodUnreachable:
            continue
        if isinstance(shown, dict) and isinstance(shown.get("vcpus"), int) and isinstance(shown.get("ram"), int):
            return {"instances": 1, "cores": shown["vcpus"], "ram": shown["ram"]}
    return None
