"""A fake Keystone v3: tokens, their validation, services, endpoints."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .service import Answer, Asked, On, Service

PASSWORD = "the-password-of-triune"


@dataclass
class Token:
    """Who holds it, and for how long."""

    project_id: str | None
    user_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    roles: tuple[str, ...] = ("member",)
    id: str = field(default_factory=lambda: f"gAAAAAB{uuid.uuid4().hex}")
    expires_at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=1))

    @property
    def valid(self) -> bool:
        return self.expires_at > datetime.now(UTC)

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    def body(self) -> dict[str, Any]:
        token: dict[str, Any] = {
            "methods": ["password"],
            "user": {"id": self.user_id, "name": "user", "domain": {"id": "default", "name": "Default"}},
            "audit_ids": ["x"],
            "expires_at": self.expires_at.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "issued_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        }
        if self.project_id is not None:
            token["project"] = {
                "id": self.project_id,
                "name": "project",
                "domain": {"id": "default", "name": "Default"},
            }
            token["roles"] = [{"id": role, "name": role} for role in self.roles]
            token["is_domain"] = False
        return {"token": token}


def _error(code: int, title: str, message: str) -> Answer:
    return Answer(code, {"error": {"code": code, "message": message, "title": title}})


class Keystone(Service):
    """Knows tokens and the catalog."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, Token] = {}
        self.services: dict[str, str] = {}
        self.endpoints: list[dict[str, Any]] = []
        self.user = Token("5e41ce" + "0" * 26, roles=("admin", "service"))

    def token(self, project_id: str | None = None, roles: tuple[str, ...] = ("member",), **fields: Any) -> Token:
        """A new token of a project of its own, or of one that is given."""
        token = Token(project_id or uuid.uuid4().hex, roles=roles, **fields)
        self.tokens[token.id] = token
        return token

    def register(self, region: str, service_type: str, url: str, interface: str = "public") -> None:
        """Put an endpoint into the catalog."""
        service_id = self.services.setdefault(service_type, uuid.uuid4().hex)
        self.endpoints.append(
            {
                "id": uuid.uuid4().hex,
                "region": region,
                "region_id": region,
                "service_id": service_id,
                "interface": interface,
                "url": url,
                "enabled": True,
                "links": {},
            }
        )

    def routes(self) -> Iterable[On]:
        return (
            On("GET", "/v3/?", self._version),
            On("POST", "/v3/auth/tokens", self._issue),
            On("GET", "/v3/auth/tokens", self._validate),
            On("GET", "/v3/services", self._services),
            On("GET", "/v3/endpoints", self._endpoints),
        )

    def _version(self, _asked: Asked) -> Answer:
        links = [{"rel": "self", "href": f"{self.root}/v3/"}]
        return Answer(200, {"version": {"id": "v3.14", "status": "stable", "links": links}})

    def _issue(self, asked: Asked) -> Answer:
        user = json.loads(asked.body)["auth"]["identity"]["password"]["user"]
        if (user["name"], user["password"]) != ("triune", PASSWORD):
            return _error(401, "Unauthorized", "The request you have made requires authentication.")
        token = Token(self.user.project_id, self.user.user_id, self.user.roles)
        self.tokens[token.id] = token
        return Answer(201, token.body(), headers={"X-Subject-Token": token.id})

    def _known(self, asked: Asked) -> bool:
        own = self.tokens.get(asked.headers.get("x-auth-token", ""))
        return own is not None and own.valid

    def _validate(self, asked: Asked) -> Answer:
        if not self._known(asked):
            return _error(401, "Unauthorized", "The request you have made requires authentication.")
        token = self.tokens.get(asked.headers.get("x-subject-token", ""))
        if token is None or not token.valid:
            return _error(404, "Not Found", "Could not find token: ...")
        return Answer(200, token.body(), headers={"X-Subject-Token": token.id})

    def _services(self, asked: Asked) -> Answer:
        if not self._known(asked):
            return _error(401, "Unauthorized", "The request you have made requires authentication.")
        return Answer(
            200,
            {"services": [{"id": id_, "type": type_, "enabled": True} for type_, id_ in self.services.items()]},
        )

    def _endpoints(self, asked: Asked) -> Answer:
        if not self._known(asked):
            return _error(401, "Unauthorized", "The request you have made requires authentication.")
        return Answer(200, {"endpoints": self.endpoints})
