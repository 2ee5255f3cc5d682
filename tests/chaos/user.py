"""Somebody who does random things with networks, routers and servers, and knows what they were promised."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import keystoneauth1.exceptions
from openstack import exceptions

from e2e import networks
from e2e.people import Person

from .roads import Roads

ZONES = ("az1", "az2")
ANSWER_SECONDS = 90.0
PATIENCE_SECONDS = 1.0
MOST_SECONDS = 900.0
MOST_NETWORKS, MOST_GROUPS, MOST_PORTS, MOST_SERVERS = 3, 3, 4, 3

# What cannot be helped while processes die, or when a change meets another: no answer, an error of the server, a
# resource that is gone, in use or in the wrong state. Whatever else is refused is a defect.
ENDURED = (400, 404, 409, 412, 500, 502, 503, 504)


class User(Roads, threading.Thread):
    """Does `number` things, chosen by `seed`; afterwards `promised` and `gone` hold ids of servers."""

    def __init__(self, person: Person, boot: dict[str, str], seed: int, number: int) -> None:
        super().__init__(name=f"user-{seed}")
        self._person, self._boot, self._random, self._number = person, boot, random.Random(seed), number
        self._count = 0
        person.central.session.timeout = ANSWER_SECONDS
        self.promised: set[str] = set()
        self.gone: set[str] = set()
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.errors: list[Exception] = []
        self._first = [self.make_network, self.make_router, self.set_gateway, self.add_interface, self.boot_on_network]
        self._actions: dict[Callable[[], bool], int] = {
            self.make_network: 4,
            self.change_network: 6,
            self.remove_network: 2,
            self.make_subnet: 3,
            self.remove_subnet: 1,
            self.make_group: 3,
            self.make_rule: 6,
            self.remove_rule: 4,
            self.remove_group: 1,
            self.make_port: 5,
            self.change_port: 10,
            self.remove_port: 2,
            self.boot_on_network: 10,
            self.boot_on_port: 8,
            self.delete_server: 14,
            self.attach: 6,
            self.detach: 5,
            **self.road_actions(),
        }

    def run(self) -> None:
        deadline = time.monotonic() + MOST_SECONDS
        while self._count < self._number and not self.errors:
            if time.monotonic() > deadline:
                self.errors.append(TimeoutError(f"{self._count} of {self._number} done after {MOST_SECONDS:.0f} s"))
            action = self._next()
            try:
                if action():
                    self._count += 1
                    self.done[action.__name__] += 1
            except (exceptions.HttpException, keystoneauth1.exceptions.HttpError) as error:
                self._count += 1
                status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
                self.failed[f"{action.__name__} {status}"] += 1
                if status not in ENDURED:
                    self.errors.append(error)
            except (keystoneauth1.exceptions.ConnectFailure, exceptions.ConfigException) as error:
                # Perhaps it was done and only the answer is missing; it does not count, and who is refused waits.
                self.failed[f"{action.__name__} {type(error).__name__}"] += 1
                time.sleep(PATIENCE_SECONDS)
            except Exception as error:  # noqa: BLE001 - for the test to raise, in its own thread
                self.errors.append(error)

    def _next(self) -> Callable[[], bool]:
        """First what most of the other things need, then anything."""
        if self._first:
            return self._first.pop(0)
        (action,) = self._random.choices(list(self._actions), list(self._actions.values()))
        return action

    # -- what there is, as the API tells it at the moment

    def _some(self, resources: Any) -> Any:
        found = sorted(resources, key=lambda each: str(each.created_at))
        return self._random.choice(found) if found else None

    def _networks(self) -> list[Any]:
        return list(self._person.central.network.networks(project_id=self._person.project_id))

    def _groups(self) -> list[Any]:
        found = self._person.central.network.security_groups(project_id=self._person.project_id)
        return [group for group in found if group.name != "default"]

    def _ports(self) -> list[Any]:
        found = self._person.central.network.ports(project_id=self._person.project_id)
        return [port for port in found if not port.device_owner.startswith("network:")]

    def _servers(self, status: str = "") -> list[Any]:
        found = self._person.central.compute.servers()
        return [server for server in found if server.id not in self.gone and status in (server.status, "")]

    def _called(self, kind: str) -> str:
        return f"{self._person.account['username']}-{kind}-{self._count}"

    # -- what can be done; False: there was nothing to do it to

    def make_network(self) -> bool:
        if len(self._networks()) >= MOST_NETWORKS:
            return False
        neutron = self._person.central.network
        made = neutron.create_network(name=self._called("net"))
        neutron.create_subnet(network_id=made.id, **networks.v4())
        return True

    def change_network(self) -> bool:
        if (network := self._some(self._networks())) is None:
            return False
        changes = {"name": self._called("renamed")}, {"mtu": 1400}, {"description": self._called("description")}
        change = self._random.choice(changes)
        self._person.central.network.update_network(network.id, **change)
        return True

    def remove_network(self) -> bool:
        busy = {port.network_id for port in self._ports()}
        network = self._some(each for each in self._networks() if each.id not in busy)
        if network is None:
            return False
        self._person.central.network.delete_network(network.id)
        return True

    def make_subnet(self) -> bool:
        network = self._some(each for each in self._networks() if len(each.subnet_ids) < 3)
        if network is None:
            return False
        self._person.central.network.create_subnet(network_id=network.id, **networks.v4())
        return True

    def remove_subnet(self) -> bool:
        network = self._some(each for each in self._networks() if len(each.subnet_ids) > 1)
        if network is None:
            return False
        self._person.central.network.delete_subnet(network.subnet_ids[-1])
        return True

    def make_group(self) -> bool:
        if len(self._groups()) >= MOST_GROUPS:
            return False
        self._person.central.network.create_security_group(name=self._called("group"))
        return True

    def make_rule(self) -> bool:
        groups = self._groups()
        group, other = self._some(groups), self._some(groups)
        if group is None:
            return False
        first = self._random.randrange(1, 60000)
        remote = self._random.choice(({"remote_group_id": other.id}, {"remote_ip_prefix": f"10.{first % 200}.0.0/16"}))
        networks.allow(self._person, group, **networks.TCP, port_range_min=first, port_range_max=first + 5, **remote)
        return True

    def remove_rule(self) -> bool:
        rules = [rule for group in self._groups() for rule in group.security_group_rules if rule["port_range_min"]]
        if not rules:
            return False
        rule = self._random.choice(sorted(rules, key=lambda each: str(each["port_range_min"])))
        self._person.central.network.delete_security_group_rule(rule["id"])
        return True

    def remove_group(self) -> bool:
        in_use = {group for port in self._ports() for group in port.security_group_ids}
        group = self._some(each for each in self._groups() if each.id not in in_use)
        if group is None:
            return False
        self._person.central.network.delete_security_group(group.id)
        return True

    def make_port(self) -> bool:
        network = self._some(each for each in self._networks() if each.subnet_ids)
        if network is None or len(self._ports()) >= MOST_PORTS + MOST_SERVERS:
            return False
        self._person.central.network.create_port(network_id=network.id, name=self._called("port"))
        return True

    def change_port(self) -> bool:
        if (port := self._some(self._ports())) is None:
            return False
        groups = self._groups()
        chosen = self._random.sample(groups, self._random.randint(0, len(groups)))
        changes = {"security_groups": [each.id for each in chosen]}, {"name": self._called("port")}
        change = self._random.choice(changes)
        self._person.central.network.update_port(port.id, **change)
        return True

    def remove_port(self) -> bool:
        port = self._some(each for each in self._ports() if not each.device_id)
        if port is None:
            return False
        self._person.central.network.delete_port(port.id)
        return True

    def boot_on_network(self) -> bool:
        network = self._some(each for each in self._networks() if each.subnet_ids)
        return network is not None and self._boot_with([{"uuid": network.id}])

    def boot_on_port(self) -> bool:
        port = self._some(each for each in self._ports() if not each.device_id)
        return port is not None and self._boot_with([{"port": port.id}])

    def _boot_with(self, nets: list[dict[str, str]]) -> bool:
        if len(self._servers()) >= MOST_SERVERS:
            return False
        zone = self._random.choice(ZONES)
        made = self._person.central.compute.create_server(
            name=self._called("server"), availability_zone=zone, networks=nets, **self._boot
        )
        self.promised.add(made.id)
        return True

    def delete_server(self) -> bool:
        if (server := self._some(self._servers())) is None:
            return False
        # Whose answer is lost may be gone or not.
        self.promised.discard(server.id)
        self._person.central.compute.delete_server(server.id)
        self.gone.add(server.id)
        return True

    def attach(self) -> bool:
        server, network = self._some(self._servers("ACTIVE")), self._some(self._networks())
        if server is None or network is None or not network.subnet_ids:
            return False
        self._person.central.compute.create_server_interface(server, net_id=network.id)
        return True

    def detach(self) -> bool:
        if (server := self._some(self._servers("ACTIVE"))) is None:
            return False
        interface = next(iter(self._person.central.compute.server_interfaces(server)), None)
        if interface is None:
            return False
        self._person.central.compute.delete_server_interface(interface.port_id, server)
        return True
