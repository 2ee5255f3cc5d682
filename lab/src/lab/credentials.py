"""Passwords of one lab: random, made once, kept in a file that only its owner can read."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

ACCOUNTS = (
    "admin",
    "demo",
    "demo2",
    "triune",
    "placement",
    "nova",
    "neutron",
    "glance",
    "cinder",
    "database",
    "rabbitmq",
    "erlang_cookie",
)


def ensure(path: Path) -> Mapping[str, str]:
    """The password of every account; those the file does not hold yet are added to it."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {account: secrets.token_hex(16) for account in ACCOUNTS if account not in known}
    if missing:
        known |= missing
        write_private(path, json.dumps(known, indent=2) + "\n")
    return known


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
