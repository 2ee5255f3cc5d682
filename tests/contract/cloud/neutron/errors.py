"""How Neutron tells errors."""

from ..service import Answer, Refusal


def refusal(code: int, kind: str, message: str) -> Refusal:
    """An error answer (neutron_lib.api.faults)."""
    return Refusal(Answer(code, {"NeutronError": {"type": kind, "message": message, "detail": ""}}))


def bad_request(message: str) -> Refusal:
    """What the API layer says of a body or a query that it does not understand."""
    return refusal(400, "HTTPBadRequest", message)


def invalid(message: str) -> Refusal:
    """What the plugin says of values that it cannot use."""
    return refusal(400, "InvalidInput", f"Invalid input for operation: {message}.")


def bad(resource: str, message: str) -> Refusal:
    """What the plugin says of a request that makes no sense for a resource."""
    return refusal(400, "BadRequest", f"Bad {resource} request: {message}.")
