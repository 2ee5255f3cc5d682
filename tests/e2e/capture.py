"""What goes over the cable between a pod and the physical switch."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.dataplane import plan

from . import physical
from .lab import Lab

SNIFF = Path(__file__).with_name("sniff.py")
END_SECONDS = 10.0


@dataclass
class Seen:
    """The IP packets that were seen, once the capture is over: VLAN, source, destination."""

    packets: set[tuple[int, str, str]] = field(default_factory=set)

    def vlans(self, source: str, destination: str) -> set[int]:
        """The VLANs that packets from one address to another went over."""
        return {vlan for vlan, *ends in self.packets if ends == [source, destination]}


@contextmanager
def on_cable(lab: Lab, region: str) -> Iterator[Seen]:
    """Watch the cable of a pod; what was seen is there afterwards."""
    device = physical.place(lab, region).host
    words = ("ip", "netns", "exec", plan.SWITCH_NAMESPACE, sys.executable, str(SNIFF), device)
    seen = Seen()
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield seen
            # The end of its input is the end of the capture.
            listed, _ = process.communicate(timeout=END_SECONDS)
        finally:
            process.kill()
    seen.packets = {(vlan, source, destination) for vlan, source, destination in json.loads(listed)}
