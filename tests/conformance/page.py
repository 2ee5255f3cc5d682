"""The page of docs/reference that says how the central region and a region itself differ."""

from .results import FAILED, counts, differences
from .suite import Run

HEAD = """\
<!-- Written by `make tempest`. -->
# Tempest

OpenStack's conformance suite, Tempest {version}: all tests of `tempest.api.compute`, `tempest.api.volume` and
`tempest.api.image` against the central region of the lab, and those that do not pass there (with the rest of their
class, where what is made for the class fails) against one of its regions directly, with the same settings
([tests/conformance/settings.py](../../tests/conformance/settings.py)). `make test` runs the tests of
[selection.txt](../../tests/conformance/selection.txt) against the central region.

| | tests | time |
| --- | --- | --- |
| {central.region} | {central_counts} | {central.seconds:.0f} s |
| of the others, {region.region} directly | {region_counts} | {region.seconds:.0f} s |

Tests with another outcome through Triune: {number}.
"""


def write(version: str, region: Run, central: Run) -> str:
    """The page in Markdown."""
    found = differences(region.outcomes, central.outcomes)
    lines = [
        HEAD.format(
            version=version,
            region=region,
            central=central,
            region_counts=counts(region.outcomes),
            central_counts=counts(central.outcomes),
            number=len(found),
        )
    ]
    if found:
        lines += ["| test | region | central region |", "| --- | --- | --- |"]
        lines += [f"| `{each.test}` | {each.region} | {each.central} |" for each in found]
        lines.append("")
    both = [test for test, outcome in region.outcomes.items() if outcome == central.outcomes.get(test) == FAILED]
    if both:
        lines += ["Tests that fail in both, since the lab lacks what they want:", ""]
        lines += [f"- `{test}`" for test in sorted(both)]
        lines.append("")
    return "\n".join(lines)
