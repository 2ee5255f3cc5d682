"""A fake Neutron with a router between a network of a project and an external one, asked without a network between."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from .cloud.keystone import Keystone
from .cloud.neutron import Neutron, Record
from .cloud.service import Asked, Refusal
from .network_world import PROJECT

INSIDE, OUTSIDE = "10.0.0.0/24", "203.0.113.0/24"
UNKNOWN = str(uuid.uuid4())


class Region:
    """The fake, with what is in it."""

    def __init__(self, ovn: bool = True) -> None:
        self.neutron = Neutron(Keystone(), ovn=ovn)
        self.token = self.neutron.keystone.token("service", roles=("admin", "service"))
        self.outside = self.neutron.add_external(PROJECT, name="outside")
        self.public = self.neutron.add_subnet(self.outside, OUTSIDE)
        self.inside = self.neutron.add_network(PROJECT, name="inside")
        self.subnet = self.neutron.add_subnet(self.inside, INSIDE)
        self.router = self.neutron.add_router(PROJECT, self.outside)
        self.interface = self.neutron.add_interface(self.router, self.subnet)
        self.port = self.server(50)

    def server(self, *numbers: int, **fields: Any) -> Record:
        ips = [{"subnet_id": self.subnet["id"], "ip_address": f"10.0.0.{number}"} for number in numbers]
        return self.neutron.add_port(PROJECT, self.inside, **{"fixed_ips": ips, **fields})

    def floating(self, port: Record | None = None, **fields: Any) -> Record:
        wanted = {"floating_network_id": self.outside["id"], "project_id": PROJECT, **fields}
        wanted |= {} if port is None else {"port_id": port["id"]}
        id_ = self.ask("POST", "floatingips", floatingip=wanted)["floatingip"]["id"]
        return self.neutron.records["floatingips"][id_]

    def forwarding(self, port: Record | None = None, **fields: Any) -> Record:
        to = port or self.port
        wanted = {"internal_port_id": to["id"], "internal_ip_address": to["fixed_ips"][0]["ip_address"]}
        return {**wanted, "protocol": "tcp", "internal_port": 22, "external_port": 2222, **fields}

    def forward(self, floating: Record | None = None, **fields: Any) -> Record:
        """Make a port forwarding of a floating IP, by default of a new one."""
        floating = floating or self.floating()
        path = f"floatingips/{floating['id']}/port_forwardings"
        self.ask("POST", path, port_forwarding=self.forwarding(**fields))
        return floating

    def gateway(self, **info: Any) -> Any:
        return self.change(external_gateway_info={"network_id": self.outside["id"], **info})

    def change(self, **fields: Any) -> Any:
        return self.ask("PUT", f"routers/{self.router['id']}", router=fields)["router"]

    def interfaces(self, verb: str, **wanted: str) -> Any:
        return self.ask("PUT", f"routers/{self.router['id']}/{verb}_router_interface", **wanted)

    @property
    def gateway_port(self) -> Record:
        port = self.neutron.gateway_of(self.router["id"])
        assert port is not None
        return port

    def port_of(self, floating: Record) -> Record:
        (port,) = (each for each in self.neutron.ports.values() if each["device_id"] == floating["id"])
        return port

    def ask(self, method: str, path: str, **body: Any) -> Any:
        path, _, query = path.partition("?")
        document = json.dumps(body).encode() if body else b""
        headers = {"x-auth-token": self.token.id}
        asked = Asked(method, f"/v2.0/{path}", f"/v2.0/{path}", parse_qsl(query), headers, document)
        try:
            answer = asyncio.run(self.neutron._answer(asked, None))
        except Refusal as refusal:
            raise Refused(refusal) from None
        return answer.document


class Refused(Exception):
    """A refusal that can be looked at."""

    def __init__(self, refusal: Refusal) -> None:
        error = refusal.answer.document["NeutronError"]
        self.status, self.type, self.message = refusal.answer.status, error["type"], error["message"]
        super().__init__(f"{self.status} {self.type}: {self.message}")


# What is asked, and how it is refused; names in the message stand for ids, and None for any message.
Case = tuple[Callable[[Region], Any], int, str, str | None]


def refuses(region: Region, case: Case) -> None:
    act, status, kind, message = case
    try:
        act(region)
    except Refused as refused:
        found = refused
    else:
        raise AssertionError("it is not refused")
    assert (found.status, found.type) == (status, kind), found.message
    if message is not None:
        words = ("inside", "outside", "subnet", "public", "router", "interface", "port")
        assert found.message == message.format(**{word: getattr(region, word)["id"] for word in words})


def cases(**of: dict[str, Case]) -> list[Any]:
    """The parameters of a test."""
    return [pytest.param(case, id=f"{group} {name}") for group, found in of.items() for name, case in found.items()]
