"""What somebody does with routers: interfaces, gateways, floating IPs, each as the API shows them at the moment."""

import random
from collections.abc import Callable
from typing import Any

from e2e import routers
from e2e.people import Person

MOST_ROUTERS, MOST_FLOATING_IPS = 2, 3


class Roads:
    """The part of a `User` that joins networks; `False` from an action: there was nothing to do it to."""

    _person: Person
    _random: random.Random
    _some: Callable[[Any], Any]
    _called: Callable[[str], str]
    _networks: Callable[[], list[Any]]
    _ports: Callable[[], list[Any]]

    def road_actions(self) -> dict[Callable[[], bool], int]:
        """What can be done, and how often compared to other things."""
        return {
            self.make_router: 4,
            self.change_router: 3,
            self.remove_router: 2,
            self.add_interface: 10,
            self.remove_interface: 3,
            self.set_gateway: 6,
            self.clear_gateway: 2,
            self.make_floating_ip: 8,
            self.give_floating_ip: 14,
            self.take_floating_ip: 4,
            self.remove_floating_ip: 2,
        }

    def _routers(self) -> list[Any]:
        return list(self._person.central.network.routers(project_id=self._person.project_id))

    def _interfaces(self) -> list[Any]:
        neutron = self._person.central.network
        return list(neutron.ports(project_id=self._person.project_id, device_owner=routers.INTERFACE))

    def _floating_ips(self) -> list[Any]:
        return list(self._person.central.network.ips(project_id=self._person.project_id))

    def _external(self) -> Any:
        return next(self._person.central.network.networks(is_router_external=True), None)

    def make_router(self) -> bool:
        if len(self._routers()) >= MOST_ROUTERS:
            return False
        self._person.central.network.create_router(name=self._called("router"))
        return True

    def change_router(self) -> bool:
        if (router := self._some(self._routers())) is None:
            return False
        changes = {"name": self._called("renamed")}, {"description": self._called("description")}
        self._person.central.network.update_router(router.id, **self._random.choice(changes))
        return True

    def remove_router(self) -> bool:
        if (router := self._some(self._routers())) is None:
            return False
        # Refused where it has interfaces.
        self._person.central.network.delete_router(router.id)
        return True

    def add_interface(self) -> bool:
        joined = {each["subnet_id"] for port in self._interfaces() for each in port.fixed_ips}
        free = [subnet for network in self._networks() for subnet in network.subnet_ids if subnet not in joined]
        router = self._some(self._routers())
        if router is None or not free:
            return False
        self._person.central.network.add_interface_to_router(router.id, subnet=self._random.choice(sorted(free)))
        return True

    def remove_interface(self) -> bool:
        if (port := self._some(self._interfaces())) is None:
            return False
        self._person.central.network.remove_interface_from_router(port.device_id, port=port.id)
        return True

    def set_gateway(self) -> bool:
        router = self._some(each for each in self._routers() if not each.external_gateway_info)
        external = self._external()
        if router is None or external is None:
            return False
        self._person.central.network.update_router(router.id, external_gateway_info={"network_id": external.id})
        return True

    def clear_gateway(self) -> bool:
        router = self._some(each for each in self._routers() if each.external_gateway_info)
        if router is None:
            return False
        # Refused where a floating IP needs it.
        self._person.central.network.update_router(router.id, external_gateway_info={})
        return True

    def make_floating_ip(self) -> bool:
        external = self._external()
        if external is None or len(self._floating_ips()) >= MOST_FLOATING_IPS:
            return False
        self._person.central.network.create_ip(floating_network_id=external.id)
        return True

    def give_floating_ip(self) -> bool:
        leading = {each.id for each in self._routers() if each.external_gateway_info}
        joined = {each.network_id for each in self._interfaces() if each.device_id in leading}
        port = self._some(each for each in self._ports() if each.network_id in joined)
        floating = self._some(self._floating_ips())
        if floating is None or port is None:
            return False
        # Refused where the port has one already.
        self._person.central.network.update_ip(floating.id, port_id=port.id)
        return True

    def take_floating_ip(self) -> bool:
        floating = self._some(each for each in self._floating_ips() if each.port_id)
        if floating is None:
            return False
        self._person.central.network.update_ip(floating.id, port_id=None)
        return True

    def remove_floating_ip(self) -> bool:
        if (floating := self._some(self._floating_ips())) is None:
            return False
        self._person.central.network.delete_ip(floating.id)
        return True
