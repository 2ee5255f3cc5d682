"""The networks on which the pod routers of a project meet (kind `bridge`)."""

from triune.network.handlers.shop import Shop
from triune.network.neutron import Refused
from triune.network.realize import CONFLICT
from triune.network.routing.bridges import NoRange, wanted
from triune.work.handler import Again
from triune.work.requests import Key


class BridgeHandler:
    """Makes and removes them; one at a time for each project, so that none is made twice."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def __call__(self, key: Key) -> Again | None:
        """Raises what makes it due again."""
        due = wanted(await self._shop.routing.of_project(key.resource_id))
        lacking: NoRange | None = None
        if due.bridge:
            await self._shop.quotas.lift(self._shop.read.central)
        try:
            await self._shop.bridges.ensure(key.resource_id, due)
        except NoRange as error:
            # What is removed now may make room.
            lacking = error
        try:
            await self._shop.bridges.prune(key.resource_id, due)
        except Refused as error:
            if error.status != CONFLICT:
                raise
            return self._shop.patience.again(key, str(lacking or error))
        if lacking is not None:
            raise lacking
        self._shop.patience.over(key)
        return None
