"""`python -m benchmarks.route`: how long a router takes to join networks in two pods, on the lab.

Measured from sending `add_router_interface` for the second network until a ping from one pod to the other is answered.
By hand, the same is made in the Neutrons of both pods themselves, side by side: a router, the networks on which the two
routers meet, an interface on them, the routes. Both ways in turn, each round on a machine that is at rest. Prints
Markdown.
"""

import concurrent.futures
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.cloud import CENTRAL, DEADLINE_SECONDS, connect, ingredients, wait

REGIONS, ZONES = ("RegionOne", "RegionTwo"), ("az1", "az2")
ROUNDS = 10
# Not counted: caches fill.
WARM_ROUNDS = 1
PING_SECONDS = 0.05
REST_SECONDS = 3.0
# Where the routers meet that are made by hand: a VLAN of the pods' own, and addresses there.
VLAN, MEETING, MEETS_AT = 390, "172.31.0.0/24", ("172.31.0.11", "172.31.0.12")
TRIUNES, BY_HAND = ("10.81.1.0/24", "10.81.2.0/24"), ("10.82.1.0/24", "10.82.2.0/24")


@dataclass(frozen=True)
class Way:
    """One way to join two networks: `client` pings `address` of `server`, who answers between `join` and `part`."""

    name: str
    client: str
    server: str
    address: str
    join: Callable[[], Any]
    part: Callable[[], Any]


@dataclass(frozen=True)
class Place:
    """A network with a server, and the cloud where it was made."""

    cloud: Any
    cidr: str
    subnet_id: str
    server_id: str
    address: str


@contextmanager
def place(cloud: Any, zone: str, cidr: str, image_id: str, flavor_id: str) -> Iterator[Place]:
    """A network with a server, who lets everybody in."""
    with ExitStack() as stack:
        net = cloud.network.create_network(name="bench", is_port_security_enabled=False)
        stack.callback(cloud.network.delete_network, net.id)
        subnet = cloud.network.create_subnet(network_id=net.id, ip_version=4, cidr=cidr)
        body = {"image_id": image_id, "flavor_id": flavor_id, "networks": [{"uuid": net.id}]}
        server = cloud.compute.create_server(name="bench", availability_zone=zone, **body)
        mine = lambda: list(cloud.network.ports(device_id=server.id))  # noqa: E731
        stack.callback(wait, "no ports", lambda: not mine())
        stack.callback(wait, "no server", lambda: cloud.compute.find_server(server.id) is None)
        stack.callback(cloud.compute.delete_server, server.id)
        wait("the server", lambda: cloud.compute.get_server(server.id).status == "ACTIVE")
        (port,) = mine()
        yield Place(cloud, cidr, subnet.id, server.id, port.fixed_ips[0]["ip_address"])


# -- through Triune


@contextmanager
def through_triune(cloud: Any, places: list[Place]) -> Iterator[Way]:
    """A router that has the first network already."""
    first, second = places
    neutron = cloud.network
    router = neutron.create_router(name="bench")
    try:
        neutron.add_interface_to_router(router.id, subnet=first.subnet_id)
        join = lambda: neutron.add_interface_to_router(router.id, subnet=second.subnet_id)  # noqa: E731
        part = lambda: neutron.remove_interface_from_router(router.id, subnet=second.subnet_id)  # noqa: E731
        yield Way("through Triune", first.server_id, second.server_id, second.address, join, part)
    finally:
        for port in neutron.ports(device_id=router.id):
            neutron.remove_interface_from_router(router.id, port=port.id)
        neutron.delete_router(router.id)


# -- by hand


@dataclass
class Hand:
    """What is done in one pod: its router meets the other pod's, and knows the way to the other network."""

    here: Place
    there: Place
    own: str
    other: str
    router_id: str | None
    made: ExitStack

    def join(self) -> None:
        """Make it all, the router too where there is none."""
        neutron, made, router_id = self.here.cloud.network, self.made, self.router_id
        if router_id is None:
            router_id = neutron.create_router(name="bench-hand").id
            made.callback(neutron.delete_router, router_id)
            neutron.add_interface_to_router(router_id, subnet=self.here.subnet_id)
            made.callback(neutron.remove_interface_from_router, router_id, subnet=self.here.subnet_id)
        segment = {"provider_network_type": "vlan", "provider_physical_network": "physnet1"}
        meeting = neutron.create_network(name="bench-meeting", provider_segmentation_id=VLAN, **segment)
        made.callback(neutron.delete_network, meeting.id)
        subnet = neutron.create_subnet(network_id=meeting.id, ip_version=4, cidr=MEETING, is_dhcp_enabled=False)
        fixed = [{"subnet_id": subnet.id, "ip_address": self.own}]
        port = neutron.create_port(network_id=meeting.id, fixed_ips=fixed)
        neutron.add_interface_to_router(router_id, port=port.id)
        made.callback(neutron.remove_interface_from_router, router_id, port=port.id)
        routes = [{"destination": self.there.cidr, "nexthop": self.other}]
        neutron.update_router(router_id, routes=routes)
        made.callback(neutron.update_router, router_id, routes=[])


@contextmanager
def by_hand(places: list[Place]) -> Iterator[Way]:
    """Both pods' own Neutrons; the first has a router with the first network already."""
    first, second = places
    neutron = first.cloud.network
    router = neutron.create_router(name="bench-hand")
    with ExitStack() as stack:
        stack.callback(neutron.delete_router, router.id)
        neutron.add_interface_to_router(router.id, subnet=first.subnet_id)
        stack.callback(neutron.remove_interface_from_router, router.id, subnet=first.subnet_id)
        hands = [
            Hand(first, second, *MEETS_AT, router_id=router.id, made=stack.enter_context(ExitStack())),
            Hand(second, first, *reversed(MEETS_AT), router_id=None, made=stack.enter_context(ExitStack())),
        ]
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(hands)))
        join = lambda: list(pool.map(Hand.join, hands))  # noqa: E731
        part = lambda: [hand.made.close() for hand in hands]  # noqa: E731
        yield Way("by hand in both pods", first.server_id, second.server_id, second.address, join, part)


# -- measured


def first_answer(way: Way) -> float:
    """When the first echo request was answered. Raises `TimeoutError`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    words = ("ping", "-n", "-q", "-i", str(PING_SECONDS), "-c", "1", "-w", "5", way.address)
    while time.monotonic() < deadline:
        # It ends with the first answer, and also where a router says that it knows no way yet.
        if not subprocess.run(["ip", "netns", "exec", f"vm-{way.client}", *words], capture_output=True).returncode:
            return time.perf_counter()
        time.sleep(PING_SECONDS)
    raise TimeoutError(f"{way.name}: no answer")


def is_silent(way: Way) -> bool:
    """Whether none of some echo requests is answered."""
    words = ("ping", "-n", "-q", "-i", "0.2", "-c", "5", "-W", "1", way.address)
    return bool(subprocess.run(["ip", "netns", "exec", f"vm-{way.client}", *words], capture_output=True).returncode)


def forget_neighbours(way: Way) -> None:
    """Let the servers forget the MAC of the router of the round before, which is another in each.

    Linux believes in it for half a minute and more.
    """
    for server_id in (way.client, way.server):
        subprocess.run(["ip", "-netns", f"vm-{server_id}", "neighbour", "flush", "all"], check=True)


def measured(way: Way) -> tuple[float, float]:
    """Seconds until the API has answered, and until the first ping has; both are apart again afterwards."""
    forget_neighbours(way)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pinging = pool.submit(first_answer, way)
        began = time.perf_counter()
        try:
            way.join()
            answered = time.perf_counter() - began
            reached = pinging.result() - began
        finally:
            way.part()
    wait("silence", lambda: is_silent(way))
    time.sleep(REST_SECONDS)
    return answered, reached


def main() -> None:
    """Measure and print."""
    admin, central = connect("triune-admin", CENTRAL), connect("triune", CENTRAL)
    pods = [connect("triune-admin", region) for region in REGIONS]
    with ExitStack() as stack:
        image, flavor = stack.enter_context(ingredients(admin))
        top = [
            stack.enter_context(place(central, zone, cidr, image.id, flavor.id))
            for zone, cidr in zip(ZONES, TRIUNES, strict=True)
        ]
        native = [
            stack.enter_context(place(pod, "nova", cidr, image.id, flavor.id))
            for pod, cidr in zip(pods, BY_HAND, strict=True)
        ]
        ways = [stack.enter_context(by_hand(native)), stack.enter_context(through_triune(central, top))]
        taken: dict[str, list[tuple[float, float]]] = {way.name: [] for way in ways}
        for number in range(WARM_ROUNDS + ROUNDS):
            for way in ways if number % 2 else reversed(ways):
                seconds = measured(way)
                if number >= WARM_ROUNDS:
                    taken[way.name].append(seconds)
    print(table(taken))


def table(taken: dict[str, list[tuple[float, float]]]) -> str:
    """The figures, in seconds, and how much of Triune's time the pods' own Neutrons take."""
    lines = ["| joined | rounds | answer, median | ping, median | ping, least | ping, most |", "| --- " * 6 + "|"]
    for name, rounds in taken.items():
        answered, reached = zip(*rounds, strict=True)
        figures = statistics.median(answered), statistics.median(reached), min(reached), max(reached)
        lines.append(f"| {name} | {len(rounds)} | " + " | ".join(f"{each:.2f} s" for each in figures) + " |")
    native, through = (statistics.median(each[1] for each in rounds) for rounds in taken.values())
    share = f"Of Triune's time, {native / through:.0%} is what the pods' own Neutrons take for the same"
    return "\n".join([*lines, "", f"{share}; {through - native:.2f} s are added."])


if __name__ == "__main__":
    main()
