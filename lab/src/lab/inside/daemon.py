"""Run the ``main`` of a service that is not a web application, in this very process.

The services fork a worker by default; a lab of many regions has no use for twice the processes.
"""

import functools
import importlib
from collections.abc import Callable
from typing import Any


def _nova() -> None:
    service: Any = importlib.import_module("nova.service")
    service.serve = functools.partial(service.serve, no_fork=True)


def _cinder() -> None:
    service: Any = importlib.import_module("cinder.service")
    launcher = importlib.import_module("oslo_service.service").ServiceLauncher
    service.process_launcher = functools.partial(launcher, service.CONF, restart_method="mutate")


IN_ONE_PROCESS: dict[str, Callable[[], None]] = {"nova": _nova, "cinder": _cinder}


def run(entry: str) -> None:
    """Call ``module:function`` after telling its service not to fork."""
    module, function = entry.split(":")
    IN_ONE_PROCESS[module.partition(".")[0]]()
    getattr(importlib.import_module(module), function)()
