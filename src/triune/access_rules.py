"""What an application credential may be used for.

The patterns are those that keystonemiddleware knows: `*` and `{name}` stand for one segment of a path, `**` for any
number of them. Pods keep the same rules, also for what the gateway asks them on the way: who may only act on a server
must know the pod that holds it already, or be allowed to show it.
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache

_WILDCARD = re.compile(r"(\{[^}]*\}|\*\*|\*)")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One request that is allowed: a service type, a method and a pattern of the path below the service's endpoint."""

    service: str
    method: str
    path: str

    def allows(self, services: Container[str], method: str, path: str) -> bool:
        """Whether this rule allows a request to a service known by these types."""
        return self.service in services and self.method == method and _pattern(self.path).fullmatch(path) is not None


def allowed(rules: Iterable[AccessRule] | None, services: Container[str], method: str, path: str) -> bool:
    """Whether a request is allowed; without rules everything is."""
    return rules is None or any(rule.allows(services, method, path) for rule in rules)


@lru_cache(maxsize=10_000)
def _pattern(path: str) -> re.Pattern[str]:
    parts = (
        ".*" if part == "**" else "[^/]+" if _WILDCARD.fullmatch(part) else re.escape(part)
        for part in _WILDCARD.split(path)
    )
    return re.compile("".join(parts), re.DOTALL)
