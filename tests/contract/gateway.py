"""Running the real gateway in the test process: the project's own wiring, served by uvicorn on a loopback port."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from oslo_config import cfg
from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import Session

from triune import conf as settings
from triune.cli import gateway as wiring
from triune.db.models import PodRow
from triune.gateway.app import App
from triune.gateway.call import Gateway
from triune.pods.registry import id_of

from .cloud.keystone import PASSWORD

# Deadlines that no busy machine misses; tests that wait for them have shorter ones (`IMPATIENT`).
PATIENT: dict[str, dict[str, Any]] = {
    "gateway": {"marker_key": "a-secret-that-signs", "max_document": 1024 * 1024},
    "keystone": {
        "auth_type": "password",
        "username": "triune",
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "deadline": 5,
        "token_cache_time": 60,
    },
    "pods": {
        "connect_timeout": 2,
        "list_deadline": 5,
        "request_deadline": 8,
        "store_deadline": 10,
        "stall_timeout": 5,
        "breaker_failures": 3,
        "breaker_pause": 0.3,
        "breaker_max_pause": 0.6,
        "refresh_interval": 60,
    },
    "worker": {
        "poll_interval": 0.05,
        "lease_time": 2,
        "attempt_deadline": 5,
        "first_pause": 0.1,
        "longest_pause": 0.3,
    },
}

AUTHORITY = Path(__file__).parent / "ca.pem"
IMPATIENT: dict[str, Any] = {
    "connect_timeout": 0.6,
    "list_deadline": 0.8,
    "request_deadline": 1.2,
    "store_deadline": 1.8,
    "stall_timeout": 0.8,
}


@dataclass
class Running:
    """A gateway that takes requests."""

    root: str
    shared: Gateway
    conf: cfg.ConfigOpts


def write_settings(directory: Path, database: Path, auth_url: str, changed: dict[str, dict[str, Any]]) -> Path:
    """A settings file; `changed` goes over the tests' defaults."""
    values: dict[str, dict[str, Any]] = {group: dict(options) for group, options in PATIENT.items()}
    values["keystone"]["auth_url"] = auth_url
    for group in ("keystone", "pods"):
        # Reading all the machine's authorities for every gateway would take longer than most tests.
        values[group]["cafile"] = AUTHORITY
    values["database"] = {"connection": f"sqlite+aiosqlite:///{database}"}
    for group, options in changed.items():
        values.setdefault(group, {}).update(options)
    lines: list[str] = []
    for group, options in values.items():
        lines.append(f"[{group}]")
        lines += [f"{name} = {value}" for name, value in options.items()]
    path = directory / "triune.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def schema(path: Path) -> None:
    """`triune db upgrade`, as an operator runs it."""
    command = [str(Path(sys.executable).parent / "triune"), "--config-file", str(path), "db", "upgrade"]
    subprocess.run(command, check=True, timeout=60)


def register(database: Path, zones: Mapping[str, str]) -> None:
    """Write pods into the table, as the admin API does (test_admin_pods.py); `zones` by region."""
    engine = create_engine(f"sqlite:///{database}", poolclass=NullPool)
    with Session(engine) as session, session.begin():
        session.add_all(PodRow(pod_id=id_of(region), region_name=region, az_name=zones[region]) for region in zones)


@contextlib.asynccontextmanager
async def running(path: Path) -> AsyncIterator[Running]:
    """The gateway with the settings of a file, on a free port."""
    conf = settings.new()
    settings.load(conf, ["--config-file", str(path)])
    async with wiring.gateway(conf) as shared:
        # With the protocol named, asyncio turns Nagle off, as it does where it opens the socket itself.
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(
                App(shared),
                http="httptools",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=True,
                forwarded_allow_ips=conf.gateway.trusted_proxies,
                timeout_graceful_shutdown=1,
            )
        )
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[listener])
        try:
            yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}", shared, conf)
        finally:
            # Not uvicorn's own way down, which waits a tenth of a second for connections that do not matter here.
            for accepting in server.servers:
                accepting.close()
            for connection in list(server.server_state.connections):
                connection.shutdown()
            listener.close()
            await asyncio.sleep(0)


async def raw(gateway: Running, request: str, seconds: float = 3) -> bytes:
    """What the gateway says to bytes on a connection, as far as it says anything in time."""
    host, port = gateway.root.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    try:
        async with asyncio.timeout(seconds):
            return await reader.read(65536)
    except TimeoutError:
        return b""
    finally:
        writer.transport.abort()
