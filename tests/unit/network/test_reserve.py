"""Addresses that are held for pods, with central Neutron as a list of ports."""

from http import HTTPStatus
from itertools import count

import pytest

from triune.network.names import GATEWAY_DEVICE, INTERFACE_DEVICE, RESERVE_DEVICE, RESERVE_OWNER
from triune.network.neutron import Refused
from triune.network.reserve import Reserve, held, of_no_interface

NETWORK = {"id": "n", "project_id": "anna"}


def refused(status: int, type_: str) -> Refused:
    error = Refused.__new__(Refused)
    error.status, error.type = status, type_
    return error


class Central:
    """A Neutron with some addresses left in each subnet, and some ports for the tenant."""

    def __init__(self, quota: int = 9, **left: int) -> None:
        self.left, self.quota, self.ports = left, quota, {}
        self._hosts = count(1)

    def _taken(self, wanted):
        new = [each for each in wanted if "ip_address" not in each]
        for subnet in {each["subnet_id"] for each in new}:
            if sum(each["subnet_id"] == subnet for each in new) > self.left[subnet]:
                raise refused(HTTPStatus.CONFLICT, "IpAddressGenerationFailure")
        for each in new:
            self.left[each["subnet_id"]] -= 1
        return [
            each if "ip_address" in each else {**each, "ip_address": f"10.0.0.{next(self._hosts)}"} for each in wanted
        ]

    async def list(self, path, filters, fields):
        assert filters == [("network_id", "n"), ("device_owner", RESERVE_OWNER)]
        return list(self.ports.values())

    async def create(self, path, body):
        if "project_id" in body and self.quota == 0:
            raise refused(HTTPStatus.CONFLICT, "OverQuota")
        port = {"id": str(len(self.ports)), **body, "fixed_ips": self._taken(body["fixed_ips"])}
        self.ports[port["id"]] = port
        return port

    async def update(self, path, id_, changes):
        self.ports[id_]["fixed_ips"] = self._taken(changes["fixed_ips"])
        return self.ports[id_]

    async def delete(self, path, id_):
        del self.ports[id_]


async def counts(central: Central, **wanted: int) -> dict[str, int]:
    reserve = Reserve(central, 1)
    found = await reserve.hold(NETWORK, wanted, await reserve.holders("n"), "d")
    assert found == held(central.ports.values())
    return {subnet: len(addresses) for subnet, addresses in found.items()}


async def test_addresses_are_held_once_and_more_of_them_later():
    central = Central(s=9, t=9)
    for wanted in ({"s": 1}, {"s": 1}, {"s": 2, "t": 1}, {"s": 1}, {}):
        await counts(central, **wanted)
    assert {subnet: 9 - left for subnet, left in central.left.items()} == {"s": 2, "t": 1}
    assert len(central.ports) == 1


@pytest.mark.parametrize(("left", "found"), [((0, 0), {}), ((0, 3), {"t": 2}), ((1, 3), {"s": 1, "t": 2})])
async def test_as_many_as_there_are(left, found):
    assert await counts(Central(s=left[0], t=left[1]), s=2, t=2) == found


async def test_a_tenant_without_quota_has_no_harm():
    central = Central(quota=0, s=9)
    assert await counts(central, s=1) == {"s": 1}
    assert "project_id" not in central.ports["0"]


async def test_all_of_one_pod_is_given_back():
    central = Central()
    devices = [f"{each}{pod}" for each in (RESERVE_DEVICE, GATEWAY_DEVICE) for pod in ("a", "b")]
    devices += [f"{INTERFACE_DEVICE}a-x", f"{INTERFACE_DEVICE}b-x"]
    central.ports = {each: {"id": each, "device_id": each} for each in devices}
    await Reserve(central, 1).release("n", "a")
    assert central.ports.keys() == {f"{RESERVE_DEVICE}b", f"{GATEWAY_DEVICE}b", f"{INTERFACE_DEVICE}b-x"}


def test_subnets_of_which_addresses_are_wanted():
    dhcp, static, automatic = (
        {"id": "s", "enable_dhcp": True},
        {"id": "t", "enable_dhcp": False},
        {"id": "u", "enable_dhcp": True, "ipv6_address_mode": "slaac"},
    )
    assert Reserve(None, 2).wanted([dhcp, static, automatic]) == {"s": 2}


def test_what_is_held_for_interfaces_that_are_no_more():
    devices = ["a-x", "a-y", "b-y"]
    ports = [{"device_id": f"{INTERFACE_DEVICE}{each}"} for each in devices] + [{"device_id": f"{GATEWAY_DEVICE}a"}]
    assert of_no_interface(ports, "a", ["x"]) == [{"device_id": f"{INTERFACE_DEVICE}a-y"}]
    assert of_no_interface(ports, "a", ["x", "y"]) == []
