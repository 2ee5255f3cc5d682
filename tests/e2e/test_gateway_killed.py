"""The gateway dies between the pod's answer and its own: what it was asked for is not lost, and not left over."""

import os
import signal
import threading
import time
from contextlib import ExitStack
from typing import Any

from keystoneauth1 import exceptions

from . import things
from .lab import GATEWAY, Lab
from .people import Person
from .waiting import SECONDS, wait_until

# After so many seconds the pod's Nova has answered.
ANSWERED_SECONDS = 4.0


class Request(threading.Thread):
    """A POST whose answer never comes; `error` is what came instead."""

    def __init__(self, person: Person, server: dict[str, Any]) -> None:
        super().__init__()
        self._person, self._server = person, server
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._person.ask("compute", "/servers", "POST", version="compute 2.90", json=self._server)
        except exceptions.ConnectFailure as error:
            self.error = error


def found(person: Person, region: str, name: str) -> Any:
    """A server as a pod itself has it, or None."""
    servers = person.ask("compute", f"/servers/detail?name={name}", region=region).json()["servers"]
    return servers[0] if servers else None


def test_a_server_whose_answer_was_lost(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    name = f"{prefix}-killed"
    server = {"name": name, "imageRef": boot["image_id"], "flavorRef": boot["flavor_id"], "networks": "none"}
    request = Request(tenant, {"server": server})
    region = kill_before_the_answer(tenant, lab, request, name)
    assert isinstance(request.error, exceptions.ConnectFailure), "the client saw an answer"
    # Nobody was told the id. It is in the list, it can be shown and used, and it can be deleted.
    (row,) = tenant.cli("server list --name", name)
    try:
        assert lab.zones[tenant.central.compute.get_server(row["ID"]).availability_zone] == region
        assert tenant.run("console log show", row["ID"])
    finally:
        things.remove_server(tenant, row["ID"])
    assert not [each for each in lab.regions if found(tenant, each, name)]


def kill_before_the_answer(tenant: Person, lab: Lab, request: Request, name: str) -> str:
    """Send a request, and kill the gateway when a pod has answered it and the gateway has not passed that on.

    While the pods' schedulers are frozen the gateway has Nova's 202 and keeps it: the server may have no host, and
    could have one in another pod. It is stopped then, sees nothing of what becomes of the server, and dies with the
    answer. The region where the server is.
    """

    def there() -> str | None:
        return next((region for region in lab.regions if found(tenant, region, name)), None)

    pid = lab.pid(GATEWAY)
    with ExitStack() as stack:
        for each in lab.regions:
            stack.enter_context(lab.frozen(f"{each}/nova-scheduler"))
        request.start()
        region = wait_until("a server in a pod", there)
        time.sleep(ANSWERED_SECONDS)
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until("an active server in the pod", lambda: (found(tenant, region, name) or {}).get("status") == "ACTIVE")
    finally:
        lab.kill(GATEWAY)
        lab.start(GATEWAY)
        request.join(SECONDS)
    return region
