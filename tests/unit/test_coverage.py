"""What the page of API coverage says: how each operation is answered, and by which tests that is proven."""

import re
from pathlib import Path

import pytest

from coverage_page import APIS, OPERATIONS, coverage_page
from proofs import Proof, Unreadable, proofs
from triune.gateway.compute.table import COMPUTE
from triune.gateway.coverage import Operation, answer, parse
from triune.gateway.service import Service
from triune.gateway.volume.table import VOLUME_SERVICE

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "api-coverage.md"


def known(service: Service) -> list[Operation]:
    return list(parse((OPERATIONS / f"{service.name}.txt").read_text()))


@pytest.mark.parametrize("service", [service for _, service in APIS], ids=lambda service: service.name)
def test_every_operation_is_proven(service: Service) -> None:
    proven = {proof.operation for proof in proofs(ROOT / "tests") if proof.api == service.name}
    unproven = [operation.name for operation in known(service) if operation.name not in proven]
    assert not unproven, "\n".join(["without proof:", *unproven])


@pytest.mark.parametrize("service", [service for _, service in APIS], ids=lambda service: service.name)
def test_every_operation_has_a_line_in_the_tables(service: Service) -> None:
    unlisted = [operation.name for operation in known(service) if not answer(service, operation).is_listed]
    assert not unlisted, "\n".join(["in no table:", *unlisted])


def test_the_page_counts_what_it_shows() -> None:
    for (title, service), part in zip(APIS, PAGE.read_text().split("\n## ")[1:], strict=True):
        rows = re.findall(r"^\| `.* \|$", part, re.MULTILINE)
        empty = [row for row in rows if row.endswith("|  |")]
        unlisted = [row for row in rows if re.search(r", unlisted \|", row)]
        assert len(rows) == len(known(service))
        assert (unlisted, empty) == ([], [])
        assert f"| {title} | {len(rows)} | 0 | 0 |" in PAGE.read_text()


@pytest.mark.parametrize("service", [service for _, service in APIS], ids=lambda service: service.name)
def test_operations_stand_there_once(service: Service) -> None:
    operations = known(service)
    assert len({operation.name for operation in operations}) == len(operations)
    assert all(re.fullmatch(r"\d\.\d+-(\d\.\d+)?(,\d\.\d+-(\d\.\d+)?)*", each.microversions) for each in operations)


def test_a_line_is_an_operation() -> None:
    text = "# A heading\n2.1-2.43    POST /servers/{server_id}/action addFixedIp\n2.1-        GET /os-cells (gone)\n"
    action, gone = parse(text)
    assert action == Operation("POST", "/servers/{server_id}/action", "addFixedIp", "2.1-2.43", False)
    assert action.name == "POST /servers/{server_id}/action addFixedIp"
    assert (gone.name, gone.action, gone.is_gone) == ("GET /os-cells", "", True)


@pytest.mark.parametrize(
    ("service", "name", "strategy"),
    [
        (COMPUTE, "GET /servers", "Listed"),
        (COMPUTE, "GET /servers/{server_id}", "OneServer"),
        (COMPUTE, "GET /servers/{server_id}/diagnostics", "Owner"),
        (COMPUTE, "POST /servers/{server_id}/action os-start", "Actions"),
        (COMPUTE, "POST /servers/{server_id}/action addFloatingIp", "Actions"),
        (COMPUTE, "GET /os-security-groups/{security_group_id}", "NetworkProxy"),
        (COMPUTE, "GET /os-hypervisors/statistics", "Sum"),
        (VOLUME_SERVICE, "GET /types/default", "Anywhere"),
        (VOLUME_SERVICE, "GET /types/{type_id}", "Owner"),
    ],
)
def test_a_line_of_the_table_answers(service: Service, name: str, strategy: str) -> None:
    method, path, *action = name.split()
    answered = answer(service, Operation(method, path, "".join(action), "2.1-", False))
    assert (type(answered.strategy).__name__, answered.is_listed) == (strategy, True)


def test_what_no_line_covers_is_read_anywhere_and_not_written() -> None:
    for method, strategy in (("GET", "Anywhere"), ("HEAD", "Anywhere"), ("POST", "Refuse"), ("DELETE", "Refuse")):
        answered = answer(COMPUTE, Operation(method, "/os-nonsense/{id}", "", "2.1-", False))
        assert (type(answered.strategy).__name__, answered.is_listed) == (strategy, False)


@pytest.mark.parametrize("service", [COMPUTE, VOLUME_SERVICE], ids=lambda service: service.name)
def test_the_document_of_a_version_is_the_gateways_own(service: Service) -> None:
    assert answer(service, Operation("GET", "/", "", "2.1-", False)).strategy is None


@pytest.mark.parametrize(
    ("action", "note"),
    [
        ("os-start", "its ports are followed"),
        ("addFixedIp", "in central Neutron where it has the networks (add_address)"),
        ("addFloatingIp", "in central Neutron where it has the networks (add_floating_ip)"),
        ("lock", ""),
    ],
)
def test_what_is_done_beside_an_action(action: str, note: str) -> None:
    assert answer(COMPUTE, Operation("POST", "/servers/{server_id}/action", action, "2.1-", False)).note == note


def written(tmp_path: Path, text: str) -> list[Proof]:
    path = tmp_path / "test_some.py"
    path.write_text(f"import pytest\n\nTWO = ('GET /b', 'GET /c')\n\n\n{text}")
    return list(proofs(tmp_path))


def test_marks_are_read(tmp_path: Path) -> None:
    text = (
        '@pytest.mark.proves("compute", "GET /a", *TWO)\n@pytest.mark.proves("volume", "GET /d")\n'
        "@pytest.mark.other\nasync def test_one(): ...\n\n\ndef test_two(): ...\n"
    )
    found = [(proof.api, proof.operation, proof.test) for proof in written(tmp_path, text)]
    assert found == [
        ("compute", "GET /a", "test_one"),
        ("compute", "GET /b", "test_one"),
        ("compute", "GET /c", "test_one"),
        ("volume", "GET /d", "test_one"),
    ]


@pytest.mark.parametrize(
    "mark",
    [
        'proves("compute")\ndef test_one',
        'proves("compute", NAME)\ndef test_one',
        'proves("compute", *UNKNOWN)\ndef test_one',
        'proves("compute", f"GET /{1}")\ndef test_one',
        'proves("compute", "GET /a")\ndef helper',
    ],
)
def test_a_mark_that_says_nothing_is_an_error(tmp_path: Path, mark: str) -> None:
    with pytest.raises(Unreadable, match=r"test_some.py:6"):
        written(tmp_path, f"@pytest.mark.{mark}(): ...\n")


def test_a_mark_of_an_operation_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Proof("compute", "GET /srvers", ROOT / "tests" / "unit" / "test_some.py", "test_one")
    monkeypatch.setattr("coverage_page.proofs", lambda root: iter([wrong]))
    with pytest.raises(ValueError, match=r"GET /srvers"):
        coverage_page()
