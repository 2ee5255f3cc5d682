"""What somebody does with servers, keypairs, flavors and server groups."""

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from .api import Api
from .customer import ZONES, Action, Customer
from .ledger import Promise, State

MOST_SERVERS, MOST_GROUPS, MOST_KEYPAIRS = 6, 4, 6
SEVERAL = 2
# Networks can be said to be none from here on.
VERSION = "2.64"
# Copies of images go on; what waits for one is to be tried again.
CONFLICT = 409


class ComputeCustomer(Customer):
    """`boot` is what servers are made of (`imageRef`, `flavorRef`), `networks` are the ids of those they may be on.

    There are at most `most_servers` at a time.
    """

    def __init__(
        self,
        api: Api,
        name: str,
        seed: int,
        boot: Mapping[str, str],
        networks: Sequence[str],
        most_servers: int = MOST_SERVERS,
    ) -> None:
        super().__init__(api, name, seed)
        self._boot = boot
        self._networks = networks
        self._most_servers = most_servers

    def compute_actions(self) -> dict[Action, int]:
        """What can be done, and how often compared to other things."""
        return {
            self.make_server: 12,
            self.make_servers: 3,
            self.act_on_server: 6,
            self.show_server: 5,
            self.list_servers: 8,
            self.remove_server: 10,
            self.make_keypair: 5,
            self.show_keypair: 2,
            self.list_keypairs: 2,
            self.remove_keypair: 4,
            self.make_group: 3,
            self.list_groups: 2,
            self.remove_group: 3,
        }

    # -- servers

    def _server(self, name: str) -> dict[str, Any]:
        server: dict[str, Any] = {"name": name, **self._boot, "networks": "none"}
        if zone := self.random.choice(ZONES):
            server["availability_zone"] = zone
        if self._networks and self.random.random() < 0.5:
            server["networks"] = [{"uuid": self.random.choice(self._networks)}]
        if (keypair := self.some("keypair")) and self.random.random() < 0.3:
            server["key_name"] = keypair.name
        return server

    async def make_server(self) -> bool:
        if self.possible("server") >= self._most_servers:
            return False
        promise = self.promise("server")
        document: dict[str, Any] = {"server": self._server(promise.name)}
        if (group := self.some("server_group")) and self.random.random() < 0.3:
            document["os:scheduler_hints"] = {"group": group.id}
        reply = await self.ask("compute", "POST", "/servers", document, version=VERSION, expected=[CONFLICT])
        promise.made(reply)
        if reply.ok:
            promise.id = reply.json["server"]["id"]
        return True

    async def make_servers(self) -> bool:
        """Several with one request. On networks they are made one by one, and there may be fewer."""
        if self.possible("server") + SEVERAL > self._most_servers:
            return False
        base = self.called("server")
        several = [self.promise("server", f"{base}-{number}") for number in range(1, SEVERAL + 1)]
        server = {**self._server(base), "min_count": SEVERAL, "max_count": SEVERAL}
        reply = await self.ask("compute", "POST", "/servers", {"server": server}, version=VERSION, expected=[CONFLICT])
        for promise in several:
            promise.made(reply)
        if reply.ok:
            several[0].id = reply.json["server"]["id"]
            if server["networks"] != "none":
                for promise in several[1:]:
                    promise.state = State.OPEN
        return True

    async def act_on_server(self) -> bool:
        if (promise := self.some("server")) is None:
            return False
        action, status = self.random.choice((("os-stop", "SHUTOFF"), ("os-start", "ACTIVE")))
        shown = await self.show(promise, "compute", f"/servers/{promise.id}")
        if not shown.ok or shown.json["server"]["status"] == "BUILD":
            # Until it is in a cell, Nova itself does not find what it is to stop.
            return True
        path = f"/servers/{promise.id}/action"
        # The pod refuses what does not fit the state of the server.
        reply = await self.ask("compute", "POST", path, {action: None}, expected=[CONFLICT])
        promise.changed(reply, status=status)
        return True

    async def show_server(self) -> bool:
        if (promise := self.some("server")) is None:
            return False
        await self.show(promise, "compute", f"/servers/{promise.id}")
        return True

    async def list_servers(self) -> bool:
        limit = self.random.choice(("?limit=1", "?limit=2", ""))
        await self.compare("server", "compute", f"/servers{limit}", "servers")
        return True

    async def remove_server(self) -> bool:
        if (promise := self.some("server")) is None:
            return False
        reply = await self.ask("compute", "DELETE", f"/servers/{promise.id}", expected=[404])
        promise.removed(reply)
        for attachment in self.promises:
            # They go with it.
            if attachment.kind == "attachment" and attachment.name.startswith(f"{promise.id}/"):
                if promise.state is not State.THERE and attachment.state is not State.NOT_THERE:
                    attachment.state = promise.state
                attachment.said.append(f"the server is removed: {reply.status}")
        return True

    # -- keypairs

    async def make_keypair(self) -> bool:
        if self.possible("keypair") >= MOST_KEYPAIRS:
            return False
        promise = self.promise("keypair")
        keypair = {"name": promise.name}
        if self.random.random() < 0.5:
            keypair["public_key"] = _public_key(self.random.randbytes(32))
        promise.made(await self.ask("compute", "POST", "/os-keypairs", {"keypair": keypair}))
        promise.id = promise.name
        return True

    async def show_keypair(self) -> bool:
        if (promise := self.some("keypair")) is None:
            return False
        await self.show(promise, "compute", f"/os-keypairs/{promise.name}")
        return True

    async def list_keypairs(self) -> bool:
        found = await self.listed("compute", "/os-keypairs?limit=2", "keypairs", identity="name", version="2.35")
        return found is not None

    async def remove_keypair(self) -> bool:
        if (promise := self.some("keypair")) is None:
            return False
        await self._remove_keypair(promise)
        return True

    async def _remove_keypair(self, promise: Promise) -> None:
        promise.removed(await self.ask("compute", "DELETE", f"/os-keypairs/{promise.name}", expected=[404]))

    # -- server groups

    async def make_group(self) -> bool:
        if self.possible("server_group") >= MOST_GROUPS:
            return False
        promise = self.promise("server_group")
        group = {"name": promise.name, "policy": "soft-anti-affinity"}
        reply = await self.ask("compute", "POST", "/os-server-groups", {"server_group": group}, version=VERSION)
        promise.made(reply)
        if reply.ok:
            promise.id = reply.json["server_group"]["id"]
        return True

    async def list_groups(self) -> bool:
        await self.compare("server_group", "compute", "/os-server-groups", "server_groups")
        return True

    async def remove_group(self) -> bool:
        if (promise := self.some("server_group")) is None:
            return False
        promise.removed(await self.ask("compute", "DELETE", f"/os-server-groups/{promise.id}", expected=[404]))
        return True

    async def repeat(self) -> None:
        await super().repeat()
        for promise in self.promises:
            if promise.kind == "keypair" and promise.state is State.OPEN:
                await self._remove_keypair(promise)


def _public_key(key: bytes) -> str:
    """An Ed25519 key as OpenSSH writes it (RFC 8709)."""
    kind = b"ssh-ed25519"
    wire = b"".join(struct.pack(">I", len(part)) + part for part in (kind, key))
    return f"{kind.decode()} {base64.b64encode(wire).decode()} somebody"


class Administrator(Customer):
    """Makes and removes flavors."""

    def actions(self) -> dict[Action, int]:
        return {self.make_flavor: 5, self.change_flavor: 5, self.list_flavors: 3, self.remove_flavor: 3}

    async def make_flavor(self) -> bool:
        promise = self.promise("flavor")
        flavor: dict[str, Any] = {"name": promise.name, "ram": 64, "vcpus": 1, "disk": 1}
        if self.random.random() < 0.5:
            flavor["id"] = promise.name
        reply = await self.ask("compute", "POST", "/flavors", {"flavor": flavor})
        promise.made(reply)
        promise.id = reply.json["flavor"]["id"] if reply.ok else flavor.get("id")
        return True

    async def change_flavor(self) -> bool:
        if (promise := self.some("flavor")) is None:
            return False
        await self._change(promise, {"hw:cpu_policy": self.random.choice(("shared", "dedicated"))})
        return True

    async def _change(self, promise: Promise, specs: dict[str, str]) -> None:
        path = f"/flavors/{promise.id}/os-extra_specs"
        reply = await self.ask("compute", "POST", path, {"extra_specs": specs})
        promise.changed(reply, **specs)

    async def list_flavors(self) -> bool:
        found = await self.listed("compute", "/flavors?limit=3", "flavors")
        return found is not None

    async def remove_flavor(self) -> bool:
        if (promise := self.some("flavor")) is None:
            return False
        promise.removed(await self.ask("compute", "DELETE", f"/flavors/{promise.id}", expected=[404]))
        return True

    async def repeat(self) -> None:
        ids = {each["name"]: each["id"] for each in await self.listed("compute", "/flavors", "flavors") or ()}
        for promise in self.promises:
            if promise.state is State.OPEN:
                flavor_id = ids.get(promise.name, promise.id)
                reply = await self.ask("compute", "DELETE", f"/flavors/{flavor_id}", expected=[404])
                promise.removed(reply)
            elif promise.state is State.THERE:
                for name, value in list(promise.unfinished.items()):
                    await self._change(promise, {name: value})
