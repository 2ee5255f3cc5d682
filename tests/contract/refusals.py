"""What Nova and Cinder refuse with."""

from .conftest import Reply


def refusal(reply: Reply) -> tuple[int, str]:
    """The status of a refusal, and its text."""
    (fault,) = reply.json.values()
    assert fault["code"] == reply.status
    return reply.status, fault["message"]
