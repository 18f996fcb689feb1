"""The files that commands write, reported when anything else changed them."""

import sys
from pathlib import Path

import generate
from copied_tree import CopiedTree
from drift_checks.generated_files import (
    check_bytes,
    check_fixed_point,
    check_foreign,
    check_generated_files,
    check_headers,
    check_pins,
)

PACKAGE = "generated/openrouter_rerank_api"


def test_nothing_is_wrong_with_the_committed_products(tree: CopiedTree) -> None:
    """The package, the contract and the tools of this tree pass."""
    assert check_generated_files(tree.root) == []


def test_each_edit_below_generated_is_one_line(tree: CopiedTree) -> None:
    """Edited, added, lost and headless files are reported once each, with the command to run."""
    tree.edit(f"{PACKAGE}/unset.py", "class Unset:", "class Unset():")
    (tree.root / PACKAGE / "added.py").write_text(generate.HEADER, encoding="utf-8")
    (tree.root / PACKAGE / "errors.py").unlink()
    tree.edit(f"{PACKAGE}/client.py", generate.HEADER, "")
    (tree.root / "generated" / "notes.txt").write_text("mine", encoding="utf-8")

    lines = {problem.where: str(problem) for problem in check_generated_files(tree.root)}

    edited = next(where for where in lines if where.startswith(f"{PACKAGE}/unset.py:"))
    assert tree.read_line(edited) == "class Unset():"
    assert set(lines) == {
        "generated/notes.txt",
        f"{PACKAGE}/added.py",
        f"{PACKAGE}/client.py",
        f"{PACKAGE}/errors.py",
        edited,
    }
    assert lines[f"{PACKAGE}/errors.py"] == f"{PACKAGE}/errors.py: is missing; run: make generate"


def test_a_file_outside_the_package_was_added_by_hand(tree: CopiedTree) -> None:
    """Nothing but the package lies below `generated/`."""
    (tree.root / "generated" / "extra").mkdir()
    (tree.root / "generated" / "extra" / "a.py").touch()

    (problem,) = check_foreign(tree.root)

    assert problem.where == "generated/extra/a.py"


def test_a_file_without_its_header_is_told(tree: CopiedTree) -> None:
    """The header is looked for at the start of the file alone."""
    path = tree.root / PACKAGE / "openapi.json"
    path.write_text(" " * 1000 + path.read_text(encoding="utf-8"), encoding="utf-8")

    (problem,) = check_headers(tree.root)

    assert problem.where == f"{PACKAGE}/openapi.json"


def test_a_tool_of_another_version_is_told_before_the_bytes(tree: CopiedTree) -> None:
    """With the wrong tool the line says which one to install, and the bytes are not compared."""
    tree.edit("pyproject.toml", "openapi-python-client==", "openapi-python-client==9")
    (tree.root / PACKAGE / "errors.py").unlink()

    problems = [str(problem) for problem in check_generated_files(tree.root)]

    (pin,) = check_pins(tree.root)
    assert problems == [str(pin)]
    assert "needs openapi-python-client==90." in str(pin)
    assert str(pin).endswith("; run: pip install --group generate")


def test_every_tool_of_another_version_is_told(tree: CopiedTree) -> None:
    """Each tool is compared with its own pin."""
    tree.edit("pyproject.toml", "openapi-python-client==", "openapi-python-client==9")
    tree.edit("pyproject.toml", "ruff==", "ruff==9")

    assert len(list(check_pins(tree.root))) == 2


def test_a_contract_that_gives_nothing_is_told(tree: CopiedTree) -> None:
    """A contract that cannot be generated from is the problem, in one line."""
    (tree.root / "openapi.yaml").write_text("openapi: 3.1.0\n", encoding="utf-8")

    (problem,) = check_bytes(tree.root)

    assert problem.where == "openapi.yaml"
    assert "is not an OpenAPI document" in str(problem)


def test_a_contract_that_sync_would_change_is_told(tree: CopiedTree) -> None:
    """A hand edit of the contract that sync does not keep is reported in sync's own words."""
    tree.edit("openapi.yaml", "type: integer\n", "type: integer\n          exclusiveMinimum: 0\n")

    (problem,) = check_fixed_point(tree.root)

    assert problem.where == "openapi.yaml"
    assert problem.fix == "run: make sync SOURCE=openapi.yaml"


def test_sync_is_run_in_the_tree_with_this_interpreter(tmp_path: Path) -> None:
    """The tree's own sync decides, and what it says last stands in the line."""
    (tmp_path / "scripts").mkdir()
    script = "import sys; sys.exit(f'other words\\n{sys.executable} {sys.argv[1:]}')"
    (tmp_path / "scripts" / "sync.py").write_text(script, encoding="utf-8")

    (problem,) = check_fixed_point(tmp_path)

    assert f"({sys.executable} ['openapi.yaml', '--check'])" in problem.what
