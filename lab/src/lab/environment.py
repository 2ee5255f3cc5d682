"""The OpenStack services' own Python environment, and the small things they need to find in it."""

import hashlib
import shutil
import sys
from pathlib import Path

from lab import command
from lab.layout import OPENSTACK, PROJECT, Layout

LOCK = OPENSTACK / "requirements.lock"

# Nova loads compute drivers only from its own package.
DRIVER_MODULE = "from lab_drivers.compute import NamespaceDriver as NamespaceDriver\n"

# The services would become root for single commands, through a filter of commands. Here they are root already.
SUDO = """\
#!/bin/sh
case "$1" in *-rootwrap) shift 2 ;; esac
exec "$@"
"""


def fingerprint() -> str:
    """Changes whenever another set of OpenStack packages would be installed."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]


def ensure(layout: Layout) -> str:
    """Install the locked packages unless they are there."""
    stamp = layout.venv / "lock"
    fresh = not (stamp.exists() and stamp.read_text() == fingerprint() and layout.python.exists())
    if fresh:
        uv, log = _uv(), layout.log("uv")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        command.run([*uv, "venv", "--allow-existing", "--python", version, layout.venv], log)
        command.run([*uv, "pip", "sync", "--compile-bytecode", "--python", layout.python, LOCK], log)
        stamp.write_text(fingerprint())
    _driver_module(layout).write_text(DRIVER_MODULE)
    sudo = layout.shims / "sudo"
    sudo.parent.mkdir(parents=True, exist_ok=True)
    sudo.write_text(SUDO)
    sudo.chmod(0o755)
    return "installed the OpenStack services" if fresh else "the OpenStack services are there"


def _driver_module(layout: Layout) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return layout.venv / "lib" / version / "site-packages" / "nova" / "virt" / "lab_namespace.py"


def _uv() -> list[str]:
    """uv: the one beside this Python, the one the project brought, or the one on the search path."""
    for candidate in (Path(sys.executable).parent / "uv", PROJECT / ".tools" / "bin" / "uv"):
        if candidate.exists():
            return [str(candidate)]
    found = shutil.which("uv")
    return [found] if found else [sys.executable, "-m", "uv"]
