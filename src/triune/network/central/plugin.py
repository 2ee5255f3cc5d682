"""The core plugin `triune`: ML2 whose availability zones are those of Triune's pods."""

from collections.abc import Collection
from typing import Any

from neutron import policy
from neutron.plugins.ml2.plugin import Ml2Plugin
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.db import api as database
from neutron_lib.exceptions import availability_zone as errors
from neutron_lib.policy import _engine as roles

from triune.network.central import outside, reads, together
from triune.network.central.pods import zones

# The resources that take hints.
RESOURCES = ("network", "router")


class Plugin(Ml2Plugin):
    """ML2 with zones from the table of pods in place of those of agents."""

    # Neutron asks for these by the name of the class itself, so they are not inherited.
    __native_bulk_support = True
    __native_pagination_support = True
    __native_sorting_support = True

    def __init__(self) -> None:
        """Raises what Neutron raises for settings that cannot work."""
        super().__init__()
        # Not now: Neutron forgets its rules once more when all extensions are loaded. Rules that cannot be read keep
        # the server from starting.
        registry.subscribe(_load_rules, resources.PROCESS, events.AFTER_INIT, cancellable=True)

    @database.retry_if_session_inactive()
    def get_availability_zones(
        self,
        context: Any,
        filters: dict[str, list[str]] | None = None,
        fields: list[str] | None = None,
        sorts: Any = None,
        limit: int | None = None,
        marker: str | None = None,
        page_reverse: bool = False,
    ) -> list[dict[str, Any]]:
        """Every zone and region, for networks and for routers."""
        with database.CONTEXT_READER.using(context):
            known = zones(reads.pods(context.session))
        shown = [
            # The project is not shown: it lets everybody see them.
            {"name": name, "resource": resource, "state": _state(enabled), "project_id": context.project_id}
            for name, enabled in sorted(known.items())
            for resource in RESOURCES
        ]
        wanted = (filters or {}).items()
        return [zone for zone in shown if all(zone[name] in values for name, values in wanted if name in zone)]

    @database.retry_if_session_inactive()
    def validate_availability_zones(self, context: Any, resource_type: str, availability_zones: list[str]) -> None:
        """Raises `AvailabilityZoneNotFound` (404) for hints that are neither a zone nor a region."""
        if not availability_zones or resource_type not in RESOURCES:
            return
        with database.CONTEXT_READER.using(context):
            unknown = set(availability_zones) - zones(reads.pods(context.session)).keys()
        if unknown:
            raise errors.AvailabilityZoneNotFound(availability_zone=", ".join(sorted(unknown)))

    def get_network_availability_zones(self, network: Any) -> list[str]:
        """The zones of the pods in which a network is present; `network` is its row."""
        return list(together.ask(network, "zones", _zones))

    def _create_network_db(self, context: Any, network: Any) -> Any:
        """Also remember where the provider attributes were given. Networks that are made together pass here, too."""
        is_asked = outside.is_asked(network["network"])
        with database.CONTEXT_WRITER.using(context):
            made = super()._create_network_db(context, network)
            if is_asked:
                outside.put(context.session, made[0]["id"])
        return made


def _zones(session: Any, network_ids: Collection[str]) -> dict[str, list[str]]:
    return together.zones(session, reads.pods_of_networks(session, network_ids))


def _load_rules(_resource: str, _event: str, _trigger: Any, payload: Any = None) -> None:
    """Load the rules, and those by which a context knows an administrator, before there is a request.

    Else the first request does so, and others that are served meanwhile are judged without them: an administrator's
    list is empty, and "nothing there" would be believed.
    """
    policy.init()
    roles.init()


def _state(enabled: bool) -> str:
    return "available" if enabled else "unavailable"
