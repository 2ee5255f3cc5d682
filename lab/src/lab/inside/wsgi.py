"""Serve a WSGI application: one process, a few threads, bodies streamed in both directions."""

# cheroot is installed in the services' environment, not in the one that checks types.
# mypy: disable-error-code="import-not-found, misc"

import importlib
import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

from cheroot.server import ChunkedRFile, HTTPConnection, HTTPRequest, KnownLengthRFile
from cheroot.wsgi import Gateway_10, Server

SHUTDOWN_SECONDS = 2
KEEP_ALIVE_SECONDS = 75
BACKLOG = 512
PIECE_BYTES = 64 * 1024


class CutShortError(OSError):
    """The client went away in the middle of the body."""


class WholeBody(KnownLengthRFile):
    """A body of announced length that ends early is an error, not an end: half an image must never look complete."""

    def read(self, size: int | None = None) -> bytes:
        data: bytes = super().read(size)
        if not data and size != 0 and self.remaining > 0:
            raise CutShortError(f"the client closed the connection with {self.remaining} bytes to go")
        return data

    def close(self) -> None:
        """Nothing: Glance closes what it has read, and the connection has further requests to carry."""


class ChunkedBody(ChunkedRFile):
    def close(self) -> None:
        """Nothing, for the same reason."""


class Gateway(Gateway_10):
    def get_environ(self) -> dict[str, Any]:
        body = self.req.rfile
        if isinstance(body, ChunkedRFile):
            self.req.rfile = ChunkedBody(body.rfile, body.maxlen)
        else:
            self.req.rfile = WholeBody(body.rfile, body.remaining)
        environ: dict[str, Any] = super().get_environ()
        return environ


class Request(HTTPRequest):
    def send_headers(self) -> None:
        """Read what an application left of a body piece by piece: it may be an image that was refused."""
        try:
            while self.rfile.read(PIECE_BYTES):
                pass
        except (OSError, ValueError):
            self.close_connection = True
        super().send_headers()


class Connection(HTTPConnection):
    RequestHandlerClass = Request


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def run(entry: str, *, port: int, threads: int) -> None:
    """Serve ``application`` of the module ``entry`` on the loopback interface until SIGTERM."""
    application = importlib.import_module(entry).application
    server = Server(
        ("127.0.0.1", port),
        application,
        numthreads=threads,
        request_queue_size=BACKLOG,
        timeout=KEEP_ALIVE_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    server.gateway = Gateway
    server.ConnectionClass = Connection
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _terminate)
    print(f"serving {entry} on port {port}", file=sys.stderr, flush=True)
    try:
        server.start()
    finally:
        # A thread whose client neither sends nor reads must not hold up the end.
        stopping = threading.Thread(target=server.stop, daemon=True)
        stopping.start()
        stopping.join(SHUTDOWN_SECONDS + 1)
