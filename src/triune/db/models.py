"""Tables.

A routing is a cache of where a resource lives: the pods hold the truth, and every row may be dropped at any time.
"""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def now() -> datetime:
    """The time in UTC without zone, as all tables keep it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


# What each migration that makes a table passes on: ids and names differ by case ("anna" and "Anna" are two keypairs),
# which MariaDB and MySQL overlook unless told. Other databases ignore it.
TABLE_OPTIONS: Final = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


# MariaDB and MySQL keep whole seconds unless told.
PRECISE_TIME: Final = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
# The same keep 64 KiB in a `TEXT`; the description of a flavor has up to as many characters.
LONG_TEXT: Final = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


class Base(DeclarativeBase):
    """Parent of all tables."""


class PodRow(Base):
    """One region that Triune has in front of it, or the central region itself (`az_name` empty)."""

    __tablename__ = "pods"

    pod_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region_name: Mapped[str] = mapped_column(String(255), unique=True)
    az_name: Mapped[str] = mapped_column(String(255), default="")
    pod_az_name: Mapped[str] = mapped_column(String(255), default="")
    dc_name: Mapped[str] = mapped_column(String(255), default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime | None] = mapped_column(default=None, onupdate=now)


class RoutingRow(Base):
    """ "Resource top_id is bottom_id in pod P"."""

    __tablename__ = "routings"
    __table_args__ = (UniqueConstraint("top_id", "pod_id", "resource_type"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    top_id: Mapped[str] = mapped_column(String(127))
    bottom_id: Mapped[str] = mapped_column(String(127), index=True)
    pod_id: Mapped[str] = mapped_column(ForeignKey("pods.pod_id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str | None] = mapped_column(String(64), index=True)
    resource_type: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime | None] = mapped_column(default=None, onupdate=now)


class JournalRow(Base):
    """ "Resource R in pod P may differ from what is wanted", until `done_generation` has caught up with `generation`.

    `owner`, `fence` and `beat` are the lease: `fence` grows with each claim, so that a worker that was given up cannot
    finish what another has taken over; `beat` grows while the owner lives. `due_at` is when it may be tried next (UTC,
    with fractions of seconds), far in the future where nothing waits. `backlog`: what users ask for goes before it.
    """

    __tablename__ = "journal"
    __table_args__ = (UniqueConstraint("kind", "resource_id", "pod_id"), Index("ix_journal_updated_at", "updated_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(36))
    resource_id: Mapped[str] = mapped_column(String(255))
    pod_id: Mapped[str] = mapped_column(String(36), default="")
    project_id: Mapped[str | None] = mapped_column(String(64), index=True)
    request_id: Mapped[str | None] = mapped_column(String(64))
    generation: Mapped[int] = mapped_column(default=1)
    done_generation: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text, default=None)
    due_at: Mapped[datetime] = mapped_column(PRECISE_TIME, default=now, index=True)
    backlog: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str | None] = mapped_column(String(64), default=None)
    fence: Mapped[int] = mapped_column(default=0)
    beat: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class RemovalRow(Base):
    """A shared resource that is wanted no more in a pod, so that it does not come back from there."""

    __tablename__ = "removals"

    kind: Mapped[str] = mapped_column(String(36), primary_key=True)
    resource_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    pod_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class ChangeRow(Base):
    """What a part of a shared resource is to be in a pod: `value` as JSON, null where it is to be no more."""

    __tablename__ = "changes"

    kind: Mapped[str] = mapped_column(String(36), primary_key=True)
    resource_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    pod_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    part: Mapped[str] = mapped_column(String(300), primary_key=True)
    value: Mapped[str] = mapped_column(LONG_TEXT)
    created_at: Mapped[datetime] = mapped_column(default=now)


class LimitRow(Base):
    """A limit that was set at the top, for a project, a user in a project, or a quota class.

    `kind` and `resource_id` are those of its keys in the journal; `name` is the resource that is limited, `value` its
    limit, -1 for none.
    """

    __tablename__ = "limits"

    kind: Mapped[str] = mapped_column(String(36), primary_key=True)
    resource_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class PlacementRow(Base):
    """In which pod a port of central Neutron is placed, and so which pods hold its network and security groups.

    Central Neutron writes it in the transaction that changes the port.
    """

    __tablename__ = "placements"
    # In which pods a network is can be told without looking at its ports.
    __table_args__ = (Index("ix_placements_network_id_pod_id", "network_id", "pod_id"),)

    port_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    network_id: Mapped[str] = mapped_column(String(36))
    pod_id: Mapped[str] = mapped_column(String(36), index=True)
    project_id: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=now)


class GatewayRow(Base):
    """Who answers at the gateway addresses of a network: routers of its home pod, or a device `outside` of Triune."""

    __tablename__ = "gateways"

    network_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    outside: Mapped[bool] = mapped_column(default=False)
    pod_id: Mapped[str | None] = mapped_column(ForeignKey("pods.pod_id", ondelete="SET NULL"), default=None)
