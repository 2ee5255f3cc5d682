"""The compute driver's state files."""

from pathlib import Path

from lab_drivers.console import KEPT_BYTES, LIMIT_BYTES, Console
from lab_drivers.state import PAUSED, STATE_FILE, Disk, Nic, ServerState, ServerStore


def nic(device: str, port: str = "p") -> Nic:
    return Nic(port, device, f"tap-{port}", "fa:16:3e:00:00:01", 1442, True, "", ["10.0.0.5"])


def server(uuid: str = "u1") -> ServerState:
    disks = [Disk("vda", "image i", "/d/vda"), Disk("vdb", "volume v", "/v", "v")]
    return ServerState(uuid, "vm1", "instance-1", PAUSED, 1, 128, 1, nics=[nic("eth0")], disks=disks)


def test_state_survives_a_restart(tmp_path: Path) -> None:
    ServerStore(tmp_path).save(server())
    later = ServerStore(tmp_path)
    assert later.load() == []
    assert later.all() == [server()]
    assert later.get("u1") == server()


def test_damaged_state_is_reported_and_passed_over(tmp_path: Path) -> None:
    store = ServerStore(tmp_path)
    store.save(server("good"))
    for name, text in (("cut", '{"uuid": "cut"'), ("other", "{}"), ("list", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / STATE_FILE).write_text(text)
    later = ServerStore(tmp_path)
    assert {path.parent.name for path in later.load()} == {"cut", "other", "list"}
    assert [state.uuid for state in later.all()] == ["good"]


def test_half_written_state_is_never_read(tmp_path: Path) -> None:
    store = ServerStore(tmp_path)
    store.save(server())
    (tmp_path / "u1" / f"{STATE_FILE}.partial").write_text('{"uu')
    assert ServerStore(tmp_path).load() == []


def test_removed_server_leaves_nothing(tmp_path: Path) -> None:
    store = ServerStore(tmp_path)
    store.save(server())
    store.remove("u1")
    store.remove("u1")
    assert store.get("u1") is None
    assert list(tmp_path.iterdir()) == []


def test_state_before_a_resize_is_no_server(tmp_path: Path) -> None:
    store = ServerStore(tmp_path)
    store.resize_directory("u1").mkdir(parents=True)
    store.keep_for_revert(server())
    assert store.kept_for_revert("u1") == server()
    later = ServerStore(tmp_path)
    assert later.load() == []
    assert later.all() == []


def test_interfaces_fill_gaps() -> None:
    state = server()
    state.nics = [nic("eth0"), nic("eth2", "q")]
    assert state.free_device() == "eth1"
    state.nics = []
    assert state.free_device() == "eth0"


def test_disk_takes_the_place_of_its_predecessor() -> None:
    state = server()
    state.replace_disk(Disk("vdb", "volume w", "/w", "w"))
    state.replace_disk(Disk("vdc", "volume x", "/x", "x"))
    assert [(disk.device, disk.volume_id) for disk in state.disks] == [("vda", ""), ("vdb", "w"), ("vdc", "x")]


def test_console_stays_short_and_whole_lines(tmp_path: Path) -> None:
    console = Console(tmp_path / "console.log")
    assert console.tail() == ""
    for number in range(LIMIT_BYTES // 100):
        console.say(f"{number:0150}")
    assert console.path.stat().st_size <= LIMIT_BYTES + 200
    lines = console.tail().splitlines()
    assert len(console.tail()) <= KEPT_BYTES
    assert lines[-1].endswith(f"{LIMIT_BYTES // 100 - 1:0150}")
    assert console.path.read_text().startswith("[")
