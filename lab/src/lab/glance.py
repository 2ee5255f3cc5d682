"""A region's Glance: two file stores, and every import method."""

import shutil

from lab import family, ports, settings
from lab.region import Region
from lab.settings import Lab

NAME = "glance"
DATABASES = (NAME,)

STORES = ("local", "reserve")
"""Two of them, so that ``copy-image`` has somewhere to copy to; the first is the default."""

IMPORT_METHODS = ("glance-direct", "web-download", "copy-image", "glance-download")


def configure(lab: Lab, region: Region) -> None:
    etc, home = region.etc(NAME), region.directory / NAME
    directories = {store: home / store for store in (*STORES, "os_glance_staging_store", "os_glance_tasks_store")}
    for directory in directories.values():
        directory.mkdir(parents=True, exist_ok=True)
    settings.write(
        etc / "glance-api.conf",
        {
            "DEFAULT": {
                "enabled_backends": [f"{store}:file" for store in STORES],
                "enabled_import_methods": "[" + ",".join(IMPORT_METHODS) + "]",
                "worker_self_reference_url": region.url(NAME),
            },
            **{
                store: {"filesystem_store_datadir": str(path), "filesystem_thin_provisioning": True}
                for store, path in directories.items()
            },
            "glance_store": {"default_backend": STORES[0]},
            "task": {"work_dir": str(home)},
            "database": settings.database_section(lab, region.database(NAME)),
            "keystone_authtoken": settings.token_section(lab, NAME),
            "paste_deploy": {"flavor": "keystone", "config_file": str(etc / "glance-api-paste.ini")},
            # Where the Glances of other regions are, and what tests serve; Glance refuses loopback addresses otherwise.
            "import_filtering_opts": {"allowed_hosts": f"[{ports.HOST},localhost]", "allowed_ports": "[]"},
            "oslo_concurrency": {"lock_path": str(home / "locks")},
            **settings.quiet(),
        },
    )
    shutil.copy(lab.layout.venv / "etc" / "glance" / "glance-api-paste.ini", etc)


def services(region: Region) -> list[family.Service]:
    return [
        family.Service(
            name=region.service("glance-api"),
            family=NAME,
            runner="wsgi",
            entry="glance.wsgi.api",
            environment={"OS_GLANCE_CONFIG_DIR": str(region.etc(NAME))},
            port=region.port(NAME),
            # A long upload or download keeps its thread.
            threads=24,
        )
    ]
