"""An image that Glance fetches over HTTP by itself: what `web-download` wants."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLUSTER = 64 * 1024
_HEADER = (
    b"QFI\xfb"  # magic
    b"\x00\x00\x00\x03"  # version
    + bytes(8 + 4)  # no backing file
    + b"\x00\x00\x00\x10"  # clusters of 64 KiB
    + (1024 * 1024).to_bytes(8, "big")
    + bytes(4)  # not encrypted
    + bytes(36 + 24)  # no tables: every cluster reads as zeros
    + b"\x00\x00\x00\x04"  # reference counts of 16 bits
    + b"\x00\x00\x00\x68"  # bytes of this header
)
QCOW2 = _HEADER.ljust(CLUSTER, b"\x00")
"""An empty qcow2 image of 1 MiB, as far as Glance inspects it."""


class Handler(BaseHTTPRequestHandler):
    """Gives the image, whatever is asked for."""

    def do_GET(self) -> None:
        """Answer with the image."""
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(QCOW2)))
        self.end_headers()
        self.wfile.write(QCOW2)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the suite's progress is on the screen."""


@contextmanager
def image() -> Iterator[str]:
    """The address of the image, for as long as the context is open."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/image.qcow2"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
