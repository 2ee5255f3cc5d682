"""Operations that became others with a microversion."""

from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.routes import Strategy
from triune.gateway.service import parse_version


class Since:
    """One strategy from a microversion on, another before it."""

    def __init__(self, version: str, strategy: Strategy, before: Strategy) -> None:
        self.version = version
        self.strategy = strategy
        self.before = before

    async def __call__(self, call: Call) -> Response:
        is_new = parse_version(call.microversion) >= parse_version(self.version)
        return await (self.strategy if is_new else self.before)(call)
