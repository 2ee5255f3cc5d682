"""JSON as OpenStack's services write it: a space behind each comma and colon; all but Glance write ASCII.

A document that is translated or put together anew differs from that of a pod in what had to be changed, and in nothing
else.
"""

import json
import re
from typing import Any

import msgspec

# The standard library counts DEL among them.
_BEYOND_ASCII = re.compile(r"[^\x00-\x7e]+")


def written(document: Any, ascii_only: bool = True) -> bytes:
    """A document as the standard library's `json.dumps` writes it, which is what the services use (oslo.serialization).

    `msgspec.Raw` inside it stays as it is, but for the white space. Floating-point numbers with an exponent are written
    shorter (`1e-5`, not `1e-05`).
    """
    try:
        text = msgspec.json.encode(document)
    except (UnicodeEncodeError, OverflowError):
        # Lone surrogates, which UTF-8 does not have, and integers of any length.
        return json.dumps(document).encode()
    if ascii_only and (not text.isascii() or b"\x7f" in text):
        # Such letters stand in strings only.
        text = _BEYOND_ASCII.sub(_escaped, text.decode()).encode("ascii")
    return msgspec.json.format(text, indent=0)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
