"""Which tests prove which operations: read from the marks in the tests, without running or importing them.

    @pytest.mark.proves("compute", "GET /servers/{server_id}", "POST /servers/{server_id}/action os-start")

says that the test sends these operations to a gateway, and fails where the answer, or what became of it in the pods, is
not what it should be. The first word is the API, the others are names of its operations, as they stand in
docs/reference/operations. They are written out, or stand in a tuple of the same file that a star unpacks, which is good
for tests with parameters. A test may have several marks.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class Proof(NamedTuple):
    """A test that proves an operation."""

    api: str
    operation: str
    path: Path
    test: str


class Unreadable(Exception):
    """A mark that cannot be understood; the text says where."""


def proofs(root: Path) -> Iterator[Proof]:
    """What the tests below a directory prove, by file and place in it. Raises `Unreadable`."""
    for path in sorted(root.rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        constants = _constants(tree)
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for words in _marks(function, constants, path):
                    for operation in words[1:]:
                        yield Proof(words[0], operation, path, function.name)


def _constants(tree: ast.Module) -> Mapping[str, tuple[str, ...]]:
    """The tuples of strings that stand in a file under a name."""
    found = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            try:
                value = ast.literal_eval(statement.value)
            except ValueError:
                continue
            if isinstance(value, tuple) and all(isinstance(word, str) for word in value):
                found[statement.targets[0].id] = value
    return found


def _marks(
    function: ast.FunctionDef | ast.AsyncFunctionDef, constants: Mapping[str, tuple[str, ...]], path: Path
) -> Iterator[tuple[str, ...]]:
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.proves":
            continue
        words = tuple(word for argument in decorator.args for word in _words(argument, constants))
        if len(words) < 2 or None in words or decorator.keywords or not function.name.startswith("test_"):
            raise Unreadable(f"{path}:{decorator.lineno}: a mark of a test names an API and operations of it")
        yield tuple(word for word in words if word is not None)


def _words(argument: ast.expr, constants: Mapping[str, tuple[str, ...]]) -> tuple[str | None, ...]:
    """What an argument of a mark stands for; None where that cannot be said."""
    if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Name):
        return constants.get(argument.value.id, (None,))
    return (argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None,)
