"""SECURITY.md names tests for its promises, and each of them is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
PROMISES = [
    line
    for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| promise ")
]


def list_functions(path: Path) -> set[str]:
    """Return the names of the functions of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


@pytest.mark.parametrize("promise", PROMISES)
def test_the_tests_of_a_promise_exist(promise: str) -> None:
    """Each promise names a test, and no test that has gone."""
    named = NAMED.findall(promise)

    assert named
    for path, function in named:
        assert (ROOT / path).is_file()
        assert not function or function in list_functions(ROOT / path)


def test_promises_are_found() -> None:
    """The check above has something to look at."""
    assert len(PROMISES) > 10
