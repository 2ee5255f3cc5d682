"""The kinds of things that scenarios are made of: how each is made and removed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import networks, things
from .people import Person

Values = dict[str, Any]


class StillUsed(Exception):
    """It would be removed though something still uses it, which nobody means to do."""


@dataclass(frozen=True)
class Kind:
    """`make(person, name, what all of the kind have, values)` returns what is made; `remove` gets it and the values."""

    make: Callable[[Person, str, Values, Values], Any]
    remove: Callable[[Person, Any, Values], Any]


def plain(kind: str) -> Kind:
    """Something that Neutron's client makes and deletes under one name."""

    def make(person: Person, name: str, common: Values, values: Values) -> Any:
        return getattr(person.central.network, f"create_{kind}")(name=name, **common, **values)

    def remove(person: Person, made: Any, _values: Values) -> None:
        getattr(person.central.network, f"delete_{kind}")(made.id)

    return Kind(make, remove)


def make_group(person: Person, name: str, _common: Values, values: Values) -> Any:
    """A security group with rules for what comes in."""
    made = person.central.network.create_security_group(name=name)
    for rule in values["ingress"]:
        networks.allow(person, made, **rule)
    return made


def remove_port(person: Person, made: Any, _values: Values) -> None:
    """Neutron would take it from the server that has it."""
    neutron = person.central.network
    if neutron.get_port(made.id).device_owner.startswith("compute:"):
        raise StillUsed(made.id)
    neutron.delete_port(made.id)


def make_server(person: Person, name: str, common: Values, values: Values) -> Any:
    """A server that is ACTIVE."""
    made = person.central.compute.create_server(name=name, **common, **values)
    try:
        return things.server_is(person, made.id, "ACTIVE")
    except BaseException:
        things.remove_server(person, made.id)
        raise


def set_gateway(person: Person, _name: str, _common: Values, values: Values) -> Any:
    """The gateway of a router, which is returned."""
    router, info = values["router"], {key: value for key, value in values.items() if key != "router"}
    return person.central.network.update_router(router, external_gateway_info=info)


def clear_gateway(person: Person, _made: Any, values: Values) -> None:
    person.central.network.update_router(values["router"], external_gateway_info={})


def add_interface(person: Person, _name: str, _common: Values, values: Values) -> Any:
    """What Neutron tells of a router's new interface."""
    return person.central.network.add_interface_to_router(**values)


def remove_interface(person: Person, _made: Any, values: Values) -> None:
    person.central.network.remove_interface_from_router(**values)


def _route(values: Values) -> Values:
    return {"router": {"routes": [{key: values[key] for key in ("destination", "nexthop")}]}}


def add_route(person: Person, _name: str, _common: Values, values: Values) -> Any:
    """The router, with one extra route more."""
    return person.central.network.add_extra_routes_to_router(values["router"], body=_route(values))


def remove_route(person: Person, _made: Any, values: Values) -> None:
    person.central.network.remove_extra_routes_from_router(values["router"], body=_route(values))


def make_floating_ip(person: Person, _name: str, _common: Values, values: Values) -> Any:
    """A floating IP has no name."""
    return person.central.network.create_ip(**values)


def remove_floating_ip(person: Person, made: Any, _values: Values) -> None:
    person.central.network.delete_ip(made.id, ignore_missing=False)


def make_forwarding(person: Person, _name: str, _common: Values, values: Values) -> Any:
    """A TCP port of a floating IP."""
    return person.central.network.create_floating_ip_port_forwarding(protocol="tcp", **values)


def remove_forwarding(person: Person, made: Any, values: Values) -> None:
    person.central.network.delete_floating_ip_port_forwarding(values["floating_ip"], made.id)


KINDS = {
    "network": plain("network"),
    "subnet": plain("subnet"),
    "router": plain("router"),
    "port": Kind(plain("port").make, remove_port),
    "group": Kind(make_group, plain("security_group").remove),
    "server": Kind(make_server, lambda person, made, _: things.remove_server(person, made.id)),
    "gateway": Kind(set_gateway, clear_gateway),
    "interface": Kind(add_interface, remove_interface),
    "route": Kind(add_route, remove_route),
    "floating ip": Kind(make_floating_ip, remove_floating_ip),
    "forwarding": Kind(make_forwarding, remove_forwarding),
}
