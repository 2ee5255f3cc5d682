"""Requests to pods with Triune's own rights, for what tenants may not do."""

from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict

from triune.identity import Identity, IdentityUnavailable
from triune.log import current_request_id
from triune.pods.body import encode
from triune.pods.client import Answer, Body, Document, PodClient, PodUnreachable, Target
from triune.pods.registry import Pod


class ServiceUser:
    """Triune's own user in every pod."""

    def __init__(self, identity: Identity, client: PodClient) -> None:
        self._identity = identity
        self._client = client
        self._project: str | None = None

    async def fetch(
        self,
        pod: Pod,
        service: str,
        method: str,
        path: str,
        document: Any = None,
        query: str = "",
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> Document:
        """Ask a pod; `microversion` is the value of `OpenStack-API-Version`, `headers` go along.

        `deadline` in seconds, the usual one where there is none. Raises `PodUnreachable`.
        """
        whole = await self._headers(pod, service, headers)
        if microversion is not None:
            whole["OpenStack-API-Version"] = microversion
        body = None
        if document is not None:
            whole.setdefault("Content-Type", "application/json")
            body = encode(document)
        return await self._client.fetch(Target(pod, service, method, path, query, deadline=deadline), whole, body)

    async def send(
        self,
        pod: Pod,
        service: str,
        method: str,
        path: str,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """Ask a pod with a body that may be streamed, for an answer that may be; it must be closed, or read.

        `deadline` in seconds until the answer begins, after the last piece of the body. Raises `PodUnreachable`.
        """
        target = Target(pod, service, method, path, deadline=deadline)
        return await self._client.send(target, await self._headers(pod, service, headers), body)

    async def _headers(self, pod: Pod, service: str, headers: Mapping[str, str] | None) -> CIMultiDict[str]:
        try:
            whole = CIMultiDict({**(headers or {}), "X-Auth-Token": await self._identity.service_token()})
        except IdentityUnavailable as error:
            raise PodUnreachable(pod, service, str(error), sent=False) from error
        if (request_id := current_request_id()) is not None:
            whole["X-OpenStack-Request-ID"] = request_id
        return whole

    async def project(self) -> str:
        """The project in which Triune's own user is. Raises `IdentityUnavailable`."""
        if self._project is None:
            caller = await self._identity.validate(await self._identity.service_token())
            if caller is None or caller.project_id is None:
                raise IdentityUnavailable("Triune's own user has no project")
            self._project = caller.project_id
        return self._project
