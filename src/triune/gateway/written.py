"""JSON as OpenStack's services write it: a space behind each comma and colon, and ASCII.

A document that is translated or put together anew differs from that of a pod in what had to be changed, and in nothing
else.
"""

import json
from typing import Any

import msgspec


def written(document: Any) -> bytes:
    """A document as the standard library's `json.dumps` writes it, which is what the services use (oslo.serialization).

    `msgspec.Raw` inside it stays as it is, but for the white space.
    """
    try:
        text = msgspec.json.encode(document)
    except (UnicodeEncodeError, OverflowError):
        # Lone surrogates and integers of any length.
        return json.dumps(document).encode()
    if not text.isascii():
        return json.dumps(json.loads(text)).encode()
    return msgspec.json.format(text, indent=0)
