"""Settings of the compute driver."""

import nova.conf
from oslo_config import cfg

GROUP = "lab"

OPTIONS = [
    cfg.StrOpt("ovs_db", required=True, help="Database of the pod's Open vSwitch, as in `unix:<path>`."),
    cfg.StrOpt("pod_namespace", required=True, help="Network namespace in which the pod's Open vSwitch runs."),
    cfg.StrOpt("state_path", required=True, help="Directory that holds one directory per server."),
]

CONF = nova.conf.CONF
CONF.register_opts(OPTIONS, group=GROUP)
