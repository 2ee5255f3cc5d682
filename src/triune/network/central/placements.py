"""The table `placements`: written in the transaction that changes the port."""

from typing import Any, Final, cast

from neutron.db import models_v2
from neutron_lib.db.standard_attr import StandardAttribute
from oslo_db.exception import RetryRequest
from sqlalchemy import ColumnElement, Executable, Table, delete, insert, select, update

from triune.db.models import PlacementRow, now
from triune.network.central.errors import PlacementChanged
from triune.network.central.touched import Port

_TABLE: Final = cast(Table, PlacementRow.__table__)


def hold(session: Any, network_id: str, pod_id: str, port_id: str) -> set[str]:
    """Let nobody else place ports of a network until this transaction ends; the other pods in which it is.

    The network's revision number is raised, as a change of its zones does. So the transactions meet at a row that
    both write, and a cluster of databases, in which a lock is one node's own, refuses the later one too. The pods are
    read under a lock, for such a read shows what others have committed since this transaction began.
    """
    networks, attributes = models_v2.Network.__table__.c, StandardAttribute.__table__
    attribute = select(networks.standard_attr_id).where(networks.id == network_id).scalar_subquery()
    session.execute(
        update(attributes)
        .where(attributes.c.id == attribute)
        .values(revision_number=attributes.c.revision_number + 1, updated_at=attributes.c.updated_at)
    )
    others = (
        select(_TABLE.c.pod_id)
        .where(_TABLE.c.network_id == network_id, _TABLE.c.pod_id != pod_id, _TABLE.c.port_id != port_id)
        .limit(1)
        .with_for_update(read=True)
    )
    return {row.pod_id for row in session.execute(others)}


# Each of these says what it takes the table for, so that none begins with a row that is not there: looking for one, to
# remove or to lock it, keeps others from adding theirs beside it, and two that do so dead-lock. Where the table has
# become another since this transaction began, Neutron repeats the transaction.


def put(session: Any, port: Port, project_id: str) -> None:
    """Say in which pod a port is that is in none."""
    row = {"port_id": port.id, "network_id": port.network_id, "pod_id": port.pod_id, "project_id": project_id}
    session.execute(insert(_TABLE).values(row))


def move(session: Any, port: Port, pod_id: str) -> None:
    """Say that a port is no longer in one pod, but in another one. Raises `RetryRequest` where it was not there."""
    row = {"pod_id": port.pod_id, "created_at": now()}
    _execute(session, update(_TABLE).where(*_is(port.id, pod_id)).values(row), port.id)


def remove(session: Any, port_id: str, pod_id: str) -> None:
    """Say that a port is in no pod any more. Raises `RetryRequest` where it was not in that one."""
    _execute(session, delete(_TABLE).where(*_is(port_id, pod_id)), port_id)


def _is(port_id: str, pod_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _TABLE.c.port_id == port_id, _TABLE.c.pod_id == pod_id


def _execute(session: Any, statement: Executable, port_id: str) -> None:
    if session.execute(statement).rowcount != 1:
        raise RetryRequest(PlacementChanged(port_id=port_id))
