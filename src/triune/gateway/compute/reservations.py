"""Reservation ids of servers that are made by several requests to a pod, as those on networks of central Neutron are.

Each of them has a reservation of its own in its pod. The id that the client gets names them all; where it comes back as
the filter `reservation_id` of a list, pods get what they understand: Nova's filter is a regular expression
(nova/db/main/api.py, `_regex_instance_filter`), though one without alternatives where the database is MySQL
(nova/db/utils.py, `_safe_regex_mysql`).
"""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

NAME = "reservation_id"
# nova.utils.generate_uid
_ONE = re.compile(r"r-([a-z0-9]{8})")
_SEVERAL = re.compile(r"r(-[a-z0-9]{8}){2,}")


def joined(reservations: Iterable[str]) -> str:
    """One id for several reservations; those that are not known (empty) are left out."""
    found = [reservation for reservation in dict.fromkeys(reservations) if reservation]
    parts = [match[1] for reservation in found if (match := _ONE.fullmatch(reservation))]
    return found[0] if len(found) == 1 else "-".join(["r", *parts]) if parts else ""


def pattern(reservation: str) -> str:
    """What a pod is asked for in place of such an id; another value is what it is."""
    if not _SEVERAL.fullmatch(reservation):
        return reservation
    return f"^r-{''.join(f'({part})?' for part in reservation.split('-')[1:])}$"


def in_words_of_pods(query: str) -> str:
    """The query of a list of servers as pods understand it."""
    if f"{NAME}=" not in query:
        return query
    parameters = parse_qsl(query, keep_blank_values=True)
    if not any(name == NAME and _SEVERAL.fullmatch(value) for name, value in parameters):
        return query
    return urlencode([(name, pattern(value) if name == NAME else value) for name, value in parameters])
