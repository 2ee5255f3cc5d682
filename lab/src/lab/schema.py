"""Database schemas: made once by the services' own tools, kept as dumps, loaded for every further region."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import central_neutron, command, environment, family, keystone, layout, mariadb
from lab.region import Region
from lab.settings import Lab

# Filled by Nova from its own settings, so one dump serves every region, and no password stands on a command line.
_DATABASE = "{scheme}://{username}:{password}@{hostname}/{path}%s?{query}"
_TRANSPORT = "{scheme}://{username}:{password}@{hostname}:{port}/{path}"


@dataclass(frozen=True)
class Schema:
    """The databases of one service, and the commands that fill them.

    ``commands`` have the service's configuration directory as ``{etc}``, the services' environment as ``{venv}``.
    ``each`` is SQL for every loaded copy.
    """

    service: str
    databases: tuple[str, ...]
    commands: tuple[str, ...]
    each: str = ""


KEYSTONE = Schema(keystone.NAME, (keystone.DATABASE,), ("keystone-manage --config-dir {etc} db_sync",))

NEUTRON = Schema(
    "neutron",
    ("neutron",),
    ("neutron-db-manage --config-file {etc}/neutron.conf upgrade heads",),
)

REGIONAL = (
    Schema(
        "nova",
        ("nova_api", "nova_cell0", "nova"),
        (
            "nova-manage --config-file {etc}/nova.conf api_db sync",
            "nova-manage --config-file {etc}/nova.conf cell_v2 map_cell0"
            f" --database_connection {_DATABASE % '_cell0'}",
            "nova-manage --config-file {etc}/nova.conf cell_v2 create_cell --name cell1"
            f" --database_connection {_DATABASE % ''} --transport-url {_TRANSPORT}",
            "nova-manage --config-file {etc}/nova.conf db sync",
        ),
    ),
    NEUTRON,
    Schema(
        "cinder",
        ("cinder",),
        ("cinder-manage --config-file {etc}/cinder.conf db sync",),
        # The default volume type is made by the schema's migrations. Each region has one of its own, as real ones do.
        each="UPDATE volume_types SET id = UUID()",
    ),
    Schema(
        "glance",
        ("glance",),
        (
            "glance-manage --config-file {etc}/glance-api.conf db_sync",
            "glance-manage --config-file {etc}/glance-api.conf db_load_metadefs {venv}/etc/glance/metadefs",
        ),
    ),
    Schema("placement", ("placement",), ("placement-manage --config-file {etc}/placement.conf db sync",)),
)


def ensure_keystone(lab: Lab) -> str:
    return _ensure(lab, KEYSTONE, lab.layout.directory / keystone.NAME, lambda name: name)


def ensure_central_neutron(lab: Lab) -> str:
    return _ensure(lab, NEUTRON, central_neutron.directory(lab.layout), lambda _: central_neutron.DATABASE)


def ensure_regional(lab: Lab, schema: Schema, region: Region) -> str:
    return _ensure(lab, schema, region.etc(schema.service), region.database)


def _ensure(lab: Lab, schema: Schema, etc: Path, name_of: Callable[[str], str]) -> str:
    names = {database: name_of(database) for database in schema.databases}
    if set(names.values()) <= mariadb.databases(lab.layout):
        return "kept"
    dumps = {database: dump_directory() / f"{database}.sql" for database in schema.databases}
    mariadb.recreate(lab.layout, names.values())
    cached = all(path.exists() for path in dumps.values())
    if cached:
        for database, path in dumps.items():
            mariadb.load(lab.layout, names[database], path)
    else:
        _make(lab, schema, etc)
        for database, path in dumps.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            mariadb.dump(lab.layout, names[database], path)
    if schema.each:
        mariadb.query(lab.layout, f"USE {names[schema.databases[0]]}; {schema.each};")
    mariadb.mark_loaded(lab.layout, names.values())
    return "loaded from the cache" if cached else "made by the service's own migrations, and cached"


def _make(lab: Lab, schema: Schema, etc: Path) -> None:
    for line in schema.commands:
        places = {"etc": etc, "venv": lab.layout.venv}
        words = [word if word.startswith("{scheme}") else word.format(**places) for word in line.split()]
        program = lab.layout.venv / "bin" / words[0]
        command.run([program, *words[1:]], lab.layout.log(words[0]), family.environment(lab.layout))


def dump_directory() -> Path:
    """Where the dumps of these very packages, made in this very way, are kept."""
    source = environment.fingerprint() + inspect.getsource(sys.modules[__name__])
    return layout.cache() / "schemas" / hashlib.sha256(source.encode()).hexdigest()[:16]
