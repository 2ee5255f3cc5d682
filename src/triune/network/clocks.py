"""How long ago something happened, by the clock of the service that tells it and no other."""

import email.utils
from datetime import UTC, datetime

from triune.pods.client import Document


def told_at(document: Document) -> datetime:
    """When a service gave an answer. Without a `Date` header all that it tells is taken for long past."""
    try:
        return email.utils.parsedate_to_datetime(document.headers["Date"])
    except (KeyError, ValueError):
        return datetime.max.replace(tzinfo=UTC)


def since(moment: object, now: datetime) -> float:
    """Seconds since a moment as OpenStack writes it (`2026-11-21T10:36:00Z`); endless for what is no moment."""
    try:
        return (now - datetime.strptime(str(moment), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)).total_seconds()
    except ValueError:
        return float("inf")
