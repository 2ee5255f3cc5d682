"""What central Neutron's mechanism driver does for the fake: placements and keys follow the profiles of ports."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.models import PlacementRow
from triune.gateway.call import Gateway
from triune.network.central import touched
from triune.network.names import BOOT_DEVICE, PROFILE

from .cloud.neutron import Neutron, Record
from .cloud.neutron.errors import refusal
from .tables import Tables, places_itself


def place_of(port: Record | None) -> str | None:
    """The pod that a port is placed in."""
    return ((port or {}).get("binding:profile") or {}).get(PROFILE, {}).get("pod")


def placed(port: Record | None) -> touched.Port | None:
    """A placed port as the driver has it."""
    pod_id = place_of(port)
    return touched.port(port, pod_id) if port is not None and pod_id is not None else None


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

    tables = Tables(shared.database, central)

    async def changed(collection: str, before: Record | None, after: Record | None) -> None:
        await tables.follow()
        if collection != "ports" or places_itself(after):
            return
        port = after or before
        assert port is not None
        old, new = placed(before), placed(after)
        if old is None and new is None:
            if places_itself(before):
                await tables.place(port, None)
            return
        change = touched.by_port(old, new)
        keys = change.keys | touched.by_left(change.left, ())

        async def work(session: AsyncSession) -> None:
            await session.execute(delete(PlacementRow).where(PlacementRow.port_id == port["id"]))
            if new is not None:
                row = {"network_id": port["network_id"], "project_id": port["project_id"], "pod_id": new.pod_id}
                session.add(PlacementRow(port_id=port["id"], **row))
            await shared.journal.request(session, keys, port["project_id"], None)

        await shared.database.repeat(work)

    central.judge = judge
    central.changed = changed
