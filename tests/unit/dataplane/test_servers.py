"""Servers are found through the state files that the compute driver writes."""

from pathlib import Path

import pytest
from lab_drivers.state import RUNNING, SHUTDOWN, Nic, ServerState, ServerStore

from lab.dataplane import DataplaneError, exec_in_server, list_servers
from lab.dataplane.servers import find_server


def add(lab: Path, region: str, uuid: str, name: str, power_state: str = RUNNING) -> None:
    nic = Nic("port", "eth0", "tap0", "fa:16:3e:00:00:01", 1442, True, "", ["10.0.0.5"])
    store = ServerStore(lab / "regions" / region / "servers")
    store.save(ServerState(uuid, name, "instance-1", power_state, nics=[nic]))


def test_servers_of_all_regions(tmp_path: Path) -> None:
    add(tmp_path, "RegionTwo", "u2", "b")
    add(tmp_path, "RegionOne", "u1", "c")
    found = list_servers(tmp_path)
    assert [(server.region, server.name) for server in found] == [("RegionOne", "c"), ("RegionTwo", "b")]
    assert found[0].addresses == ("10.0.0.5",)
    assert found[0].namespace.name == "vm-u1"


def test_found_by_name_and_by_id(tmp_path: Path) -> None:
    add(tmp_path, "RegionOne", "u1", "vm1")
    known = list_servers(tmp_path)
    assert find_server(known, "vm1") == find_server(known, "u1") == known[0]


def test_unknown_server(tmp_path: Path) -> None:
    with pytest.raises(DataplaneError, match="no server is named vm1"):
        exec_in_server(tmp_path, "vm1", ["true"])


def test_ambiguous_name_lists_the_ids(tmp_path: Path) -> None:
    add(tmp_path, "RegionOne", "u1", "vm1")
    add(tmp_path, "RegionTwo", "u2", "vm1")
    with pytest.raises(DataplaneError, match=r"2 servers are named vm1(.|\n)*u1(.|\n)*u2"):
        exec_in_server(tmp_path, "vm1", ["true"])


def test_stopped_server_runs_nothing(tmp_path: Path) -> None:
    add(tmp_path, "RegionOne", "u1", "vm1", SHUTDOWN)
    with pytest.raises(DataplaneError, match="does not run, its power state is shutdown"):
        exec_in_server(tmp_path, "vm1", ["true"])
