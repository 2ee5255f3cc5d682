"""The OpenStack services' own Python environment, and the small things they need to find in it.

Triune's package is there, too, without its dependencies: the part of it that runs in central Neutron needs nothing but
Neutron.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from lab import command
from lab.layout import OPENSTACK, PROJECT, Layout

LOCK = OPENSTACK / "requirements.lock"
TRIUNE = PROJECT / "pyproject.toml"

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


def ensure(layout: Layout) -> bool:
    """Install the locked packages and Triune unless they are there; true when something was installed."""
    stamp = layout.venv / "lock"
    wanted = fingerprint() + hashlib.sha256(TRIUNE.read_bytes()).hexdigest()[:16]
    found = stamp.read_text() if stamp.exists() and layout.python.exists() else ""
    if not found.startswith(fingerprint()):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        uv(layout, "venv", "--allow-existing", "--python", version, layout.venv)
        uv(layout, "pip", "sync", "--compile-bytecode", "--python", layout.python, LOCK)
    if found != wanted:
        words = ("--no-deps", "--no-build-isolation", "--editable", PROJECT)
        uv(layout, "pip", "install", "--python", layout.python, *words)
        stamp.write_text(wanted)
    _driver_module(layout).write_text(DRIVER_MODULE)
    sudo = layout.shims / "sudo"
    sudo.parent.mkdir(parents=True, exist_ok=True)
    sudo.write_text(SUDO)
    sudo.chmod(0o755)
    return found != wanted


def _driver_module(layout: Layout) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return layout.venv / "lib" / version / "site-packages" / "nova" / "virt" / "lab_namespace.py"


def uv(layout: Layout, *words: str | Path) -> None:
    """Run uv. Raises ``LabError`` if it fails."""
    command.run([*_program(), *words], layout.log("uv"))


def _program() -> list[str]:
    """uv: the one beside this Python, the one the project brought, or the one on the search path."""
    for candidate in (Path(sys.executable).parent / "uv", PROJECT / ".tools" / "bin" / "uv"):
        if candidate.exists():
            return [str(candidate)]
    found = shutil.which("uv")
    return [found] if found else [sys.executable, "-m", "uv"]
