"""The console log of a server: what really happened to it, kept short."""

import time
from pathlib import Path

KEPT_BYTES = 64 * 1024
LIMIT_BYTES = 2 * KEPT_BYTES


class Console:
    """An append-only log that drops its oldest lines when it grows beyond `LIMIT_BYTES`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def say(self, *lines: str) -> None:
        """Append lines, each with the time of day."""
        stamp = time.strftime("[%Y-%m-%d %H:%M:%S] ", time.gmtime())
        self._trim()
        with self.path.open("a") as log:
            log.writelines(f"{stamp}{line}\n" for line in lines)

    def tail(self) -> str:
        """The newest `KEPT_BYTES` of the log."""
        try:
            return self.path.read_bytes()[-KEPT_BYTES:].decode(errors="replace")
        except FileNotFoundError:
            return ""

    def _trim(self) -> None:
        if self.path.exists() and self.path.stat().st_size > LIMIT_BYTES:
            kept = self.path.read_bytes()[-KEPT_BYTES:]
            # The DHCP client's script appends too: shortened in place, it goes on writing to the same file.
            with self.path.open("r+b") as log:
                log.truncate(0)
                log.write(kept.partition(b"\n")[2])
