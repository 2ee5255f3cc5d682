"""TCP ports of the lab, all on 127.0.0.1.

A port reads as ``1RRNN``: ``RR`` is the region's index (00: shared by all regions) and ``NN`` the last two digits of
the service's usual port, so RegionTwo's Nova (8774) listens on 10274. Keystone keeps its usual 5000.
"""

HOST = "127.0.0.1"

BASE = 10000
KEYSTONE = 5000

MEMCACHED = BASE + 11
EPMD = BASE + 69
RABBITMQ = BASE + 72
RABBITMQ_CLUSTER = BASE + 25

API_PORTS = {"nova": 74, "cinder": 76, "placement": 78, "glance": 92, "neutron": 96}


def api_port(region_index: int, service: str) -> int:
    """The port of a region's API; ``service`` is a key of ``API_PORTS``."""
    return BASE + 100 * region_index + API_PORTS[service]
