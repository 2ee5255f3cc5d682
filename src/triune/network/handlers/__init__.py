"""The handlers of everything that pods hold of central Neutron's networks."""

from collections.abc import Mapping
from typing import Protocol

from oslo_config import cfg

from triune.db.engine import Database
from triune.network import names
from triune.network.handlers.bridges import BridgeHandler
from triune.network.handlers.drift import Drift
from triune.network.handlers.floating_ips import FloatingIPs
from triune.network.handlers.groups import Groups
from triune.network.handlers.networks import Networks
from triune.network.handlers.policies import Policies
from triune.network.handlers.ports import Ports
from triune.network.handlers.routers import Routers
from triune.network.handlers.shop import Shop
from triune.network.neutron import Neutron
from triune.network.read import Read
from triune.network.reserve import Reserve
from triune.network.routing.bridges import Bridges, settings
from triune.network.routing.read import RoutingRead
from triune.network.top import central
from triune.pods.registry import Registry
from triune.pods.routings import Routings
from triune.pods.service_user import ServiceUser
from triune.work.handler import Handler
from triune.work.journal import Journal
from triune.work.runner import Runner


class Shared(Protocol):
    """What a process has wired together."""

    @property
    def conf(self) -> cfg.ConfigOpts: ...
    @property
    def database(self) -> Database: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def routings(self) -> Routings: ...
    @property
    def service_user(self) -> ServiceUser: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def runner(self) -> Runner: ...


def handlers(shared: Shared) -> Mapping[str, Handler]:
    """What the work engine calls for each kind of twin."""
    top = Neutron(shared.service_user, central(shared.conf))
    routing = RoutingRead(top, shared.database, shared.registry)
    shop = Shop(
        shared.registry,
        shared.routings,
        shared.database,
        shared.journal,
        shared.runner,
        shared.service_user,
        Read(top, shared.database),
        Reserve(top, shared.conf.network.reserved_addresses),
        routing,
        Bridges(top, settings(shared.conf), shared.service_user.project),
    )
    groups = Groups(shop)
    return {
        names.NETWORK: Networks(shop),
        names.PORT: Ports(shop),
        names.SECURITY_GROUP: groups.group,
        names.SECURITY_GROUP_RULES: groups.rules,
        names.REMOTE_GROUP: groups.remote,
        names.ADDRESS_GROUP: groups.addresses,
        names.QOS_POLICY: Policies(shop),
        names.ROUTER: Routers(shop),
        names.FLOATING_IP: FloatingIPs(shop),
        names.BRIDGE: BridgeHandler(shop),
        names.DRIFT: Drift(shop),
    }
