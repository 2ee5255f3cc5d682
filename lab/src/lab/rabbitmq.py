"""RabbitMQ: one virtual host per region."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence

from lab import command, ports, process
from lab.credentials import write_private
from lab.errors import LabError
from lab.layout import Layout
from lab.settings import Lab

NAME = "rabbitmq"
READY_SECONDS = 90.0
GREETING = b"AMQP\x00\x00\x09\x01"

SBIN = "/usr/lib/rabbitmq/bin"


def start(lab: Lab) -> None:
    """Start the broker with its users and virtual hosts; returns when it speaks AMQP."""
    layout = lab.layout
    home = layout.directory / NAME
    home.mkdir(parents=True, exist_ok=True)
    hosts = [region.name for region in lab.regions]
    fresh = _write_definitions(lab, hosts)
    if process.pid_of(layout, NAME) is None:
        # Nothing in the queues outlives those who wait for it, and a broker that was killed may not like what it finds.
        shutil.rmtree(home / "mnesia", ignore_errors=True)
        write_private(home / ".erlang.cookie", lab.passwords["erlang_cookie"])
        (home / ".erlang.cookie").chmod(0o400)
        write_private(home / "rabbitmq.conf", _configuration(lab))
        write_private(home / "enabled_plugins", "[].\n")
        process.start(layout, NAME, [f"{SBIN}/rabbitmq-server"], _environment(layout))
    elif fresh:
        _wait_answer(layout)
        definitions = home / "definitions.json"
        command.run(
            [f"{SBIN}/rabbitmqctl", "import_definitions", definitions], layout.log("rabbitmqctl"), _environment(layout)
        )
    _wait_answer(layout)


def stop_name_server() -> None:
    """End Erlang's name server, which RabbitMQ starts and leaves behind; it refuses while a broker uses it."""
    command = ["epmd", "-port", str(ports.EPMD), "-kill"]
    if shutil.which(command[0]):
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=READY_SECONDS)


def _environment(layout: Layout) -> dict[str, str]:
    home = layout.directory / NAME
    return {
        "HOME": str(home),
        "RABBITMQ_NODENAME": "triune-lab@localhost",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(layout.logs),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "ERL_CRASH_DUMP": str(home / "erl_crash.dump"),
        "RABBITMQ_PID_FILE": str(home / "server.pid"),
        "RABBITMQ_DIST_PORT": str(ports.RABBITMQ_CLUSTER),
        # Makes the start script become the broker instead of waiting for it as a parent.
        "RUNNING_UNDER_SYSTEMD": "true",
        "ERL_EPMD_PORT": str(ports.EPMD),
        "ERL_EPMD_ADDRESS": ports.HOST,
        # Idle schedulers of Erlang would otherwise spin, and two processors are shared by everything here.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }


def _configuration(lab: Lab) -> str:
    home = lab.layout.directory / NAME
    return (
        f"listeners.tcp.1 = {ports.HOST}:{ports.RABBITMQ}\n"
        f"load_definitions = {home / 'definitions.json'}\n"
        "vm_memory_high_watermark.absolute = 1GB\n"
        "disk_free_limit.absolute = 50MB\n"
        "log.console = true\n"
        "log.console.level = warning\n"
    )


def _write_definitions(lab: Lab, hosts: Sequence[str]) -> bool:
    """Write users and virtual hosts; true if they are not what the file held before."""
    path = lab.layout.directory / NAME / "definitions.json"
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    text = json.dumps(
        {
            "users": [{"name": "openstack", "password": lab.passwords[NAME], "tags": "administrator"}],
            "vhosts": [{"name": host} for host in hosts],
            "permissions": [{"user": "openstack", "vhost": host, **everything} for host in hosts],
        }
    )
    if path.exists() and path.read_text() == text:
        return False
    write_private(path, text)
    return True


def _wait_answer(layout: Layout) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers():
        if process.pid_of(layout, NAME) is None:
            raise LabError("RabbitMQ ended while it started", layout.log(NAME))
        if time.monotonic() > deadline:
            raise LabError(f"RabbitMQ does not answer after {READY_SECONDS:.0f} s", layout.log(NAME))
        time.sleep(0.2)


def _answers() -> bool:
    """Whether the broker greets back, which it does only once it is fully up."""
    try:
        with socket.create_connection((ports.HOST, ports.RABBITMQ), timeout=2) as connection:
            connection.sendall(GREETING)
            return bool(connection.recv(1))
    except OSError:
        return False
