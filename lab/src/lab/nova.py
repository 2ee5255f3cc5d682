"""A region's Nova: API, scheduler, conductor and one compute host whose servers are network namespaces."""

import shutil

from lab import family, ports, settings
from lab.region import Region
from lab.settings import Lab, Sections

NAME = "nova"
DATABASES = ("nova_api", "nova_cell0", "nova")


def configure(lab: Lab, region: Region) -> None:
    etc, home = region.etc(NAME), region.directory / NAME
    for directory in (home, region.directory / "servers"):
        directory.mkdir(parents=True, exist_ok=True)
    peer = {user: settings.peer(lab, user, region) for user in ("nova", "neutron", "cinder", "placement")}
    shared: Sections = {
        "DEFAULT": {
            "host": region.host,
            "my_ip": ports.HOST,
            "state_path": str(home),
            "transport_url": settings.transport(lab, region),
            "compute_driver": "lab_namespace.NamespaceDriver",
            # ACTIVE means that the ports are wired: Neutron says so before the boot goes on.
            "vif_plugging_is_fatal": True,
            "vif_plugging_timeout": 60,
            # One compute host: a resize has nowhere else to go.
            "allow_resize_to_same_host": True,
            "reserved_host_memory_mb": 0,
            "reserved_host_disk_mb": 0,
            "cpu_allocation_ratio": "16.0",
            "ram_allocation_ratio": "4.0",
            "disk_allocation_ratio": "16.0",
            # A new compute host is to be found at once, not after a random delay.
            "periodic_fuzzy_delay": 0,
            "graceful_shutdown_timeout": 2,
            "manager_shutdown_timeout": 2,
            "use_cow_images": False,
        },
        "cache": {
            "enabled": True,
            "backend": "dogpile.cache.memcached",
            "memcache_servers": settings.MEMCACHED,
        },
        "conductor": {"workers": 1},
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 5},
        "glance": {**peer["nova"], "service_type": "image"},
        "neutron": {**peer["neutron"], "service_metadata_proxy": False},
        "cinder": {**peer["cinder"], "os_region_name": region.name, "catalog_info": "volumev3::publicURL"},
        "placement": peer["placement"],
        "service_user": {**settings.account(lab, NAME), "send_service_user_token": True},
        "keystone_authtoken": settings.token_section(lab, NAME),
        "oslo_concurrency": {"lock_path": str(home / "locks")},
        "vnc": {"enabled": False},
        "spice": {"enabled": False},
        "lab": {
            "ovs_db": f"unix:{region.directory}/ovs/db.sock",
            "pod_namespace": region.host,
            "state_path": str(region.directory / "servers"),
        },
        **settings.quiet(),
    }
    databases: Sections = {
        "api_database": settings.database_section(lab, region.database("nova_api")),
        "database": settings.database_section(lab, region.database("nova")),
    }
    settings.write(etc / "nova.conf", {**shared, **databases})
    # As on a real compute host: without the databases' addresses it asks the conductor.
    settings.write(etc / "nova-compute.conf", shared)
    shutil.copy(lab.layout.venv / "etc" / "nova" / "api-paste.ini", etc)


def services(region: Region) -> list[family.Service]:
    """API, scheduler and conductor."""
    api = family.Service(
        name=region.service("nova-api"),
        family=NAME,
        runner="wsgi",
        entry="nova.wsgi.osapi_compute",
        environment={"OS_NOVA_CONFIG_DIR": str(region.etc(NAME))},
        port=region.port(NAME),
        threads=16,
    )
    return [_daemon(region, "conductor", "nova.conf"), _daemon(region, "scheduler", "nova.conf"), api]


def compute_host(region: Region) -> family.Service:
    """The compute host; it wants conductor and Placement to be there when it starts."""
    return _daemon(region, "compute", "nova-compute.conf")


def _daemon(region: Region, part: str, file: str) -> family.Service:
    return family.Service(
        name=region.service(f"nova-{part}"),
        family=NAME,
        runner="daemon",
        entry=f"nova.cmd.{part}:main",
        argv=("--config-file", str(region.etc(NAME) / file)),
    )
