"""`python -m benchmarks.boot`: how long a server's network takes through Triune and in a pod itself, on the lab.

Measured from sending `POST /servers` until the server's port in the pod is ACTIVE, which is when packets flow. Both
ways in turn, on networks that are there already, each round on a machine that is at rest. Prints Markdown.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.cloud import CENTRAL, connect, ingredients, wait

REGION, ZONE = "RegionOne", "az1"
ROUNDS = 15
# Not counted: caches fill, and the first server of a network brings the network.
WARM_ROUNDS = 2
REST_SECONDS = 1.5
LIMIT = 1.3


@dataclass(frozen=True)
class Way:
    """One way to a server: where it is asked for, and on which network."""

    name: str
    cloud: Any
    network_id: str


def boot(way: Way, pod: Any, image_id: str, flavor_id: str, number: int) -> tuple[float, float]:
    """Seconds until the answer, and until the port carries packets; the server is gone afterwards."""
    body = {
        "name": f"bench-{number}",
        "imageRef": image_id,
        "flavorRef": flavor_id,
        "networks": [{"uuid": way.network_id}],
        "availability_zone": ZONE if way.cloud.config.region_name == CENTRAL else "nova",
    }
    began = time.perf_counter()
    answer = way.cloud.compute.post("/servers", json={"server": body}, microversion="2.90")
    answered = time.perf_counter() - began
    server_id = answer.json()["server"]["id"]
    try:
        wait("an active port", lambda: any(p.status == "ACTIVE" for p in pod.network.ports(device_id=server_id)))
        wired = time.perf_counter() - began
        wait("an active server", lambda: pod.compute.get_server(server_id).status == "ACTIVE")
    finally:
        way.cloud.compute.delete_server(server_id)
        wait("the end of the server", lambda: pod.compute.find_server(server_id) is None)
        time.sleep(REST_SECONDS)
    return answered, wired


@contextmanager
def network(cloud: Any, cidr: str) -> Iterator[str]:
    """A network with a subnet."""
    made = cloud.network.create_network(name="bench")
    try:
        cloud.network.create_subnet(network_id=made.id, ip_version=4, cidr=cidr)
        yield made.id
    finally:
        wait("no ports", lambda: not list(cloud.network.ports(network_id=made.id, device_owner=f"compute:{ZONE}")))
        cloud.network.delete_network(made.id)


def resident(cloud: Any, network_id: str, image_id: str, flavor_id: str) -> Any:
    """A server that keeps the network in the pod, as in a network that is in use."""
    made = cloud.compute.create_server(
        name="bench-resident", image_id=image_id, flavor_id=flavor_id, networks=[{"uuid": network_id}]
    )
    wait("the resident", lambda: cloud.compute.get_server(made.id).status == "ACTIVE")
    return made


def main() -> None:
    """Measure and print."""
    admin, central, pod = connect("triune-admin", CENTRAL), connect("triune", CENTRAL), connect("triune", REGION)
    with ExitStack() as stack:
        image, flavor = stack.enter_context(ingredients(admin))
        ways = []
        for name, cloud, cidr in (("in the pod", pod, "10.77.0.0/24"), ("through Triune", central, "10.78.0.0/24")):
            network_id = stack.enter_context(network(cloud, cidr))
            server = resident(cloud, network_id, image.id, flavor.id)
            stack.callback(wait, "its end", lambda to=cloud, it=server: to.compute.find_server(it.id) is None)
            stack.callback(cloud.compute.delete_server, server.id)
            ways.append(Way(name, cloud, network_id))
        taken: dict[str, list[tuple[float, float]]] = {way.name: [] for way in ways}
        for number in range(WARM_ROUNDS + ROUNDS):
            for way in ways if number % 2 else reversed(ways):
                seconds = boot(way, pod, image.id, flavor.id, number)
                if number >= WARM_ROUNDS:
                    taken[way.name].append(seconds)
    print(table(taken))


def table(taken: dict[str, list[tuple[float, float]]]) -> str:
    """The figures, in seconds, and the ratio of the medians."""
    lines = ["| boot | rounds | answer, median | wired, median | wired, least | wired, most |", "| --- " * 6 + "|"]
    for name, rounds in taken.items():
        answered, wired = zip(*rounds, strict=True)
        figures = statistics.median(answered), statistics.median(wired), min(wired), max(wired)
        lines.append(f"| {name} | {len(rounds)} | " + " | ".join(f"{each:.2f} s" for each in figures) + " |")
    direct, through = (statistics.median(each[1] for each in rounds) for rounds in taken.values())
    return "\n".join([*lines, "", f"Ratio of the medians: {through / direct:.2f} (at most {LIMIT} is wanted)"])


if __name__ == "__main__":
    main()
