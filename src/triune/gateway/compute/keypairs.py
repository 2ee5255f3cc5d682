"""Keypairs: the same name and public key in every pod."""

from typing import Any

from triune.gateway.call import quoted
from triune.gateway.paging import SortKey
from triune.gateway.union import SharedCollection, links_of

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


def keypair_path(answer: dict[str, Any]) -> str:
    """The path of a created keypair."""
    return f"/os-keypairs/{quoted(_name(answer))}"
