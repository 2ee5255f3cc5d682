"""What users, administrators and other regions do at the edges: nothing is lost for it, nor tried for ever."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .network_world import World, world
from .test_network_twins import port_on, vlan


@pytest.fixture
async def there(tmp_path: Path, empty_database: Path) -> AsyncIterator[World]:
    async with world(tmp_path, empty_database) as made:
        yield made


async def test_a_user_who_tags_as_triune_does_loses_no_twin(there: World) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    await there.place(port, there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    (twin,) = pod.ports.values()
    port["tags"] = network["tags"] = ["triune:0", "own"]
    await there.settle()
    await there.drifted()
    assert list(pod.ports) == [twin["id"]] and len(pod.networks) == 1
    assert twin["tags"] == ["own", "triune", f"triune:{port['id']}"]
    assert await there.drifted() == {}
