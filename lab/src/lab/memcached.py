"""memcached: validated tokens and Keystone's cache."""

from lab import ports, process
from lab.layout import Layout

NAME = "memcached"
MEGABYTES = 64


def start(layout: Layout) -> None:
    command = ["memcached", "-u", "root", "-l", ports.HOST, "-p", str(ports.MEMCACHED), "-U", "0"]
    process.start(layout, NAME, [*command, "-m", str(MEGABYTES), "-t", "2", "-c", "4096"])
