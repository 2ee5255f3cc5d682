"""Waiting for those who are changing what uses something, before that is removed from a pod.

A pod's Neutron lets go of a group in its database first and tells its network afterwards, while the request still runs.
Whoever removes the group in between makes the second half fail, and Neutron says so in its log alone: the port stays
without the groups that it should have got (seen with ML2/OVN, `Port group ... does not exist`).
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Final

from triune.network import names
from triune.work.journal import Journal
from triune.work.requests import Key
from triune.work.runner import chain

# Whose changes can take a resource of a kind out of use.
USERS: Final[Mapping[str, frozenset[str]]] = {
    names.SECURITY_GROUP: frozenset({names.PORT}),
    names.ADDRESS_GROUP: frozenset({names.SECURITY_GROUP_RULES}),
    names.REMOTE_GROUP: frozenset({names.SECURITY_GROUP_RULES}),
    names.QOS_POLICY: frozenset({names.PORT, names.NETWORK}),
}
# Seconds between looks; and in all, for one of the users may itself wait for what is to be removed.
PAUSE: Final = 0.2
PATIENCE: Final = 2.0


async def busy_user(journal: Journal, kind: str, pod_id: str) -> Key | None:
    """Wait until whoever works on users of a kind in a pod has ended what he does now; who goes on for longer.

    Who begins later is no matter. Nor are those that the caller is run for: they go on when he has ended.
    """
    if not (users := USERS.get(kind)):
        return None
    callers = chain()
    busy = await _busy(journal, users, pod_id, callers)
    deadline = time.monotonic() + PATIENCE
    while busy and time.monotonic() < deadline:
        await asyncio.sleep(PAUSE)
        busy &= await _busy(journal, users, pod_id, callers)
    return min(busy, key=str)[0] if busy else None


async def _busy(journal: Journal, kinds: frozenset[str], pod_id: str, callers: Collection[Key]) -> set[tuple[Key, int]]:
    owned = await journal.owned(kinds, pod_id)
    return {(entry.key, entry.fence) for entry in owned if entry.key not in callers}
