"""`triune`: the one command of the project."""

import sys
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from triune import conf as settings
from triune import log
from triune.cli import catalog, database, gateway, worker

Command = Callable[[cfg.ConfigOpts], None]

COMMANDS: dict[tuple[str, str | None], tuple[Command, str]] = {
    ("gateway", None): (gateway.run, "serve the APIs"),
    ("worker", None): (worker.run, "bring pods to what is wanted"),
    ("db", "upgrade"): (database.upgrade, "bring the database to the newest schema"),
    ("catalog", "register"): (catalog.register, "create the central region's services and endpoints in Keystone"),
}


def main() -> None:
    """Entry point of the console script."""
    conf = settings.new()
    conf.register_cli_opt(cfg.SubCommandOpt("command", title="Commands", handler=_add_commands))
    settings.load(conf, sys.argv[1:])
    log.setup(conf)
    conf.command.function(conf)


def _add_commands(subparsers: Any) -> None:
    groups: dict[str, Any] = {}
    for (name, action), (function, text) in COMMANDS.items():
        if action is None:
            parser = subparsers.add_parser(name, help=text)
        else:
            if name not in groups:
                groups[name] = subparsers.add_parser(name).add_subparsers(dest="action", required=True)
            parser = groups[name].add_parser(action, help=text)
        parser.set_defaults(function=function)
