"""What is sent to pods as JSON."""

import json
from typing import Any

import msgspec


def encode(document: Any) -> bytes:
    """JSON for a pod; what msgspec cannot write (lone surrogates, integers of any length) the standard library can."""
    try:
        return msgspec.json.encode(document)
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(document).encode()
