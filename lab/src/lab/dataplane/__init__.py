"""The lab's networks: Open vSwitch and OVN wholly in userspace, one network namespace per pod."""

from lab.dataplane.errors import DataplaneError
from lab.dataplane.fabric import ComponentStatus, Fabric
from lab.dataplane.servers import Server, exec_in_server, list_servers

__all__ = ["ComponentStatus", "DataplaneError", "Fabric", "Server", "exec_in_server", "list_servers"]
