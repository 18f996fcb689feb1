"""Every command reads a contract within the same bounds, and says in one line what is beyond."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diff
import generate
import pytest
import sync
from contract.reading.contracts import load_contract
from contract.reading.loading import MAX_SOURCE_BYTES
from drift_checks.generated_files import check_bytes

DEPTH = 3000
LINKS = 300
CONTRACT = sync.OUTPUT


def add_property(name: str) -> str:
    """Return the contract with one more property."""
    document = load_contract(CONTRACT)
    document["components"]["schemas"]["Result"]["properties"][name] = {"type": "string"}
    return json.dumps(document)


def add_parameter(name: str) -> str:
    """Return the contract with one parameter."""
    document: Any = load_contract(CONTRACT)
    operation = document["paths"]["/rerank"]["post"]
    operation["parameters"] = [{"name": name, "in": "query", "schema": {"type": "string"}}]
    return json.dumps(document)


def repeat_aliases(anchor: str, count: int) -> str:
    """Return the contract with an extension that repeats an anchor."""
    many = ", ".join(["*a"] * count)
    return f"{CONTRACT.read_text(encoding='utf-8')}x-a: &a {anchor}\nx-b: [{many}]\n"


def chain_aliases() -> str:
    """Return the contract with aliases that are each one deeper than the one before."""
    links = "".join(f"x-{n}: &a{n} [*a{n - 1}]\n" for n in range(1, LINKS))
    return f"{CONTRACT.read_text(encoding='utf-8')}x-0: &a0 []\n{links}"


DAMAGES: dict[str, Callable[[], str]] = {
    "aliases of many nodes": lambda: repeat_aliases(f"[{'x, ' * 3000}]", 3000),
    "aliases of one long text": lambda: repeat_aliases("x" * 1_000_000, 300),
    "aliases of aliases": chain_aliases,
    "deep YAML": lambda: f"paths: {'[' * DEPTH}{']' * DEPTH}",
    "deep JSON": lambda: f'{{"paths": {"[" * DEPTH}{"]" * DEPTH}}}',
    "too large": lambda: " " * (MAX_SOURCE_BYTES + 1),
    "half a character": lambda: add_property("title").replace('"title"', '"\\ud800"'),
    "NUL in a name": lambda: add_property("a\0b"),
    "newline in a name": lambda: add_property("a\nb"),
    "newline in a parameter": lambda: add_parameter("a\nb"),
    "look-alike in a name": lambda: add_property("\ufb01le"),
    "endless name": lambda: add_property("a" * 300),
}  # fmt: skip


def run_sync(spec: Path) -> int:
    """Make a contract of the document."""
    return sync.main([str(spec), f"--output={spec.parent / 'new.yaml'}"])


def run_generate(spec: Path) -> int:
    """Generate a package from the contract."""
    return generate.main([f"--spec={spec}", f"--output={spec.parent / 'new'}"])


def run_diff(spec: Path) -> int:
    """Compare it with the committed contract."""
    return diff.main([str(CONTRACT), str(spec)])


def run_drift(spec: Path) -> int:
    """Look for drift in a tree with the contract."""
    problems = check_bytes(spec.parent)
    for problem in problems:
        print(problem, file=sys.stderr)
    return len(problems)


Command = Callable[[Path], int]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("run", [run_sync, run_generate, run_diff, run_drift])
def test_a_contract_beyond_bounds_is_refused_in_one_line(
    run: Command, damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bomb, a deep document or an unreadable name is one line, and nothing is written."""
    spec = tmp_path / "openapi.yaml"
    spec.write_text(DAMAGES[damage](), encoding="utf-8")

    status = run(spec)

    told = capsys.readouterr()
    assert status != 0
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.isprintable()
    assert [path.name for path in tmp_path.iterdir()] == ["openapi.yaml"]


@pytest.mark.parametrize("name", ["body", "headers", "cookies", "params"])
@pytest.mark.parametrize("run", [run_sync, run_generate, run_drift])
def test_a_parameter_that_gives_faulty_code_is_refused(
    run: Command, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No contract is written, and none taken, that gives a function two arguments of one name."""
    spec = tmp_path / "openapi.yaml"
    spec.write_text(add_parameter(name), encoding="utf-8")

    status = run(spec)

    (line,) = capsys.readouterr().err.splitlines()
    assert status != 0
    assert f"another use for the query parameter {name!r}" in line
    assert [path.name for path in tmp_path.iterdir()] == ["openapi.yaml"]
