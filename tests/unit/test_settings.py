"""What is told at start, in one line."""

from pathlib import Path

import pytest
from oslo_config import cfg

from triune import conf as settings
from triune.cli import catalog

GOOD = {
    "keystone": {"auth_type": "password", "auth_url": "http://127.0.0.1:5000/v3", "username": "triune", "password": "x"}
}


def load(directory: Path, **groups: dict[str, str]) -> cfg.ConfigOpts:
    lines = []
    for group in {*GOOD, *groups}:
        lines.append(f"[{group}]")
        options = {**GOOD.get(group, {}), **groups.get(group, {})}
        lines += [f"{name} = {value}" for name, value in options.items() if value]
    path = directory / "triune.conf"
    path.write_text("\n".join(lines))
    conf = settings.new()
    settings.load(conf, ["--config-file", str(path)])
    return conf


@pytest.mark.parametrize(
    ("group", "option", "value", "told"),
    [
        ("database", "connection", "mysql+asyncmy://a/b", "asyncmy"),
        ("database", "connection", "nonsense+x://a/b", "nonsense"),
        ("database", "connection", "sqlite:////x", "no asyncio driver"),
        ("pods", "cafile", "/nowhere.pem", r"\[pods\] cafile"),
        ("keystone", "cafile", "/nowhere.pem", r"\[keystone\] cafile"),
        ("keystone", "auth_type", "nonsense", r"\[keystone\]"),
    ],
)
def test_what_cannot_work_is_told(tmp_path: Path, group: str, option: str, value: str, told: str) -> None:
    with pytest.raises(SystemExit, match=f"^triune: settings: .*{told}"):
        load(tmp_path, **{group: {option: value}})


def test_missing_credentials_are_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^triune: settings: \[keystone\] .*auth_url"):
        load(tmp_path, keystone={"auth_url": ""})


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_address_is_none_for_the_catalog(tmp_path: Path, host: str) -> None:
    with pytest.raises(SystemExit, match="set public_endpoint"):
        catalog.register(load(tmp_path, gateway={"bind_host": host}))


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({"bind_host": "::1", "bind_port": "80"}, "http://[::1]:80"),
        ({"bind_host": "10.0.0.1", "bind_port": "80"}, "http://10.0.0.1:80"),
        ({"bind_host": "0.0.0.0", "public_endpoint": "https://cloud/"}, "https://cloud"),
    ],
)
def test_the_address_in_the_catalog(tmp_path: Path, options: dict[str, str], address: str) -> None:
    assert catalog.address(load(tmp_path, gateway=options)) == address
