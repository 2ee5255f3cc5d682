"""What a flavor takes, in the words of Placement."""

from typing import Any

import pytest

from triune.scheduler.resources import allocation_query

FLAVOR = {"vcpus": 2, "ram": 512, "disk": 10, "swap": "", "OS-FLV-EXT-DATA:ephemeral": 0, "extra_specs": {}}


@pytest.mark.parametrize(
    ("changes", "specs", "boots_from_volume", "resources"),
    [
        ({}, {}, False, "DISK_GB:10,MEMORY_MB:512,VCPU:2"),
        ({}, {}, True, "MEMORY_MB:512,VCPU:2"),
        ({"disk": 0}, {}, False, "MEMORY_MB:512,VCPU:2"),
        ({"swap": 1025, "OS-FLV-EXT-DATA:ephemeral": 5}, {}, True, "DISK_GB:7,MEMORY_MB:512,VCPU:2"),
        ({}, {"hw:cpu_policy": "dedicated"}, True, "MEMORY_MB:512,PCPU:2"),
        ({}, {"hw:cpu_policy": "shared"}, True, "MEMORY_MB:512,VCPU:2"),
        ({}, {"hw:cpu_policy": "mixed"}, True, "MEMORY_MB:512"),
        ({}, {"resources:VCPU": "0", "resources:CUSTOM_IRON": "1"}, True, "CUSTOM_IRON:1,MEMORY_MB:512"),
        ({}, {"resources:PCPU": "3"}, True, "MEMORY_MB:512,PCPU:3"),
        (
            {},
            {"resources:VGPU": "1", "resources1:VGPU": "2", "hw:numa_nodes": "2"},
            True,
            "MEMORY_MB:512,VCPU:2,VGPU:1",
        ),
    ],
)
def test_resources(changes: dict[str, Any], specs: dict[str, str], boots_from_volume: bool, resources: str) -> None:
    flavor = {**FLAVOR, **changes, "extra_specs": specs}
    assert allocation_query(flavor, boots_from_volume) == f"resources={resources}&limit=1"


def test_traits() -> None:
    specs = {"trait:HW_CPU_X86_AVX": "required", "trait:CUSTOM_OLD": "forbidden", "trait1:CUSTOM_X": "required"}
    query = allocation_query({**FLAVOR, "extra_specs": specs}, True)
    assert query == "resources=MEMORY_MB:512,VCPU:2&required=!CUSTOM_OLD,HW_CPU_X86_AVX&limit=1"


def test_what_asks_for_nothing() -> None:
    specs = {"resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"}
    assert allocation_query({**FLAVOR, "extra_specs": specs}, False) == ""


@pytest.mark.parametrize("flavor", [{}, {**FLAVOR, "ram": None}, {**FLAVOR, "extra_specs": {"resources:VCPU": "x"}}])
def test_what_is_no_flavor(flavor: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        allocation_query(flavor, False)
