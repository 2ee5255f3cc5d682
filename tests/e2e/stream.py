"""One end of a TCP connection, run inside a server as a program of its own; it needs nothing but Python.

`receive PORT`, `send ADDRESS PORT BYTES`: both print how many bytes there were and their digest. `listen PORT` tells
whoever connects the address that it sees them under, until it is killed; `knock ADDRESS PORT` ends with 0 if a
connection opens, and prints what it is told.
"""

import hashlib
import ipaddress
import json
import random
import socket
import sys

BLOCK = 256 * 1024
CONNECT_SECONDS = 10.0
KNOCK_SECONDS = 1.0
IDLE_SECONDS = 60.0


def receive(port: int) -> None:
    """Take what one connection brings."""
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.settimeout(IDLE_SECONDS)
        connection, _ = server.accept()
    digest, count = hashlib.sha256(), 0
    with connection:
        connection.settimeout(IDLE_SECONDS)
        while block := connection.recv(BLOCK):
            digest.update(block)
            count += len(block)
    print(json.dumps({"bytes": count, "digest": digest.hexdigest()}))


def send(address: str, port: int, size: int) -> None:
    """Send so many random bytes."""
    digest, left = hashlib.sha256(), size
    source = random.Random(size)
    with socket.create_connection((address, port), CONNECT_SECONDS) as connection:
        connection.settimeout(IDLE_SECONDS)
        while left:
            block = source.randbytes(min(BLOCK, left))
            connection.sendall(block)
            digest.update(block)
            left -= len(block)
    print(json.dumps({"bytes": size, "digest": digest.hexdigest()}))


def listen(port: int) -> None:
    """Accept connections, tell each where it comes from, and close it."""
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        while True:
            connection, peer = server.accept()
            seen = ipaddress.IPv6Address(peer[0])
            with connection:
                try:
                    connection.sendall(str(seen.ipv4_mapped or seen).encode())
                except OSError:
                    pass  # who knocked did not wait


def knock(address: str, port: int) -> None:
    """Open one connection and print what is said there."""
    try:
        with socket.create_connection((address, port), KNOCK_SECONDS) as connection:
            print(connection.recv(BLOCK).decode())
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["receive", port]:
            receive(int(port))
        case ["send", address, port, size]:
            send(address, int(port), int(size))
        case ["listen", port]:
            listen(int(port))
        case ["knock", address, port]:
            knock(address, int(port))
        case _:
            sys.exit(__doc__)
