"""Keystone, shared by all regions."""

from lab import command, family, ports, settings
from lab.layout import Layout
from lab.settings import KEYSTONE_URL, Lab

NAME = "keystone"
DATABASE = "keystone"


def configure(lab: Lab) -> None:
    home = lab.layout.directory / NAME
    settings.write(
        home / "keystone.conf",
        {
            "DEFAULT": {"debug": False},
            "database": settings.database_section(lab, DATABASE),
            "cache": {
                "enabled": True,
                "backend": "dogpile.cache.memcached",
                "memcache_servers": settings.MEMCACHED,
            },
            "token": {"provider": "fernet"},
            "fernet_tokens": {"key_repository": str(home / "fernet-keys")},
            "credential": {"key_repository": str(home / "credential-keys")},
            # The least bcrypt allows: logins cost milliseconds, and the passwords are random anyway.
            "identity": {"password_hash_rounds": 4},
        },
    )


def service(layout: Layout) -> family.Service:
    return family.Service(
        name=NAME,
        family=NAME,
        runner="wsgi",
        entry="keystone.wsgi.api",
        environment={"OS_KEYSTONE_CONFIG_DIR": str(layout.directory / NAME)},
        port=ports.KEYSTONE,
    )


def bootstrap(lab: Lab) -> None:
    """Keys, the admin user and the identity service itself; done once per lab."""
    home = lab.layout.directory / NAME
    done = home / "bootstrapped"
    if done.exists():
        return
    keys = ("--keystone-user", "root", "--keystone-group", "root")
    _manage(lab, "fernet_setup", *keys)
    _manage(lab, "credential_setup", *keys)
    urls = [word for face in ("admin", "internal", "public") for word in (f"--bootstrap-{face}-url", KEYSTONE_URL)]
    _manage(lab, "bootstrap", *urls, "--bootstrap-region-id", lab.regions[0].name)
    done.touch()


def _manage(lab: Lab, *words: str) -> None:
    program = lab.layout.venv / "bin" / "keystone-manage"
    environment = {**family.environment(lab.layout), "OS_BOOTSTRAP_PASSWORD": lab.passwords["admin"]}
    home = lab.layout.directory / NAME
    command.run([program, "--config-dir", home, *words], lab.layout.log("keystone-manage"), environment)
