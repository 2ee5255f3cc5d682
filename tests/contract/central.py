"""What central Neutron's mechanism driver does for the fake: placements and keys follow the profiles of ports."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.models import PlacementRow
from triune.gateway.call import Gateway
from triune.network.names import BOOT_DEVICE, NETWORK, PORT, PROFILE, SECURITY_GROUP
from triune.work.requests import Key

from .cloud.neutron import Neutron, Record
from .cloud.neutron.errors import refusal


def place_of(port: Record | None) -> str | None:
    """The pod that a port is placed in."""
    return ((port or {}).get("binding:profile") or {}).get(PROFILE, {}).get("pod")


def wire(central: Neutron, shared: Gateway) -> None:
    """Let the tables follow what is changed in a fake central Neutron."""

    def judge(collection: str, before: Record | None, after: Record | None) -> None:
        if collection != "ports" or before is None or after is None:
            return
        place = after["binding:profile"].get(PROFILE, {})
        after["status"] = place.get("status", "DOWN") if after["binding:host_id"] else "DOWN"
        old, new = before["device_id"], after["device_id"]
        if old and new.startswith(BOOT_DEVICE) and new != old:
            raise refusal(409, "PortInUse", f"Port {after['id']} is in use.")

    async def changed(collection: str, before: Record | None, after: Record | None) -> None:
        if collection != "ports":
            return
        port = after or before
        assert port is not None
        pods = {place_of(before), place_of(after)} - {None}

        async def work(session: AsyncSession) -> None:
            await session.execute(delete(PlacementRow).where(PlacementRow.port_id == port["id"]))
            if (pod_id := place_of(after)) is not None:
                row = {"network_id": port["network_id"], "project_id": port["project_id"], "pod_id": pod_id}
                session.add(PlacementRow(port_id=port["id"], **row))
            keys = [Key(PORT, port["id"], str(pod_id)) for pod_id in pods]
            if (left := place_of(before)) is not None and left != pod_id:
                keys += [Key(NETWORK, port["network_id"], left)]
                keys += [Key(SECURITY_GROUP, group_id, left) for group_id in port["security_groups"]]
            await shared.journal.request(session, keys, port["project_id"], None)

        if pods:
            await shared.database.repeat(work)

    central.judge = judge
    central.changed = changed
