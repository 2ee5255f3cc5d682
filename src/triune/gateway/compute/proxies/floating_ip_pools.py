"""`/os-floating-ip-pools`: the external networks that the caller sees in central Neutron."""

from typing import Final

from oslo_utils import uuidutils

from triune.gateway.call import Call
from triune.gateway.compute.proxies.as_caller import neutron
from triune.gateway.errors import ApiError
from triune.gateway.http import Response

_EXTERNAL: Final = ("router:external", "True")


async def list_pools(call: Call) -> Response:
    """`GET /os-floating-ip-pools`."""
    found = await neutron(call).list("networks", [_EXTERNAL], ["name"])
    return Response.json({"floating_ip_pools": [{"name": network["name"] or network["id"]} for network in found]})


async def find_pool(call: Call, name_or_id: str) -> str:
    """The id of the external network that is a pool. Raises `ApiError` 404, 409, `Refused`, `PodUnreachable`."""
    attribute = "id" if uuidutils.is_uuid_like(name_or_id) else "name"
    found = await neutron(call).list("networks", [_EXTERNAL, (attribute, name_or_id)], ["id"])
    if not found:
        raise ApiError(404, "Floating IP pool not found.")
    if len(found) > 1:
        raise ApiError(409, f"Multiple floating IP pools matches found for name '{name_or_id}'")
    return str(found[0]["id"])
