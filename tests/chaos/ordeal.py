"""People work through a gateway that reaches the pods through faults; afterwards the pods hold what was promised."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .contents import Pod
from .customer import Customer
from .customer_compute import Administrator
from .customer_storage import StorageCustomer
from .fault_proxy import FaultProxy
from .ledger import Found, State, differences, misplaced, twins_of_nothing

# Of the requests so many have to succeed, or too little is proven.
SUCCEED = 0.5
# One of so many operations is an administrator's.
ADMINISTRATORS = 8
PAUSE_SECONDS = 0.25
# What somebody has, in the order in which it can be removed: the service, the list, and its key in the answer.
OWNED = (
    ("compute", "/servers", "servers"),
    ("volume", "/snapshots", "snapshots"),
    ("volume", "/volumes", "volumes"),
    ("image", "/images", "images"),
    ("compute", "/os-server-groups", "server_groups"),
)

Lines = Callable[[], Awaitable[Iterable[str]]]


@dataclass
class Ordeal:
    """`pods` are those of each customer, by name; `jobs` tells what the work engine has still to do, `routings` what
    the table says, as (kind, id, region), and `networks` in what ports are not as they should be.
    """

    proxies: Sequence[FaultProxy]
    customers: Sequence[StorageCustomer]
    administrator: Administrator
    pods: Mapping[str, Sequence[Pod]]
    jobs: Lines
    networks: Lines
    routings: Callable[[], Awaitable[Iterable[tuple[str, str, str]]]]
    recovery_seconds: float = 60.0
    found: list[Found] = field(default_factory=list)

    @property
    def everybody(self) -> list[Customer]:
        """Who does something."""
        return [*self.customers, self.administrator]

    async def run(self, operations: int) -> None:
        """All of it. Raises `AssertionError` that tells what is wrong, and what was said and done."""
        began = time.monotonic()
        of_administrator = max(1, operations // ADMINISTRATORS)
        each = -(-(operations - of_administrator) // len(self.customers))
        await asyncio.gather(
            self.administrator.run(of_administrator), *(customer.run(each) for customer in self.customers)
        )
        seconds = time.monotonic() - began
        await self.calm()
        self._tell(operations, seconds)
        for somebody in self.everybody:
            await somebody.repeat()
        await self.agrees("what was promised", self.broken)
        complaints = [line for somebody in self.everybody for line in somebody.complaints]
        assert not complaints, "\n".join(complaints)
        for customer in self.customers:
            await self.clear(customer)
        await self.agrees("an end of everything", self.left)

    def _tell(self, operations: int, seconds: float) -> None:
        met: Counter[str] = sum((proxy.met for proxy in self.proxies), Counter[str]())
        answers: Counter[str] = sum((somebody.answers for somebody in self.everybody), Counter[str]())
        print(f"{operations} operations in {seconds:.0f} s")
        print("faults:", dict(met.most_common()))
        print("answers:", dict(sorted(answers.items())))
        done = sum(number for answer, number in answers.items() if " 2" in answer)
        assert done >= SUCCEED * answers.total(), f"only {done} of {answers.total()} requests were answered"

    async def calm(self) -> None:
        """No faults any more, until the gateway has noticed that all pods answer."""
        for proxy in self.proxies:
            await proxy.calm()

        async def away() -> list[str]:
            api = self.customers[0].api
            return [
                f"{service}: {reply}"
                for service, path, _ in OWNED
                if (reply := await api.ask(service, "GET", path)).status != 200 or reply.is_partial
            ]

        await self.agrees("all pods", away)

    async def agrees(self, what: str, look: Lines) -> None:
        """Wait until nothing differs. Raises `AssertionError` with what does."""
        deadline = time.monotonic() + self.recovery_seconds
        while lines := list(await look()):
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} after {self.recovery_seconds:.0f} s:\n" + "\n".join(lines))
            await asyncio.sleep(PAUSE_SECONDS)

    # -- what differs

    async def broken(self) -> list[str]:
        """All in which the pods, the tables and the networks differ from what was promised."""
        lines = list(await self.jobs())
        routings = list(await self.routings())
        for customer in self.customers:
            found = await self.held(customer)
            promises = customer.promises
            lines += differences(promises, found, [pod.region for pod in self.pods[customer.name]])
            lines += twins_of_nothing(promises, found)
            lines += misplaced(found, routings)
        pods = self.pods[self.customers[0].name]
        flavors = [each for pod in pods for each in await pod.flavors(self.administrator.name)]
        lines += differences(self.administrator.promises, flavors, [pod.region for pod in pods])
        return [*lines, *await self.networks()]

    async def held(self, customer: Customer) -> list[Found]:
        """What the pods hold of somebody."""
        return [each for pod in self.pods[customer.name] for each in await pod.holds()]

    async def left(self) -> list[str]:
        """What is still there after everything was removed."""
        lines = [f"left over: {each}" for customer in self.customers for each in await self.held(customer)]
        return [*lines, *await self.jobs(), *await self.networks()]

    # -- the end

    async def clear(self, customer: StorageCustomer) -> None:
        """Somebody removes everything that they find in their lists, so nothing may be hidden from these."""
        for service, path, key in OWNED:

            async def look(service: str = service, path: str = path, key: str = key) -> list[str]:
                reply = await customer.api.ask(service, "GET", path)
                if not reply.ok:
                    return [str(reply)]
                owner = customer.api.project_id
                mine = [each for each in reply.json[key] if each.get("owner", owner) == owner]
                for each in mine:
                    await customer.api.ask(service, "DELETE", f"{path}/{each['id']}")
                return [f"{key}: {each}" for each in mine]

            await self.agrees(f"end of {key}", look)
        for promise in customer.promises:
            if promise.kind == "keypair" and promise.state is State.THERE:
                await customer.api.ask("compute", "DELETE", f"/os-keypairs/{promise.name}")
