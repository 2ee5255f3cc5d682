"""Central Neutron as the gateway and the worker speak to it: by the pods' client, with its deadlines and breaker."""

from typing import Final

from oslo_config import cfg

from triune.pods.endpoints import Endpoints
from triune.pods.registry import Pod

NETWORK_SERVICE: Final = "network"
# No pod has this id: theirs are UUIDs.
_ID: Final = "central"


def central(conf: cfg.ConfigOpts) -> Pod:
    """The central region as the target of requests to central Neutron."""
    return Pod(_ID, conf.central_region, "")


async def has_networks(conf: cfg.ConfigOpts, endpoints: Endpoints) -> bool:
    """Whether the central region has networks of its own."""
    return await endpoints.get(conf.central_region, NETWORK_SERVICE) is not None
