"""Central Neutron's rules are loaded before it answers a request, though Neutron forgets them once while it starts."""

import subprocess

from lab.layout import Layout

from .lab import COMMAND_SECONDS

# What Neutron's server does, without a database: it makes the plugin, forgets the rules, and tells that it is ready.
START = """
from unittest import mock

from neutron.common import config
from oslo_config import cfg

config.register_common_config_options()
cfg.CONF(["--config-file", "/dev/null"], project="neutron")
from neutron import policy
from neutron.plugins.ml2.plugin import Ml2Plugin
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.policy import _engine
from triune.network.central.plugin import Plugin

with mock.patch.object(Ml2Plugin, "__init__", lambda plugin: None):
    Plugin.__init__(object.__new__(Plugin))
policy.reset()
registry.publish(resources.PROCESS, events.AFTER_INIT, None)
assert policy._ENFORCER.rules and _engine._ROLE_ENFORCER.rules
"""


def test_the_rules_are_loaded_before_there_is_a_request(lab):
    command = [Layout(lab.directory).python, "-c", START]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    assert done.returncode == 0, done.stderr
