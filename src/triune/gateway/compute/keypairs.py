"""Keypairs: the same name and public key in every pod."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from triune.gateway.call import Call, quoted
from triune.gateway.everywhere import Shared
from triune.gateway.paging import SortKey
from triune.gateway.union import SharedCollection, links_of
from triune.shared.convergence import KEYPAIR, keypair_id

_envelope, _next_link = links_of("keypairs")


def _name(item: dict[str, Any]) -> str:
    return str(item["keypair"]["name"])


KEYPAIRS = SharedCollection(
    name="keypairs",
    identity=_name,
    # Nova has keypairs in the order of their names and knows no other.
    order=lambda _parameters: [SortKey("keypair.name", descending=False)],
    envelope=_envelope,
    next_link=_next_link,
    marker=_name,
)


def follow_keypair(body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The other pods import the public key that the first one made or took."""
    return {"keypair": {**body["keypair"], "public_key": answer["keypair"]["public_key"]}}


def _resource_id(call: Call, answer: dict[str, Any] | None) -> str:
    """Names are a user's own; administrators may say whose keypair they mean, in the body or (2.10) in the query."""
    if answer is not None:
        return keypair_id(str(answer["keypair"].get("user_id", call.caller.user_id)), _name(answer))
    user_id = dict(parse_qsl(call.request.query)).get("user_id", call.caller.user_id)
    return keypair_id(user_id, call.parameters["name"])


def _place(call: Call, answer: dict[str, Any]) -> tuple[str, str]:
    """Without the user, Nova would take the caller's own keypair of that name."""
    user_id = str(answer["keypair"].get("user_id", call.caller.user_id))
    query = "" if user_id == call.caller.user_id else urlencode({"user_id": user_id})
    return f"/os-keypairs/{quoted(_name(answer))}", query


SHARED_KEYPAIRS = Shared(
    kind=KEYPAIR,
    resource_id=_resource_id,
    place=_place,
    is_same=lambda answer, shown: bool(answer["keypair"]["public_key"] == shown["keypair"]["public_key"]),
    is_named=lambda body: isinstance(body.get("keypair"), dict) and bool(body["keypair"].get("public_key")),
)
