"""The gateway dies between the pod's answer and its own: what it was asked for is not lost, and not left over."""

import os
import signal
import threading
import time
from typing import Any

import pytest
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


@pytest.mark.parametrize("zone", ["az1", "az2"])
def test_a_server_whose_answer_was_lost(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str, zone: str) -> None:
    region, name = lab.zones[zone], f"{prefix}-killed"
    server = {"name": name, "imageRef": boot["image_id"], "flavorRef": boot["flavor_id"], "networks": "none"}
    request = Request(tenant, {"server": {**server, "availability_zone": zone}})
    kill_before_the_answer(tenant, lab, request, name, region)
    assert isinstance(request.error, exceptions.ConnectFailure), "the client saw an answer"
    # Nobody was told the id. It is in the list, it can be shown and used, and it can be deleted.
    (row,) = tenant.cli("server list --name", name)
    try:
        assert tenant.central.compute.get_server(row["ID"]).availability_zone == zone
        assert tenant.run("console log show", row["ID"])
    finally:
        things.remove_server(tenant, row["ID"])
    assert not [each for each in lab.regions if found(tenant, each, name)]


def kill_before_the_answer(tenant: Person, lab: Lab, request: Request, name: str, region: str) -> None:
    """Send a request, and kill the gateway when the pod has answered it and the gateway has not passed that on.

    While the pod's scheduler is frozen the gateway has Nova's 202 and keeps it: the server may have no host. It is
    stopped then, sees nothing of what becomes of the server, and dies with the answer.
    """
    pid = lab.pid(GATEWAY)
    with lab.frozen(f"{region}/nova-scheduler"):
        request.start()
        wait_until("a server in the pod", lambda: found(tenant, region, name))
        time.sleep(ANSWERED_SECONDS)
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until("an active server in the pod", lambda: (found(tenant, region, name) or {}).get("status") == "ACTIVE")
    finally:
        lab.kill(GATEWAY)
        lab.start(GATEWAY)
        request.join(SECONDS)
