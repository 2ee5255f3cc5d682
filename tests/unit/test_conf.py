"""Settings that are wrong are told at start, in one line."""

from pathlib import Path

import pytest

from triune import conf as settings

GOOD = """
[keystone]
auth_type = password
auth_url = http://127.0.0.1:5000/v3
username = triune
password = secret-of-triune
"""


def load(path: Path, text: str) -> None:
    path.write_text(text)
    settings.load(settings.new(), ["--config-file", str(path)])


def test_good_settings(tmp_path: Path) -> None:
    load(tmp_path / "triune.conf", GOOD)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "[keystone] auth_type is not set"),
        (GOOD + "[pods]\nlist_deadline = soon\n", "list_deadline"),
        (GOOD + "[pods]\nlist_deadline = -1\n", "list_deadline"),
        (GOOD + "[pods]\nbreaker_pause = 9\nbreaker_max_pause = 3\n", "breaker_max_pause is smaller"),
        (GOOD + "[gateway]\nbind_port = 99999\n", "bind_port"),
        (GOOD + "[gateway]\npublic_endpoint = ftp://host\n", "public_endpoint"),
        (GOOD + "[gateway]\nmax_limit = 0\n", "max_limit"),
        (GOOD + "interface = inside\n", "interface"),
        (GOOD + "[database]\nconnection = sqlite:////tmp/x.db\n", "is no asyncio driver"),
        (GOOD + "[database]\nconnection = mysql+pymysql://u:p4ssw0rd@h/d\n", "use sqlite+aiosqlite, mysql+aiomysql"),
        ("[keystone\n", "triune.conf"),
    ],
)
def test_bad_settings(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SystemExit) as caught:
        load(tmp_path / "triune.conf", text)
    message = str(caught.value)
    assert message.startswith("triune: settings: ")
    assert told in message
    assert "\n" not in message.strip() or "[keystone\n" in text
    for secret in ("secret-of-triune", "p4ssw0rd"):
        assert secret not in message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nothing"):
        settings.load(settings.new(), ["--config-file", str(tmp_path / "nothing.conf")])


def test_every_option_has_a_help_text() -> None:
    for group, opts in settings.GROUPS.items():
        for opt in opts:
            assert opt.help, (group, opt.name)
