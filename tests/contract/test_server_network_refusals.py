"""New servers on networks that cannot be had: refused in Nova's words, and nothing is left of them."""

import uuid
from typing import Any

import pytest

from triune.network.names import BOOT_DEVICE

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .gateway import Running
from .servers_on_networks import boot, given, message, nothing_is_left, settled, tenants_ports, vlan

pytestmark = pytest.mark.usefixtures("wired")


@pytest.mark.parametrize(("version", "networks"), [("2.1", None), ("2.37", []), ("2.37", "auto")])
async def test_several_networks_are_ambiguous(
    cloud: Cloud, gateway: Running, client: Client, version: str, networks: Any
) -> None:
    vlan(cloud, client), vlan(cloud, client, 1002)
    reply = await boot(client, version, **({} if networks is None else {"networks": networks}))
    assert reply.status == 409
    assert message(reply) == "Multiple possible networks found, use a Network ID to be more specific."
    await nothing_is_left(cloud, gateway)


async def test_refusals_in_novas_words(cloud: Cloud, gateway: Running, client: Client, blue: Record) -> None:
    owner = Client(client.session, client.root, cloud.keystone.token())
    bare, foreign = vlan(cloud, client, 1002, cidr=""), vlan(cloud, owner, 1003, "10.0.0.0/24")
    outside = vlan(cloud, owner, 1004, "10.0.4.0/24", **{"router:external": True})
    fields = {"object_type": "network", "object_id": outside["id"], "action": "access_as_external"}
    cloud.central.share(outside, "network", "*")["action"] = fields["action"]
    used, unnumbered = given(cloud, client, blue, device_id=str(uuid.uuid4())), given(cloud, client, blue, fixed_ips=[])
    theirs = given(cloud, owner, foreign)
    for _ in range(2):
        cloud.central.add_group(client.token.project_id or "", name="twice")
    unknown = str(uuid.uuid4())
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"networks": [{"uuid": unknown}]}, 400, f"Network {unknown} could not be found."),
        ({"networks": [{"port": unknown}]}, 400, f"Port id {unknown} could not be found."),
        ({"networks": [{"uuid": blue["id"]}, {"uuid": unknown}]}, 400, f"Network {unknown} could not be found."),
        ({"networks": [{"uuid": blue["id"]}, {"port": unknown}]}, 400, f"Port id {unknown} could not be found."),
        ({"networks": [{"uuid": foreign["id"]}]}, 400, f"Network {foreign['id']} could not be found."),
        ({"networks": [{"port": theirs["id"]}]}, 400, f"Port id {theirs['id']} could not be found."),
        (
            {"networks": [{"uuid": bare["id"]}]},
            400,
            f"Network {bare['id']} requires a subnet in order to boot instances on.",
        ),
        (
            {"networks": [{"uuid": outside["id"]}]},
            403,
            f"It is not allowed to create an interface on external network {outside['id']}",
        ),
        ({"networks": [{"port": used["id"]}]}, 409, f"Port {used['id']} is still in use."),
        (
            {"networks": [{"port": unnumbered["id"]}]},
            400,
            f"Port {unnumbered['id']} requires a FixedIP in order to be used.",
        ),
        (
            {"networks": [{"uuid": blue["id"], "fixed_ip": "10.0.0.50"}]},
            400,
            f"Fixed IP address 10.0.0.50 is already in use on instance {used['device_id']}.",
        ),
        (
            {"networks": [{"uuid": blue["id"], "fixed_ip": "10.9.0.50"}]},
            400,
            f"Invalid input received: Fixed IP 10.9.0.50 is not a valid ip address for network {blue['id']}.",
        ),
        (
            {"networks": "none", "security_groups": [{"name": "nope"}]},
            400,
            "Unable to find security_group with name or id 'nope'",
        ),
        (
            {"networks": [{"uuid": blue["id"]}], "security_groups": [{"name": "twice"}]},
            409,
            "Multiple security_group matches found for name 'twice', use an ID to be more specific.",
        ),
    ]  # fmt: skip
    for fields, status, text in cases:
        reply = await boot(client, **fields)
        assert reply.status == status, (fields, reply.text)
        assert message(reply) == text
    used["device_id"] = ""
    await nothing_is_left(cloud, gateway)
    assert {port["id"] for port in tenants_ports(cloud)} == {used["id"], unnumbered["id"], theirs["id"]}


async def test_a_full_quota_and_a_full_network(cloud: Cloud, gateway: Running, client: Client, blue: Record) -> None:
    cloud.central.quota[client.token.project_id or "", "ports"] = 0
    reply = await boot(client, networks=[{"uuid": blue["id"]}])
    assert (reply.status, message(reply)) == (403, "Maximum number of ports exceeded")
    cloud.central.quota.clear()
    # Room for one server.
    tiny = vlan(cloud, client, 1002, "10.0.9.0/30")
    full = (400, f"No fixed IP addresses available for network: {tiny['id']}")
    replies = [await boot(client, availability_zone="az1", networks=[{"uuid": tiny["id"]}]) for _ in range(2)]
    assert [reply.status for reply in replies] == [202, 400], [reply.text for reply in replies]
    assert (replies[-1].status, message(replies[-1])) == full
    assert len(await settled(cloud)) == len(cloud.pods[0].nova.servers) == 1


async def test_what_triune_keeps_in_a_pod_is_not_there_by_its_id_there(
    cloud: Cloud, client: Client, blue: Record
) -> None:
    await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])
    await settled(cloud)
    pod = cloud.pods[0]
    (network,), (port,) = pod.neutron.networks, pod.neutron.ports
    cases = [
        ({"uuid": network}, f"Network {network} could not be found."),
        ({"uuid": network.upper()}, f"Network {network.upper()} could not be found."),
        ({"port": port}, f"Port id {port} could not be found."),
    ]
    for wanted, text in cases:
        for networks in ([wanted], [{"uuid": blue["id"]}, wanted]):
            reply = await boot(client, availability_zone="az1", networks=networks)
            assert (reply.status, message(reply)) == (400, text)
    assert (len(pod.nova.servers), len(tenants_ports(cloud))) == (1, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"networks": [{"uuid": 5}]},
        {"networks": {"uuid": 5}},
        {"networks": "many"},
        {"networks": None},
        {"min_count": 3, "max_count": 2},
        {"security_groups": "default"},
        {"security_groups": [{"name": ""}]},
        {"name": "", "min_count": 2},
        {"name": "vm ", "min_count": 2},
        {"return_reservation_id": "maybe"},
    ],
)
async def test_what_is_malformed_is_the_pods_to_refuse(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, fields: dict[str, Any]
) -> None:
    reply = await boot(client, availability_zone="az1", **{"networks": [{"uuid": blue["id"]}], **fields})
    assert reply.status == 400
    # In the pod's own words, which name what is wrong and no network.
    assert any(words in message(reply) for words in ("Invalid input for field", "min_count must be")), message(reply)
    assert not cloud.pods[0].nova.servers
    assert cloud.pods[0].nova.count("POST", "/servers$") == 1
    assert cloud.central.count("POST") == 0
    await nothing_is_left(cloud, gateway)


async def test_what_the_pod_refuses_leaves_nothing(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    port = given(cloud, client, blue)
    networks = [{"uuid": blue["id"]}, {"port": port["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks, key_name="none")
    assert (reply.status, message(reply)) == (400, "Invalid key_name provided.")
    assert tenants_ports(cloud) == [port]
    assert (port["device_id"], port["binding:profile"]) == ("", {})
    await nothing_is_left(cloud, gateway)


async def test_ids_in_refusals_are_those_of_the_top(cloud: Cloud, client: Client, blue: Record) -> None:
    port = given(cloud, client, blue)

    async def refuse(request: Any) -> Any:
        body = await request.json()
        text = f"Port {body['server']['networks'][0]['port']} is still in use."
        return service.web.json_response({"conflictingRequest": {"code": 409, "message": text}}, status=409)

    cloud.pods[0].nova.fails(refuse, "POST .*/servers$")
    reply = await boot(client, availability_zone="az1", networks=[{"port": port["id"]}])
    assert (reply.status, message(reply)) == (409, f"Port {port['id']} is still in use.")
    assert not [each for each in tenants_ports(cloud) if each["device_id"].startswith(BOOT_DEVICE)]
