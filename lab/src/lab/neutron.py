"""A region's Neutron: ML2 with OVN."""

import shutil
from pathlib import Path

from lab import family, settings
from lab.region import Region
from lab.settings import Lab

NAME = "neutron"
DATABASES = (NAME,)

PHYSICAL_NETWORK = "physnet1"
VLAN_RANGE = (100, 399)


def configure(lab: Lab, region: Region) -> None:
    etc, home = region.etc(NAME), region.directory / NAME
    home.mkdir(parents=True, exist_ok=True)
    ovn = region.directory / "ovn"
    settings.write(
        etc / "neutron.conf",
        {
            "DEFAULT": {
                "host": region.host,
                "state_path": str(home),
                "api_paste_config": str(etc / "api-paste.ini"),
                "core_plugin": "ml2",
                "service_plugins": ["ovn-router", "segments", "trunk", "qos", "port_forwarding"],
                # Different in each pod: networks can be stretched between them.
                "base_mac": f"fa:16:3e:{region.index:02x}:00:00",
                # Nobody talks RPC to a Neutron whose only agent is ovn-controller.
                "transport_url": "fake:/",
                "auth_strategy": "keystone",
                "dns_domain": f"{region.name.lower()}.example.org.",
                "notify_nova_on_port_status_changes": True,
                "notify_nova_on_port_data_changes": True,
                # Seconds in which several notices are collected; a boot waits for its own, and 1 is the least.
                "send_events_interval": 1,
            },
            "database": settings.database_section(lab, region.database(NAME)),
            "keystone_authtoken": settings.token_section(lab, NAME),
            "nova": settings.peer(lab, "nova", region),
            "placement": settings.peer(lab, "placement", region),
            "oslo_concurrency": {"lock_path": str(home / "locks")},
            "ml2": {
                "type_drivers": ["local", "flat", "vlan", "geneve"],
                "tenant_network_types": ["geneve"],
                "mechanism_drivers": ["ovn"],
                "extension_drivers": ["port_security", "qos", "dns"],
                "overlay_ip_version": 4,
            },
            "ml2_type_flat": {"flat_networks": [PHYSICAL_NETWORK]},
            "ml2_type_vlan": {"network_vlan_ranges": ":".join([PHYSICAL_NETWORK, *map(str, VLAN_RANGE)])},
            "ml2_type_geneve": {"vni_ranges": "1:65536", "max_header_size": 38},
            "securitygroup": {"enable_security_group": True},
            "ovn": {
                "ovn_nb_connection": f"unix:{ovn}/nb.sock",
                "ovn_sb_connection": f"unix:{ovn}/sb.sock",
                "ovn_l3_scheduler": "leastloaded",
                # As in most clouds: a port of its own in each network, whose address also serves DHCP in subnets
                # without a gateway. No agent answers behind it; servers here ask for no metadata.
                "ovn_metadata_enabled": True,
            },
            **settings.quiet(),
        },
    )
    shutil.copy(lab.layout.venv / "etc" / "neutron" / "api-paste.ini", etc)


def services(region: Region) -> list[family.Service]:
    home = region.directory / NAME
    return [api(region.service("neutron-api"), region.etc(NAME), home, region.port(NAME))]


def api(name: str, etc: Path, home: Path, port: int) -> family.Service:
    """A Neutron server: `etc` holds its settings, `home` its state."""
    return family.Service(
        name=name,
        family=NAME,
        runner="wsgi",
        entry="neutron.wsgi.api",
        environment={
            "OS_NEUTRON_CONFIG_DIR": str(etc),
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            # Neutron asks its WSGI server for the number of workers; this is how a server unknown to it answers.
            "ASGI_WORKERS": "1",
        },
        port=port,
        threads=16,
        # Neutron notes there, under its parent's pid, when the server started. The parent outlives restarts.
        scratch=home / "scratch",
    )
