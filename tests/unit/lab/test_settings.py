"""Configuration files and the secrets in them."""

import configparser
import stat
import subprocess
from pathlib import Path

import pytest

from lab import central_neutron, cinder, credentials, glance, keystone, neutron, nova, outputs, placement, settings
from lab.layout import PROJECT, Layout
from lab.region import first
from lab.settings import Lab, Sections

SAMPLE = PROJECT / "etc" / "central-neutron.conf.sample"
PASTE = {
    "nova": ["api-paste.ini"],
    "neutron": ["api-paste.ini"],
    "glance": ["glance-api-paste.ini"],
    "cinder": ["api-paste.ini", "resource_filters.json"],
}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    layout = Layout(tmp_path / "lab")
    for service, files in PASTE.items():
        directory = layout.venv / "etc" / service
        directory.mkdir(parents=True)
        for file in files:
            (directory / file).touch()
    return Lab(layout, credentials.ensure(layout.credentials), tuple(first(2, layout)))


def test_rendered_text_has_sections_lists_and_dollars() -> None:
    sections: Sections = {"DEFAULT": {"debug": False, "names": ["a", "b"]}, "database": {"connection": "my$ql"}}
    expected = "[DEFAULT]\ndebug = False\nnames = a,b\n\n[database]\nconnection = my$$ql\n"
    assert settings.render(sections) == expected


def test_passwords_are_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    made = credentials.ensure(path)
    assert set(made) == set(credentials.ACCOUNTS)
    assert len(set(made.values())) == len(made)
    assert credentials.ensure(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_missing_passwords_are_added(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    credentials.write_private(path, '{"admin": "kept"}')
    assert credentials.ensure(path)["admin"] == "kept"
    assert set(credentials.ensure(path)) == set(credentials.ACCOUNTS)


def test_every_region_speaks_to_its_own_services(lab: Lab) -> None:
    keystone.configure(lab)
    for region in lab.regions:
        for module in (placement, nova, neutron, glance, cinder):
            module.configure(lab, region)
    for path in lab.layout.directory.rglob("*.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        parser = configparser.RawConfigParser(strict=True)
        parser.read(path)
        names = {parser[section].get("region_name") for section in parser.sections()} - {None}
        mine = {region.name for region in lab.regions if region.directory in path.parents}
        assert names <= mine


def test_a_compute_host_knows_no_database(lab: Lab) -> None:
    nova.configure(lab, lab.regions[0])
    etc = lab.regions[0].etc("nova")
    assert lab.passwords["database"] in (etc / "nova.conf").read_text()
    assert lab.passwords["database"] not in (etc / "nova-compute.conf").read_text()


def test_no_two_neutrons_hand_out_the_same_hardware_address_or_vlan(lab: Lab) -> None:
    central_neutron.configure(lab)
    macs, vlans = [], []
    for region in lab.regions:
        neutron.configure(lab, region)
    for directory in (central_neutron.directory(lab.layout), *(region.etc("neutron") for region in lab.regions)):
        parser = configparser.RawConfigParser()
        parser.read(directory / "neutron.conf")
        macs.append(parser["DEFAULT"]["base_mac"])
        vlans.append([int(word) for word in parser["ml2_type_vlan"]["network_vlan_ranges"].split(":")[1:]])
    assert len(set(macs)) == len(lab.regions) + 1
    central, *regional = vlans
    assert all(central[0] > last for _, last in regional)


def test_the_sample_of_central_neutron_is_what_the_lab_runs(lab: Lab) -> None:
    central_neutron.configure(lab)
    ours, sample = configparser.RawConfigParser(), configparser.RawConfigParser()
    ours.read(central_neutron.directory(lab.layout) / "neutron.conf")
    sample.read(SAMPLE)
    local = {"host", "state_path", "api_paste_config", "lock_path", "dns_domain"}
    sections = ["DEFAULT", *(name for name in sample.sections() if name not in ("database", "keystone_authtoken"))]
    for section in sections:
        assert {name: value for name, value in ours[section].items() if name not in local} == {
            name: value for name, value in sample[section].items() if name not in local
        }


def test_openrc_can_be_sourced_twice(lab: Lab) -> None:
    outputs.write(lab)
    openrc = lab.layout.directory / "openrc"
    script = f'. "{openrc}"; . "{openrc}"; echo "$OS_USERNAME $OS_REGION_NAME"; '
    script += 'echo "$PATH" | tr : "\\n" | grep -c "venv/bin$"'
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}, timeout=10
    )
    assert done.stdout.split() == ["demo", "CentralRegion", "1"]


def test_the_summary_tells_no_secret(lab: Lab) -> None:
    outputs.write(lab)
    text = lab.layout.summary.read_text()
    assert not [password for password in lab.passwords.values() if password in text]
