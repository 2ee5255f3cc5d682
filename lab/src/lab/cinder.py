"""A region's Cinder: volumes are files, backups go to a directory."""

import shutil

from lab import family, settings
from lab.region import Region
from lab.settings import Lab

NAME = "cinder"
DATABASES = (NAME,)

BACKEND = "files"


def configure(lab: Lab, region: Region) -> None:
    etc, home = region.etc(NAME), region.directory / NAME
    volumes = region.directory / "volumes"
    for directory in (volumes, home / "backups", home / "conversion", home / "coordination"):
        directory.mkdir(parents=True, exist_ok=True)
    settings.write(
        etc / "cinder.conf",
        {
            "DEFAULT": {
                "host": region.host,
                "state_path": str(home),
                "transport_url": settings.transport(lab, region),
                "api_paste_config": str(etc / "api-paste.ini"),
                "resource_query_filters_file": str(etc / "resource_filters.json"),
                "auth_strategy": "keystone",
                "enabled_backends": [BACKEND],
                "glance_api_servers": region.url("glance"),
                "image_conversion_dir": str(home / "conversion"),
                "volume_clear": "none",
                "backup_driver": "cinder.backup.drivers.posix.PosixBackupDriver",
                "backup_posix_path": str(home / "backups"),
                # Fast, and most of a young volume is zeros.
                "backup_compression_algorithm": "zstd",
                # A piece is held in memory as a whole (2 GB of it by default), and each block of it costs a hash.
                "backup_file_size": 64 * 2**20,
                "backup_sha_block_size_bytes": 2**20,
                "graceful_shutdown_timeout": 2,
            },
            BACKEND: {
                "volume_driver": "lab_drivers.volume.FileVolumeDriver",
                "volume_backend_name": BACKEND,
                "file_volume_path": str(volumes),
            },
            "database": settings.database_section(lab, region.database(NAME)),
            "keystone_authtoken": settings.token_section(lab, NAME),
            "nova": {**settings.peer(lab, "nova", region), "interface": "internal"},
            "service_user": {**settings.account(lab, NAME), "send_service_user_token": True},
            "coordination": {"backend_url": f"file://{home / 'coordination'}"},
            "oslo_concurrency": {"lock_path": str(home / "locks")},
            **settings.quiet(),
        },
    )
    for file in ("api-paste.ini", "resource_filters.json"):
        shutil.copy(lab.layout.venv / "etc" / "cinder" / file, etc)


def services(region: Region) -> list[family.Service]:
    argv = ("--config-file", str(region.etc(NAME) / "cinder.conf"))
    api = family.Service(
        name=region.service("cinder-api"),
        family="cinder-api",
        runner="wsgi",
        entry="cinder.wsgi.api",
        argv=argv,
        port=region.port(NAME),
    )
    daemons = [
        family.Service(
            name=region.service(f"cinder-{part}"),
            family=NAME,
            runner="daemon",
            entry=f"cinder.cmd.{part}:main",
            argv=argv,
        )
        for part in ("scheduler", "volume", "backup")
    ]
    return [api, *daemons]
