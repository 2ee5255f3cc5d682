"""The page of every operation: how it is answered, and the tests that prove it."""

from pathlib import Path

from proofs import proofs
from triune.gateway.compute.table import COMPUTE
from triune.gateway.coverage import Answer, Operation, answer, parse
from triune.gateway.volume.table import VOLUME_SERVICE
from words import table, word

ROOT = Path(__file__).resolve().parent.parent
OPERATIONS = ROOT / "docs" / "reference" / "operations"

# APIs whose every operation is known.
APIS = (("Compute", COMPUTE), ("Block storage", VOLUME_SERVICE))
HEADS = ("operation", "microversions", "strategy", "proof")

PAGE = """\
# API coverage

Every operation of the compute and the block storage API, as Nova and Cinder have them in their sources
([compute](operations/compute.txt), [block storage](operations/volume.txt); `tools/operations` writes these lists), how
Triune answers it, and the tests that prove it. [API strategies](api-strategies.md) explains the strategies.

A test proves an operation if it sends it to a gateway, and fails where the answer, or what became of it in the pods, is
not what it should be. Such tests are marked (`tools/proofs.py` reads the marks). Where there is no test, what is said
of the strategy follows from the tables, and nothing more.

*Unlisted* operations are covered by no line of the tables: reading is answered by any one pod, writing is refused with
501. *Removed* ones are answered with 410 by the service itself. Microversions are those that the router and the
decorators of methods tell; a method may refuse more.

{summary}

{services}
"""

PART = """\
## {title}

{operations}
"""


def proven() -> dict[tuple[str, str], list[str]]:
    """By API and operation, links to the tests that prove it."""
    links: dict[tuple[str, str], list[str]] = {}
    for proof in proofs(ROOT / "tests"):
        place = f"../../{proof.path.relative_to(ROOT)}"
        link = f"[{proof.path.parent.name}: {proof.test.removeprefix('test_').replace('_', ' ')}]({place})"
        links.setdefault((proof.api, proof.operation), []).append(link)
    return links


def how(operation: Operation, answered: Answer) -> str:
    """What the page says of the answer to an operation."""
    name = word(answered.strategy) if answered.strategy is not None else "`here`: version document"
    return ", ".join(filter(None, (name, answered.note, "" if answered.is_listed else "unlisted")))


def coverage_page() -> str:
    """The page of all operations. Raises `ValueError` for a mark that names an operation that is not there."""
    links = proven()
    summary, parts = [], []
    for title, service in APIS:
        operations = list(parse((OPERATIONS / f"{service.name}.txt").read_text()))
        answers = {operation.name: answer(service, operation) for operation in operations}
        rows = [
            (
                f"`{operation.name}`",
                f"{operation.microversions}, removed" if operation.is_gone else operation.microversions,
                how(operation, answers[operation.name]),
                "<br>".join(links.pop((service.name, operation.name), ())),
            )
            for operation in operations
        ]
        parts.append(PART.format(title=title, operations=table(HEADS, rows)))
        counts = (
            len(rows),
            sum(not answered.is_listed for answered in answers.values()),
            sum(not row[3] for row in rows),
        )
        summary.append((title, *map(str, counts)))
    if links:
        raise ValueError(f"marks of tests name operations that are not there: {sorted(links)}")
    heads = ("API", "operations", "unlisted", "without proof")
    return PAGE.format(summary=table(heads, summary), services="\n".join(parts).rstrip())
