"""The table `gateways`: networks at whose gateway addresses a device outside of Triune may answer.

Such are those whose provider attributes were given by whoever made them: what is on that segment is theirs to know.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from neutron_lib.api import validators
from neutron_lib.api.definitions import multiprovidernet, provider_net
from sqlalchemy import Table, delete, insert, select

from triune.db.models import GatewayRow

_TABLE: Final = cast(Table, GatewayRow.__table__)
_SEGMENT: Final = (provider_net.PHYSICAL_NETWORK, provider_net.SEGMENTATION_ID)


def is_asked(attributes: Mapping[str, Any]) -> bool:
    """Whether a request for a network names a segment that exists by itself."""
    segments: Any = attributes.get(multiprovidernet.SEGMENTS)
    every = (attributes, *segments) if validators.is_attr_set(segments) else (attributes,)
    return any(validators.is_attr_set(each.get(name)) for each in every for name in _SEGMENT)


def put(session: Any, network_id: str) -> None:
    """Say that a new network's gateway addresses may be somebody else's."""
    session.execute(insert(_TABLE).values(network_id=network_id, outside=True, pod_id=None))


def remove(session: Any, network_id: str) -> None:
    """Forget a network."""
    # Looking for a row that is not there, to remove it, keeps others from adding theirs beside it.
    if session.execute(select(_TABLE.c.network_id).where(_TABLE.c.network_id == network_id)).first() is not None:
        session.execute(delete(_TABLE).where(_TABLE.c.network_id == network_id))
