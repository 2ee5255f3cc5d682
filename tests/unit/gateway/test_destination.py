"""Where a request for servers says that it wants to be."""

from typing import Any

import pytest

from triune.gateway.compute.create_server import flavor_of, has_root_volume
from triune.gateway.compute.destination import Destination, destination, same_hosts

ID, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.mark.parametrize(
    ("server", "version", "found"),
    [
        ({}, None, Destination()),
        ({"availability_zone": "az"}, "2.1", Destination("az")),
        ({"availability_zone": "az:h"}, "2.1", Destination("az", ":h", "h", "", True)),
        ({"availability_zone": "az:h:n"}, "2.1", Destination("az", ":h:n", "h", "n", True)),
        ({"availability_zone": "az::n"}, "2.1", Destination("az", "::n", "", "n", True)),
        ({"availability_zone": ":h"}, "2.1", Destination(None, ":h", "h", "", True)),
        ({"availability_zone": "az:"}, "2.1", Destination("az", ":")),
        ({"availability_zone": "az:h:n:x"}, "2.1", Destination("az", ":h:n:x")),
        ({"availability_zone": 5}, "2.1", Destination()),
        ({"host": "h", "hypervisor_hostname": "n"}, "2.73", Destination()),
        ({"host": "h", "hypervisor_hostname": "n"}, "2.74", Destination(None, "", "h", "n")),
        ({"host": 5, "hypervisor_hostname": ["n"]}, "2.74", Destination()),
        # Nova refuses both at once.
        ({"host": "h", "availability_zone": "az:g"}, "2.74", Destination("az", ":g", "g", "", True)),
    ],
)
def test_destinations(server: dict[str, Any], version: str | None, found: Destination) -> None:
    assert destination(server, version) == found


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({}, []),
        ({"os:scheduler_hints": {"same_host": ID}}, [ID]),
        ({"OS-SCH-HNT:scheduler_hints": {"same_host": [ID, OTHER, 5, "x"]}}, [ID, OTHER]),
        # Nova reads the other spelling only where there is not this one.
        ({"OS-SCH-HNT:scheduler_hints": {"same_host": ID}, "os:scheduler_hints": {}}, []),
        ({"os:scheduler_hints": {"different_host": [ID]}}, []),
        ({"os:scheduler_hints": [ID]}, []),
    ],
)
def test_servers_to_be_near(body: dict[str, Any], ids: list[str]) -> None:
    assert list(same_hosts(body)) == ids


@pytest.mark.parametrize(
    ("server", "boots"),
    [
        ({"imageRef": ID}, False),
        ({"block_device_mapping": [{"volume_id": ID}]}, True),
        ({"block_device_mapping_v2": [{"boot_index": 0, "source_type": "image", "destination_type": "volume"}]}, True),
        (
            {"block_device_mapping_v2": [{"boot_index": "0", "source_type": "image", "destination_type": "local"}]},
            False,
        ),
        ({"imageRef": ID, "block_device_mapping_v2": [{"boot_index": 1, "destination_type": "volume"}]}, False),
        ({"block_device_mapping_v2": "x"}, False),
    ],
)
def test_boots_from_volume(server: dict[str, Any], boots: bool) -> None:
    assert has_root_volume(server) is boots


@pytest.mark.parametrize(
    ("reference", "found"),
    [("1", "1"), (1, "1"), ("http://x/flavors/a%20b/", "a%20b"), (True, ""), (None, ""), ([1], ""), ("", "")],
)
def test_flavors(reference: Any, found: str) -> None:
    assert flavor_of(reference) == found
