"""What is asked of pods with Triune's own rights."""

import json
from typing import Any, cast

import pytest

from triune.identity import Identity
from triune.pods.client import Document, PodClient, Target
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser


class Token:
    """An identity that has a token."""

    async def service_token(self) -> str:
        return "token"


class Asked:
    """A client that keeps what pods would be sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def fetch(self, _target: Target, _headers: Any, body: bytes) -> Document:
        self.bodies.append(body)
        return cast(Document, None)


@pytest.mark.parametrize("value", ["ü", "\ud800", 2**80, {"a": [None, 1.5]}])
async def test_what_callers_may_send_triune_may_send_too(value: Any) -> None:
    """What was taken from a caller as JSON may be half of a surrogate pair or a number of any length."""
    asked = Asked()
    user = ServiceUser(cast(Identity, Token()), cast(PodClient, asked))
    await user.fetch(cast(Pod, None), "compute", "POST", "/v2.1/flavors", {"a": value})
    (body,) = asked.bodies
    assert json.loads(body) == {"a": value}
