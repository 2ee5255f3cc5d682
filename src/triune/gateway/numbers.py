"""Ids that are integers which each pod counts for itself: what they are at the top (docs/decisions/0020)."""

import hashlib

# What every client can read as a number: JSON's are those of IEEE 754 for many.
ID_BITS = 53


def top_number(region_name: str, bottom_id: int) -> int:
    """The id at the top of what has an id in a region."""
    digest = hashlib.sha256(f"{region_name}/{bottom_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - ID_BITS)
