"""Tempest's settings: the same for the central region and for a region, but for the region's name.

Source: `tempest/config.py`. What is not said here has Tempest's default.
"""

import configparser
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from .images import Prepared

Sections = dict[str, dict[str, Any]]

# What the servers of the lab, network namespaces on one host per region, can do.
COMPUTE = {
    "resize": True,
    "pause": True,
    "suspend": True,
    "shelve": True,
    "snapshot": True,
    "rescue": True,
    "stable_rescue": True,
    "interface_attach": True,
    "console_output": True,
    "config_drive": True,
    "swap_volume": True,
    "hostname_fqdn_sanitization": True,
    "live_migration": False,
    "cold_migration": False,
    "shelve_migrate": False,
    "personality": False,
    "change_password": False,
    "vnc_console": False,
    "attach_encrypted_volume": False,
}
VOLUME = {"backup": True, "clone": True, "snapshot": True, "volume_revert": True, "manage_volume": False}


def sections(region: str, account: Mapping[str, str], prepared: Prepared, address: str, directory: Path) -> Sections:
    """All settings for a region; `account` is the administrator's as in `clouds.yaml`, `address` an image's."""
    return {
        "DEFAULT": {"log_file": directory / "tempest.log"},
        "oslo_concurrency": {"lock_path": directory / "locks"},
        "auth": {
            "use_dynamic_credentials": True,
            "create_isolated_networks": True,
            "admin_username": account["username"],
            "admin_password": account["password"],
            "admin_project_name": account["project_name"],
            "admin_domain_name": account["user_domain_name"],
            "tempest_roles": "member",
        },
        "identity": {"uri_v3": account["auth_url"], "auth_version": "v3", "region": region},
        "service_available": {"swift": False, "horizon": False},
        "compute": {
            "region": region,
            "image_ref": prepared.image,
            "image_ref_alt": prepared.other_image,
            "flavor_ref": prepared.flavor,
            "flavor_ref_alt": prepared.larger_flavor,
            "min_compute_nodes": 1,
            "max_microversion": "latest",
            # Servers boot within seconds: looked at that often, the suite takes a third of the time.
            "build_interval": 1,
            "ready_wait": 0,
        },
        "compute-feature-enabled": COMPUTE,
        "image": {"region": region, "http_image": address, "http_qcow2_image": address},
        "image-feature-enabled": {"import_image": True},
        "network": {"region": region, "project_network_cidr": "10.100.0.0/16"},
        "volume": {
            "region": region,
            "max_microversion": "latest",
            "storage_protocol": "local",
            "vendor_name": "Triune lab",
            "build_interval": 1,
        },
        "volume-feature-enabled": VOLUME,
        # Nobody logs in to a network namespace.
        "validation": {"run_validation": False},
    }


def text(settings: Sections) -> str:
    """The settings as a file."""
    parser = configparser.RawConfigParser()
    parser.read_dict(settings)
    stream = StringIO()
    parser.write(stream)
    return stream.getvalue()
