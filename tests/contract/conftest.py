"""The gateway as it runs, in front of fake pods."""

import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from triune.network.boots import Boots
from triune.network.names import BOOT
from triune.network.top import central
from triune.network.top_ports import TopPorts

from .central import wire
from .cloud.cloud import REGIONS, Cloud
from .cloud.keystone import Token
from .cloud.neutron import Record
from .gateway import IMPATIENT, Running, register, running, schema, write_settings
from .network_world import World, world


@dataclass
class Reply:
    """An answer that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Client:
    """Somebody with a token who speaks HTTP to the gateway."""

    session: aiohttp.ClientSession
    root: str
    token: Token
    headers: dict[str, str] = field(default_factory=dict)

    async def request(self, method: str, path: str, /, **kwargs: Any) -> Reply:
        """Ask, and read the whole answer; a path goes out as it is written here."""
        headers = {"X-Auth-Token": self.token.id, **self.headers, **kwargs.pop("headers", {})}
        if "json" in kwargs:
            kwargs["data"] = json.dumps(kwargs.pop("json")).encode()
            headers.setdefault("Content-Type", "application/json")
        headers = {name: value for name, value in headers.items() if value}
        url = URL(path if path.startswith("http") else f"{self.root}{path}", encoded=True)
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **kwargs) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, **kwargs: Any) -> Reply:
        return await self.request("GET", path, **kwargs)

    async def post(self, path: str, document: Any = None, **kwargs: Any) -> Reply:
        if document is not None:
            kwargs["json"] = document
        return await self.request("POST", path, **kwargs)

    async def put(self, path: str, **kwargs: Any) -> Reply:
        return await self.request("PUT", path, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> Reply:
        return await self.request("DELETE", path, **kwargs)

    def at(self, microversion: str) -> "Client":
        """The same with a microversion, such as `compute 2.69`."""
        return Client(self.session, self.root, self.token, {**self.headers, "OpenStack-API-Version": microversion})


Settings = dict[str, dict[str, Any]]
StartGateway = Callable[..., Awaitable[Running]]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and nothing in it, made by the project's own command."""
    directory = tmp_path_factory.mktemp("schema")
    schema(write_settings(directory, directory / "triune.db", "http://127.0.0.1:1/v3", {}))
    return directory / "triune.db"


@pytest.fixture
async def cloud(request: pytest.FixtureRequest) -> AsyncIterator[Cloud]:
    """Keystone and two regions; `@pytest.mark.parametrize("cloud", [3], indirect=True)` gives three."""
    cloud = Cloud(getattr(request, "param", 2))
    await cloud.start()
    yield cloud
    await cloud.stop()


@pytest.fixture(scope="session")
def databases(empty_database: Path) -> Callable[[int], Path]:
    """Databases by their number of pods: RegionOne as az1, RegionTwo as az2, and so on."""

    @cache
    def database_of(pods: int) -> Path:
        path = Path(shutil.copy(empty_database, empty_database.with_stem(f"triune-{pods}")))
        register(path, {region: f"az{number}" for number, region in enumerate(REGIONS[:pods], start=1)})
        return path

    return database_of


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> Path:
    """A test's own database, without pods."""
    return Path(shutil.copy(empty_database, tmp_path / "triune.db"))


@pytest.fixture
async def start_gateway(cloud: Cloud, tmp_path: Path, database: Path) -> AsyncIterator[Callable[..., Any]]:
    """A context manager that runs a gateway with some settings changed; all share one database."""

    @asynccontextmanager
    async def start(settings: Settings | None = None) -> AsyncIterator[Running]:
        path = write_settings(tmp_path, database, f"{cloud.keystone.root}/v3", settings or {})
        async with running(path) as gateway:
            yield gateway

    yield start


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    """What a test changes in the settings; `@pytest.mark.impatient` gives it short deadlines."""
    impatient = request.node.get_closest_marker("impatient") is not None
    changed: Settings = {"pods": IMPATIENT} if impatient else {}
    for group, options in getattr(request, "param", {}).items():
        changed[group] = {**changed.get(group, {}), **options}
    return changed


def pytest_configure(config: pytest.Config) -> None:
    """The marks of these tests."""
    config.addinivalue_line("markers", "impatient: the gateway has deadlines that the test waits for")


@pytest.fixture
async def gateway(
    cloud: Cloud,
    database: Path,
    databases: Callable[[int], Path],
    start_gateway: Callable[..., Any],
    settings: Settings,
) -> AsyncIterator[Running]:
    """A running gateway with all regions registered: RegionOne as az1, RegionTwo as az2, and so on."""
    shutil.copy(databases(len(cloud.pods)), database)
    async with start_gateway(settings) as running_gateway:
        yield running_gateway


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """HTTP as clients speak it."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        yield session


@pytest.fixture
def client(cloud: Cloud, gateway: Running, session: aiohttp.ClientSession) -> Client:
    """A tenant."""
    return Client(session, gateway.root, cloud.keystone.token())


@pytest.fixture
def admin(cloud: Cloud, gateway: Running, session: aiohttp.ClientSession) -> Client:
    """An administrator."""
    return Client(session, gateway.root, cloud.keystone.token(roles=("admin",)))


@pytest.fixture
def flavors(cloud: Cloud) -> None:
    """A flavor `1` everywhere."""
    for pod in cloud.pods:
        pod.nova.add_flavor("1")


@pytest.fixture
def wired(cloud: Cloud, gateway: Running, flavors: None) -> None:
    """Central Neutron with what Triune puts into it; and a flavor `1` everywhere."""
    wire(cloud.central, gateway.shared)


@pytest.fixture
def blue(cloud: Cloud, client: Client) -> Record:
    """A VLAN network of the tenant, which may be everywhere."""
    from .servers_on_networks import vlan

    return vlan(cloud, client)


@pytest.fixture
async def worker(gateway: Running) -> AsyncIterator[None]:
    """A worker beside the gateway."""
    from .test_convergence import working

    async with working(gateway):
        yield


@pytest.fixture
def hasty(gateway: Running) -> None:
    """A port may be on its way for a short time only, so that the tests need not wait."""
    shared = gateway.shared
    ports = TopPorts(shared.service_user, central(shared.conf))
    boots = Boots(shared.registry, shared.routings, shared.service_user, ports, under_way=1.0)
    dict.__setitem__(shared.runner.handlers, BOOT, boots)  # type: ignore[index]


@pytest.fixture
async def there(tmp_path: Path, empty_database: Path) -> AsyncIterator[World]:
    """Central Neutron and two pods without a gateway."""
    async with world(tmp_path, empty_database) as made:
        yield made
