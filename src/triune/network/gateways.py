"""Who answers at the gateway addresses of a network in each pod; pure decisions, and the table of homes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from triune.db.engine import Database
from triune.db.models import GatewayRow
from triune.network.central.presence import is_stretched
from triune.portions import portions

JSON = Mapping[str, Any]

# Networks of one statement.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Home:
    """The pod whose routers have a network's own gateway addresses; `outside`: a device of the operator's may."""

    pod_id: str | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """The address of a router on a subnet; `local` is the pod of a router that is in that one alone."""

    router_id: str
    port_id: str
    subnet_id: str
    address: str
    local: str | None = None


def spans_pods(network: JSON) -> bool:
    """Whether a network, as Triune's own user sees it, can be in several pods at the same time."""
    segments = network.get("segments") or [network]
    return is_stretched({str(each.get("provider:network_type")) for each in segments})


def is_own(subnet: JSON, pod_id: str, home: Home | None, attachments: Iterable[Attachment]) -> bool:
    """Whether a pod needs a gateway address of its own on a subnet; only a network that can span
    pods has a home. Where that has left, pods keep the addresses that they have.
    """
    address = subnet.get("gateway_ip")
    if home is None or home.pod_id == pod_id or not address or subnet["ip_version"] != 4:
        return False
    on_subnet = [each for each in attachments if each.subnet_id == subnet["id"]]
    if any(each.local == pod_id for each in on_subnet):
        return False
    owner = next((each for each in on_subnet if each.address == address), None)
    return owner.local is None if owner is not None else not home.outside


def handed_out(
    subnet: JSON, pod_id: str, home: Home | None, attachments: Iterable[Attachment], held: Mapping[str, str]
) -> str | None:
    """The gateway address that a pod hands out; `held` are its own ones, by subnet."""
    attachments = list(attachments)
    if is_own(subnet, pod_id, home, attachments):
        return held.get(subnet["id"]) or subnet["gateway_ip"]
    local = sorted(each.address for each in attachments if each.subnet_id == subnet["id"] and each.local == pod_id)
    address: str | None = subnet["gateway_ip"]
    # A router of the pod's own is nearer than one with the subnet's address elsewhere.
    if address is None or not local or address in local:
        return address
    return local[0]


class Homes:
    """The table `gateways`. All methods raise `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, network_id: str, pod_id: str) -> Home:
        """The home of a network: this pod, where there is none yet."""
        await self._add(network_id)
        vacant = update(GatewayRow).where(GatewayRow.network_id == network_id, GatewayRow.pod_id.is_(None))
        async with self._database.transaction() as session:
            await session.execute(vacant.values(pod_id=pod_id))
        return (await self.of([network_id])).get(network_id, Home())

    async def of(self, network_ids: Iterable[str]) -> dict[str, Home]:
        """The homes of networks, as far as they have rows."""
        found: dict[str, Home] = {}
        for some in portions(network_ids, AT_ONCE):
            async with self._database.transaction() as session:
                rows = await session.scalars(select(GatewayRow).where(GatewayRow.network_id.in_(some)))
                found |= {row.network_id: Home(row.pod_id, row.outside) for row in rows}
        return found

    async def leave(self, network_id: str, pod_id: str) -> None:
        """The network is in this pod no more; another may be its home."""
        is_home = GatewayRow.network_id == network_id, GatewayRow.pod_id == pod_id
        async with self._database.transaction() as session:
            await session.execute(delete(GatewayRow).where(*is_home, GatewayRow.outside.is_(False)))
            await session.execute(update(GatewayRow).where(*is_home).values(pod_id=None))

    async def _add(self, network_id: str) -> None:
        if network_id in await self.of([network_id]):
            return
        try:
            async with self._database.transaction() as session:
                await session.execute(insert(GatewayRow).values(network_id=network_id, outside=False))
        except IntegrityError:
            # Somebody else was faster.
            return
