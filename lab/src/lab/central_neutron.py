"""Central Neutron: the one whose networks span the regions. It has no agents and no data plane of its own."""

import shutil
from pathlib import Path

from lab import family, neutron, ports, settings
from lab.layout import Layout
from lab.settings import Lab

NAME = "central-neutron"
DATABASE = "central"
"""Triune keeps its tables there, too: what central Neutron decides and what is to be done about it are one commit."""

PORT = ports.api_port(0, neutron.NAME)
URL = f"http://{ports.HOST}:{PORT}"

VLAN_RANGE = (1000, 1999)
"""Outside of what the regions give to networks of their own: the same VLAN stands for one network in all of them."""


def directory(layout: Layout) -> Path:
    return layout.directory / NAME


def configure(lab: Lab) -> None:
    home = directory(lab.layout)
    settings.write(
        home / "neutron.conf",
        {
            "DEFAULT": {
                "host": "central",
                "state_path": str(home),
                "api_paste_config": str(home / "api-paste.ini"),
                "core_plugin": "triune",
                "service_plugins": ["triune-router", "qos", "triune-port-forwarding"],
                # Ports of a network have the same addresses in all regions: none may be one of a region's own ports.
                "base_mac": "fa:16:3e:f0:00:00",
                # There are no agents to speak with.
                "transport_url": "fake:/",
                "rpc_workers": 0,
                "auth_strategy": "keystone",
                "dns_domain": "central.example.org.",
                # Addresses are handed out in the regions.
                "enable_traditional_dhcp": False,
                # Each region's own Neutron tells its own Nova.
                "notify_nova_on_port_status_changes": False,
                "notify_nova_on_port_data_changes": False,
            },
            "database": settings.database_section(lab, DATABASE),
            "keystone_authtoken": settings.token_section(lab, neutron.NAME),
            "oslo_concurrency": {"lock_path": str(home / "locks")},
            "ml2": {
                "type_drivers": ["local", "flat", "vlan", "geneve", "vxlan"],
                # No second choice: when the VLANs are used up, a network of another type would not span regions.
                "project_network_types": ["vlan"],
                "mechanism_drivers": ["triune"],
                "extension_drivers": ["port_security", "qos", "dns"],
                "overlay_ip_version": 4,
            },
            "ml2_type_flat": {"flat_networks": [neutron.PHYSICAL_NETWORK]},
            "ml2_type_vlan": {"network_vlan_ranges": ":".join([neutron.PHYSICAL_NETWORK, *map(str, VLAN_RANGE)])},
            "ml2_type_geneve": {"vni_ranges": "10000:19999", "max_header_size": 38},
            "ml2_type_vxlan": {"vni_ranges": "10000:19999"},
            "securitygroup": {"enable_security_group": True},
            **settings.quiet(),
        },
    )
    shutil.copy(lab.layout.venv / "etc" / "neutron" / "api-paste.ini", home)


def service(layout: Layout) -> family.Service:
    return neutron.api(NAME, directory(layout), directory(layout), PORT)
