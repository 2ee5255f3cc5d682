"""Logging: every line carries the id of the request that it belongs to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from oslo_config import cfg
from oslo_context.context import RequestContext
from oslo_log import log

_current: ContextVar[RequestContext | None] = ContextVar("request", default=None)
_asked: ContextVar[dict[str, None] | None] = ContextVar("asked", default=None)


@contextmanager
def request_context(request_id: str, global_request_id: str | None = None) -> Iterator[dict[str, None]]:
    """Lines logged inside the block, in this task and those it starts, carry the request id, and the client's own.

    Yields the regions that are asked in the block, in order (see `note_asked`).
    """
    context = RequestContext(request_id=request_id, global_request_id=global_request_id, overwrite=False)
    asked: dict[str, None] = {}
    tokens = _current.set(context), _asked.set(asked)
    try:
        yield asked
    finally:
        _current.reset(tokens[0])
        _asked.reset(tokens[1])


def note_asked(region_name: str) -> None:
    """Remember for the request's line in the log that a pod was asked."""
    asked = _asked.get()
    if asked is not None:
        asked[region_name] = None


def current_request_id() -> str | None:
    """The request id of this task, if it works for a request."""
    context = _current.get()
    return context.request_id if context is not None else None


class _ContextFilter(logging.Filter):
    """Gives oslo.log the context of the asyncio task; its own lookup is by thread, which all requests share."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = _current.get()
        if context is not None and not hasattr(record, "context"):
            record.context = context
        return True


class _PoolFilter(logging.Filter):
    """A line, and no stack, for a connection that broke and is dropped: whoever used it tells what became of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("sqlalchemy.pool") and record.exc_info:
            record.exc_info = record.exc_text = None
        return True


def setup(conf: cfg.ConfigOpts) -> None:
    """Log as the settings say (oslo.log), with request ids."""
    log.setup(conf, "triune")
    for handler in logging.getLogger(None).handlers:
        handler.addFilter(_ContextFilter())
        handler.addFilter(_PoolFilter())
    # The HTTP server's own access lines would repeat ours without the request id.
    logging.getLogger("uvicorn.access").disabled = True
    # It tells at each look at the schema which database dialect it speaks.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
