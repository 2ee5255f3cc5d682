"""The demonstration: one cloud over several regions, used with nothing but the `openstack` command."""

import time
from pathlib import Path

from rich.console import Console

from lab.credentials import write_private
from lab.layout import Layout
from lab.settings import Lab
from lab.stage import Act, Ping, Settled, Stage, wait

IMAGE_BYTES = 1024 * 1024

SERVERS = ("demo1", "demo2")
VOLUMES = ("data1", "data2")


def acts(layout: Layout) -> list[Act | Ping]:
    """The demonstration, in order."""
    image, key = layout.directory / "demo-image.raw", layout.directory / "demo-key.pem"
    return [
        Act(
            "An administrator uploads an image once; Triune stores it in every region under one id.",
            f"image create --public --disk-format raw --file {image} demo-image -c id -c name -c status -c size",
            who="admin",
            there="image list --name demo-image --status active -f value -c ID",
        ),
        Act(
            "A flavor is made once, too, and is the same in every region.",
            "flavor create --ram 64 --vcpus 1 --disk 1 demo.small -c id -c name -c ram -c vcpus",
            who="admin",
            there="flavor show demo.small -f value -c id",
        ),
        Act(
            "And a larger one.",
            "flavor create --ram 128 --vcpus 1 --disk 1 demo.large -c id -c name -c ram -c vcpus",
            who="admin",
            there="flavor show demo.large -f value -c id",
        ),
        Act("A tenant sees one region with several availability zones.", "availability zone list --compute"),
        Act(
            "A key pair is good for all of them.",
            f"keypair create --private-key {key} demo-key",
            there="keypair show demo-key -f value -c id",
        ),
        Act(
            "A network for servers in whichever region. It is in none of them yet.",
            "network create demo-network -c id -c name -c status",
            there="network show demo-network -f value -c id",
        ),
        Act(
            "Its addresses.",
            "subnet create --network demo-network --subnet-range 192.168.7.0/24 demo-subnet "
            "-c id -c cidr -c allocation_pools",
            there="subnet show demo-subnet -f value -c id",
        ),
        Act(
            "A server in az1, which is RegionOne.",
            "server create --image demo-image --flavor demo.small --key-name demo-key --network demo-network "
            "--availability-zone az1 --wait demo1 "
            "-c id -c name -c status -c addresses -c OS-EXT-AZ:availability_zone",
        ),
        Act(
            "A server in az2, which is RegionTwo.",
            "server create --image demo-image --flavor demo.small --key-name demo-key --network demo-network "
            "--availability-zone az2 --wait demo2 "
            "-c id -c name -c status -c addresses -c OS-EXT-AZ:availability_zone",
        ),
        Ping(
            "They reach each other: the network is one, and so is the security group that lets its members in.",
            "demo1",
            "demo2",
            "demo-network",
        ),
        Act(
            "Its ports, wherever their servers are.",
            "port list --network demo-network --long "
            "-c 'MAC Address' -c 'Fixed IP Addresses' -c Status -c 'Device Owner'",
        ),
        Act(
            "What RegionTwo holds of it, seen past Triune.",
            "network list --name demo-network --long -c Name -c State -c Tags",
            region="RegionTwo",
        ),
        Act(
            "A volume in az1.",
            "volume create --size 1 --availability-zone az1 data1 -c id -c name -c size -c availability_zone",
            settled=Settled("volume show data1 -f value -c status", "available"),
        ),
        Act(
            "A volume in az2.",
            "volume create --size 1 --availability-zone az2 data2 -c id -c name -c size -c availability_zone",
            settled=Settled("volume show data2 -f value -c status", "available"),
        ),
        Act(
            "Attach the first volume to the first server.",
            "server add volume demo1 data1",
            settled=Settled("volume show data1 -f value -c status", "in-use"),
        ),
        Act(
            "Attach the second volume to the second server.",
            "server add volume demo2 data2",
            settled=Settled("volume show data2 -f value -c status", "in-use"),
        ),
        Act(
            "All servers in one list, whichever region they are in.",
            "server list --long -c ID -c Name -c Status -c Flavor -c 'Availability Zone'",
        ),
        Act("All volumes.", "volume list --long"),
        Act("All images.", "image list"),
        Act("All flavors.", "flavor list"),
        Act("What the first server said when it started.", "console log show --lines 12 demo1"),
        Act("Resize the first server.", "server resize --flavor demo.large --wait demo1"),
        Act(
            "Say that the new size is right.",
            "server resize confirm demo1",
            settled=Settled("server show demo1 -f value -c status", "ACTIVE"),
        ),
        Act(
            "See that it has it.",
            "server show demo1 -c name -c status -c flavor -c OS-EXT-AZ:availability_zone -c volumes_attached",
        ),
        Act(
            "Delete the second server.",
            "server delete --wait demo2",
            settled=Settled("network list --name demo-network -f value -c ID", "", region="RegionTwo"),
        ),
        Act("What is left.", "server list"),
        Act(
            "Nothing in RegionTwo uses the network any more, and it is gone from there.",
            "network list --name demo-network",
            region="RegionTwo",
        ),
    ]


def run(lab: Lab, console: Console) -> None:
    """Perform the demonstration in a lab that is up. Raises `LabError` at the first command that fails."""
    stage = Stage(lab, console)
    began = time.monotonic()
    _write_image(lab.layout.directory / "demo-image.raw")
    _clear_away(stage)
    for act in acts(lab.layout):
        stage.perform(act)
    console.print(f"\n[bold green]One cloud over {len(lab.regions)} regions[/], {time.monotonic() - began:.0f} s.")
    console.print(_farewell(lab), markup=False, highlight=False, soft_wrap=True)


def _clear_away(stage: Stage) -> None:
    """Remove the servers and volumes that an earlier demonstration left; its image and flavors can be used again."""
    for kind, names in (("server", SERVERS), ("volume", VOLUMES)):
        left = _left(stage, kind, names)
        if not left:
            continue
        stage.console.print(f"\n[bold]Remove the {kind}s of an earlier demonstration.[/]", highlight=False)
        if kind == "volume":
            # A server that was deleted lets go of its volumes a moment later.
            wait("volume delete", lambda left=left: _are_free(stage, left))
        stage.show(f"{kind} delete {'--wait ' if kind == 'server' else ''}{' '.join(left)}")
        wait(f"{kind} delete", lambda kind=kind, names=names: not _left(stage, kind, names))


def _left(stage: Stage, kind: str, names: tuple[str, ...]) -> list[str]:
    """The ids of resources of these names."""
    lines = stage.answer(f"{kind} list -f value -c ID -c Name").splitlines()
    pairs = [line.partition(" ") for line in lines]
    return [identifier for identifier, _, name in pairs if name in names]


def _are_free(stage: Stage, volumes: list[str]) -> bool:
    """Whether no server uses the volumes."""
    states = dict(line.split() for line in stage.answer("volume list -f value -c ID -c Status").splitlines())
    return all(states.get(volume) not in ("in-use", "detaching") for volume in volumes)


def _write_image(path: Path) -> None:
    """The bytes of an image. Servers of the lab share this machine's kernel and start nothing from it."""
    if not path.exists():
        write_private(path, "Triune demonstration image\n".ljust(IMAGE_BYTES, "\0"))


def _farewell(lab: Lab) -> str:
    openrc = lab.layout.directory / "openrc"
    if openrc.is_relative_to(Path.cwd()):
        openrc = openrc.relative_to(Path.cwd())
    return f"""
The cloud goes on running. To use it yourself:

    source {openrc}
    openstack server list
    openstack server create --image demo-image --flavor demo.small --network demo-network \\
        --availability-zone az2 --wait mine
    openstack server show mine

Run a command inside a server; look behind Triune, at one region alone; become the administrator:

    lab exec demo1 -- ip address
    OS_REGION_NAME=RegionOne openstack server list
    source {openrc}-admin

`lab status` shows what runs here, `make down` stops all of it, and `make demo` brings it back.
"""
