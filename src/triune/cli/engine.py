"""The work engine in the gateway and the worker: its handlers, its pace, and what is looked at from time to time."""

from collections.abc import Iterable, Mapping

from oslo_config import cfg

from triune.gateway.call import Gateway
from triune.network.boots import Boots, attempts, under_way
from triune.network.handlers import handlers as network_handlers
from triune.network.names import BOOT, DRIFT, SERVER
from triune.network.neutron import Neutron
from triune.network.servers import Servers
from triune.network.top import central, has_networks
from triune.network.top_ports import TopPorts
from triune.quota.convergence import QuotaConvergence
from triune.shared.convergence import Convergence
from triune.shared.flavor_changes import FlavorChanges
from triune.shared.image_convergence import ImageConvergence
from triune.shared.images import IMAGE, IMAGES
from triune.shared.named_convergence import NamedConvergence
from triune.shared.server_groups import ServerGroups
from triune.work.backoff import Backoff
from triune.work.pace import Pace
from triune.work.periodic import Chore, PeriodicKeys
from triune.work.requests import Key
from triune.work.runner import Handler

# Seconds that keys under way have to be finished when a worker is asked to end.
GRACE = 10.0
# Seconds between looks for removals that are done and old.
REMOVALS_INTERVAL = 300.0


def pace(conf: cfg.ConfigOpts) -> Pace:
    """How the settings want the engine to work."""
    settings = conf.worker
    return Pace(
        poll_interval=settings.poll_interval,
        lease_time=settings.lease_time,
        attempt_deadline=settings.attempt_deadline,
        keys_at_once=settings.keys_at_once,
        keys_per_pod=settings.keys_per_pod,
        keep_finished=settings.keep_finished,
        backoff=Backoff(settings.first_pause, settings.longest_pause),
        grace=GRACE,
        copy_deadline=settings.copy_deadline,
    )


def handlers(shared: Gateway) -> Mapping[str, Handler]:
    """What brings each kind of key to what is wanted; the same in the gateway and in the worker."""
    ports = TopPorts(shared.service_user, central(shared.conf))
    return {
        **Convergence(shared.registry, shared.service_user, shared.intents, shared.changes, shared.runner).handlers(),
        **FlavorChanges(shared.registry, shared.service_user, shared.intents, shared.changes).handlers(),
        **ImageConvergence(
            shared.registry,
            shared.service_user,
            shared.intents,
            shared.routings,
            shared.conf.pods.store_deadline,
            shared.journal.tell,
        ).handlers(),
        **NamedConvergence(shared.registry, shared.service_user, shared.intents).handlers(),
        **QuotaConvergence(shared.registry, shared.endpoints, shared.service_user, shared.limits).handlers(),
        **ServerGroups(shared.registry, shared.service_user, shared.intents).handlers(),
        **network_handlers(shared),
        SERVER: Servers(shared.registry, shared.service_user, ports),
        BOOT: Boots(
            shared.registry,
            shared.routings,
            shared.service_user,
            ports,
            under_way(shared.conf.pods.request_deadline),
        ),
    }


def periodic(shared: Gateway) -> Iterable[PeriodicKeys]:
    """The keys that are looked at from time to time, whether somebody asks for them or not."""

    async def drift() -> Iterable[Key]:
        return [Key(DRIFT, pod.id, pod.id) for pod in await shared.registry.pods()]

    async def images() -> Iterable[Key]:
        # Pods in which no image was made have nothing to be compared with.
        homes = await shared.routings.pods_of(IMAGE)
        return [Key(IMAGES, pod.id, pod.id) for pod in await shared.registry.pods() if pod.id in homes]

    interval = shared.conf.worker.drift_interval
    found = {DRIFT: PeriodicKeys("drift", interval, drift), IMAGES: PeriodicKeys("images", interval, images)}
    return [keys for kind, keys in found.items() if kind in shared.runner.handlers]


def chores(shared: Gateway) -> Iterable[Chore]:
    """What else a worker does from time to time."""
    settings = shared.conf.worker
    top = Neutron(shared.service_user, central(shared.conf))

    async def left_attempts() -> None:
        if await has_networks(shared.conf, shared.endpoints):
            await shared.journal.request_if_older(await attempts(top), settings.drift_interval)

    return [
        Chore("removals", REMOVALS_INTERVAL, lambda: shared.intents.prune(settings.keep_finished)),
        Chore("attempts", settings.drift_interval, left_attempts),
    ]
