"""How certificates are checked."""

import ssl
from pathlib import Path

import pytest

from triune import conf as settings
from triune import tls


def load(directory: Path, text: str) -> object:
    path = directory / "triune.conf"
    path.write_text(f"[keystone]\nauth_type = password\nauth_url = http://127.0.0.1:5000/v3\n{text}")
    conf = settings.new()
    settings.load(conf, ["--config-file", str(path)])
    return conf


def test_certificates_are_checked_unless_told_otherwise(tmp_path: Path) -> None:
    conf = load(tmp_path, "")
    for context in (tls.keystone(conf), tls.pods(conf)):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_keystone_and_the_pods_apart(tmp_path: Path) -> None:
    conf = load(tmp_path, "[pods]\ninsecure = true")
    assert tls.keystone(conf).verify_mode == ssl.CERT_REQUIRED
    assert tls.pods(conf).verify_mode == ssl.CERT_NONE
    conf = load(tmp_path, "insecure = true")
    assert tls.keystone(conf).verify_mode == ssl.CERT_NONE
    assert tls.pods(conf).verify_mode == ssl.CERT_REQUIRED


def test_a_file_that_is_no_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(SystemExit, match=r"\[pods\] cafile"):
        load(tmp_path, f"[pods]\ncafile = {tmp_path / 'ca.pem'}")
