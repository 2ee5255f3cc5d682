"""Keystone as the gateway uses it: its own credentials, the validation of callers' tokens, the catalog."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from cachetools import TLRUCache
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading
from keystoneauth1.identity.base import BaseIdentityPlugin
from oslo_config import cfg

from triune import tls
from triune.access_rules import AccessRule
from triune.single_flight import SingleFlight

# A token is not believed in its last seconds: a request may still have to travel to a pod.
EXPIRY_MARGIN = 30.0
# A wrong token is remembered shortly, so that a client in a loop does not become Keystone's load.
REFUSED_TIME = 5.0
# Seconds for which a failure of Keystone is remembered: requests that come meanwhile are answered at once.
FAILURE_TIME = 1.0


class IdentityUnavailable(Exception):
    """Keystone did not answer in time, or refused Triune's own credentials."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: the content of a validated token."""

    token: str
    user_id: str
    project_id: str | None
    roles: tuple[str, ...]
    expires_at: float
    domain_id: str | None = None
    system_scope: bool = False
    # What an application credential may be used for; None: everything.
    access_rules: tuple[AccessRule, ...] | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the token has the role by which pods know administrators."""
        return "admin" in self.roles

    def credentials(self) -> dict[str, Any]:
        """The form that oslo.policy wants."""
        return {
            "user_id": self.user_id,
            "project_id": self.project_id,
            "domain_id": self.domain_id,
            "roles": list(self.roles),
            "system_scope": "all" if self.system_scope else None,
        }

    def __repr__(self) -> str:
        return f"Caller(user_id={self.user_id!r}, project_id={self.project_id!r})"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One endpoint of the catalog; `url` may hold `%(project_id)s` or its older spellings."""

    region: str
    service_type: str
    interface: str
    url: str


@dataclass(frozen=True, slots=True)
class _Verdict:
    caller: Caller | None
    until: float


class Identity:
    """Talks to Keystone. Raises `IdentityUnavailable` where it does not answer."""

    def __init__(self, conf: cfg.ConfigOpts, session: aiohttp.ClientSession) -> None:
        self._conf = conf
        self._session = session
        self._deadline: float = conf.keystone.deadline
        plugin = loading.load_auth_from_conf_options(conf, "keystone")
        if not isinstance(plugin, BaseIdentityPlugin):
            raise ValueError("[keystone] auth_type must name a plugin that speaks to Keystone, such as password")
        self._plugin = plugin
        # keystoneauth speaks through requests, so its (rare) calls run in a thread.
        self._keystoneauth = loading.load_session_from_conf_options(conf, "keystone", timeout=conf.keystone.deadline)
        self._verdicts: TLRUCache[bytes, _Verdict] = TLRUCache(
            maxsize=10_000, ttu=lambda _key, verdict, now: min(verdict.until, now + 86_400), timer=time.time
        )
        self._service_token = ("", 0.0)
        self._tls = tls.keystone(conf)
        self._validations: SingleFlight[_Verdict] = SingleFlight(self._deadline, FAILURE_TIME, IdentityUnavailable)
        self._own_tokens: SingleFlight[str] = SingleFlight(self._deadline, FAILURE_TIME, IdentityUnavailable)
        self._catalogs: SingleFlight[list[CatalogEntry]] = SingleFlight(
            self._deadline, FAILURE_TIME, IdentityUnavailable
        )

    async def validate(self, token: str) -> Caller | None:
        """Whose token this is, or None for an unknown, expired or revoked one."""
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        verdict = self._verdicts.get(digest)
        if verdict is None:
            verdict = await self._validations.run(digest, lambda: self._ask(token))
            if self._conf.keystone.token_cache_time > 0:
                self._verdicts[digest] = verdict
        return verdict.caller

    async def _ask(self, token: str) -> _Verdict:
        url = f"{self._auth_url()}/auth/tokens?nocatalog"
        for fresh in (False, True):
            # Without the last one Keystone refuses tokens of restricted application credentials altogether.
            headers = {
                "X-Auth-Token": await self.service_token(fresh),
                "X-Subject-Token": token,
                "OpenStack-Identity-Access-Rules": "1",
            }
            status, document = await self._get(url, headers)
            # 401 means that our own token was revoked or expired early: once more with a new one.
            if status != 401:
                break
        if status == 200:
            caller = _caller(token, document["token"])
            until = min(caller.expires_at - EXPIRY_MARGIN, time.time() + self._conf.keystone.token_cache_time)
            return _Verdict(caller if caller.expires_at > time.time() else None, until)
        if status in (400, 404):
            return _Verdict(None, time.time() + min(REFUSED_TIME, self._conf.keystone.token_cache_time))
        raise IdentityUnavailable(f"Keystone answered {status} to the validation of a token")

    async def service_token(self, fresh: bool = False) -> str:
        """A token of Triune's own user; never hand it to a tenant."""
        token, expires_at = self._service_token
        if not fresh and time.time() <= expires_at - EXPIRY_MARGIN:
            return token
        return await self._own_tokens.run("", lambda: self._issue(fresh))

    async def _issue(self, fresh: bool) -> str:
        if fresh:
            self._plugin.invalidate()
        try:
            access = await asyncio.to_thread(self._plugin.get_access, self._keystoneauth)
        except keystone_exceptions.ClientException as error:
            raise IdentityUnavailable(f"no token for Triune's own user: {type(error).__name__}") from error
        if access.auth_token is None or access.expires is None:
            raise IdentityUnavailable("Keystone gave no token to Triune's own user")
        self._service_token = (access.auth_token, access.expires.timestamp())
        return access.auth_token

    async def catalog(self) -> list[CatalogEntry]:
        """All enabled endpoints of all regions, as registered (templates not filled in)."""
        return await self._catalogs.run("", self._read_catalog)

    async def _read_catalog(self) -> list[CatalogEntry]:
        headers = {"X-Auth-Token": await self.service_token()}
        services_status, services = await self._get(f"{self._auth_url()}/services", headers)
        endpoints_status, endpoints = await self._get(f"{self._auth_url()}/endpoints", headers)
        if services_status != 200 or endpoints_status != 200:
            raise IdentityUnavailable(f"Keystone answered {services_status}, {endpoints_status} for the catalog")
        types = {service["id"]: service["type"] for service in services["services"] if service.get("enabled", True)}
        return [
            CatalogEntry(endpoint["region_id"], types[endpoint["service_id"]], endpoint["interface"], endpoint["url"])
            for endpoint in endpoints["endpoints"]
            if endpoint.get("enabled", True) and endpoint["service_id"] in types and endpoint.get("region_id")
        ]

    async def _get(self, url: str, headers: dict[str, str]) -> tuple[int, Any]:
        timeout = aiohttp.ClientTimeout(total=self._deadline)
        try:
            async with self._session.get(url, headers=headers, timeout=timeout, ssl=self._tls) as response:
                body = await response.read()
                return response.status, msgspec.json.decode(body) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise IdentityUnavailable(f"Keystone does not answer: {type(error).__name__}") from error

    def _auth_url(self) -> str:
        url = (self._plugin.auth_url or "").rstrip("/")
        return url if url.endswith("/v3") else f"{url}/v3"


def _caller(token: str, body: dict[str, Any]) -> Caller:
    return Caller(
        token=token,
        user_id=body["user"]["id"],
        project_id=body.get("project", {}).get("id"),
        domain_id=body.get("domain", {}).get("id"),
        system_scope=bool(body.get("system")),
        roles=tuple(role["name"] for role in body.get("roles", ())),
        expires_at=datetime.fromisoformat(body["expires_at"]).replace(tzinfo=UTC).timestamp(),
        access_rules=_access_rules(body),
    )


def _access_rules(body: dict[str, Any]) -> tuple[AccessRule, ...] | None:
    rules = body.get("application_credential", {}).get("access_rules")
    if rules is None:
        return None
    return tuple(AccessRule(rule["service"], rule["method"], rule["path"]) for rule in rules)
