"""A fake Placement: whether a host has room (placement/handlers/allocation_candidate.py)."""

import re
import uuid
from collections.abc import Iterable

from .keystone import Keystone
from .pod_service import PodService, microversion
from .service import Answer, Asked, On, Refusal

CLASSES = {"VCPU", "PCPU", "MEMORY_MB", "DISK_GB", "VGPU"}


class Placement(PodService):
    """One host, with so much of everything left, and some traits."""

    def __init__(self, keystone: Keystone) -> None:
        super().__init__(keystone)
        self.left = {"VCPU": 64, "MEMORY_MB": 65536, "DISK_GB": 1000}
        self.traits: set[str] = set()

    def routes(self) -> Iterable[On]:
        return (On("GET", "/allocation_candidates", self._candidates),)

    def before(self, asked: Asked) -> None:
        token = self.authenticate(asked)
        asked.headers["version"] = microversion(asked, "placement", None, "1.0", "1.39")
        if not token.is_admin:
            raise self._refusal(403, "Policy does not allow placement:allocation_candidates:list to be performed.")

    def _refusal(self, status: int, detail: str) -> Refusal:
        return Refusal(Answer(status, {"errors": [{"status": status, "detail": detail}]}))

    def _candidates(self, asked: Asked) -> Answer:
        minor = int(asked.headers["version"].partition(".")[2])
        allowed = {"resources": 10, "limit": 16, "required": 17}
        for name, _ in asked.query:
            if name not in allowed or minor < allowed[name]:
                raise self._refusal(400, f"Invalid query string parameters: {name}")
        if minor < 10:
            raise self._refusal(404, "The resource could not be found.")
        wanted: dict[str, int] = {}
        for each in (asked.first("resources") or "").split(","):
            found = re.fullmatch(r"([A-Z0-9_]+):([0-9]+)", each)
            if found is None or int(found[2]) < 1 or not (found[1] in CLASSES or found[1].startswith("CUSTOM_")):
                raise self._refusal(400, f"Badly formed resources parameter: {asked.first('resources')!r}.")
            wanted[found[1]] = int(found[2])
        traits = (asked.first("required") or "").split(",") if asked.first("required") else []
        if any(trait.startswith("!") for trait in traits) and minor < 22:
            raise self._refusal(400, "No such trait(s)")
        fits = all(self.left.get(name, 0) >= amount for name, amount in wanted.items()) and all(
            (trait[1:] not in self.traits) if trait.startswith("!") else trait in self.traits for trait in traits
        )
        provider = str(uuid.uuid4())
        requests = [{"allocations": {provider: {"resources": wanted}}}] if fits else []
        return Answer(200, {"allocation_requests": requests, "provider_summaries": {}})
