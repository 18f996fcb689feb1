"""A new optional field of the contract reaches every way in without a line written by hand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import generate
import pytest
import sync
from copied_tree import ROOT, CopiedTree
from drift import find_problems

PACKAGE = Path("generated", generate.OUTPUT.name)
EVERY_FIELD = "tests/integration/test_every_field.py"
NEXT_FIELD = """        provider:
          description: Preferences for choosing"""
NEW_FIELD = """        priority:
          type: string
"""
DECLARATIONS = ("request_fields.py", "request_bases.py")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> CopiedTree:
    """Return the sources with one field more in the contract, after sync and generate."""
    tree = CopiedTree(tmp_path_factory.mktemp("new-field") / "tree")
    tree.edit("openapi.yaml", NEXT_FIELD, NEW_FIELD + NEXT_FIELD)
    contract = tree.root / "openapi.yaml"
    assert sync.main([str(contract), f"--output={contract}"]) == 0
    assert generate.main([f"--spec={contract}", f"--output={tree.root / PACKAGE}"]) == 0
    return tree


def run_tests(tree: CopiedTree, chosen: str) -> subprocess.CompletedProcess[str]:
    """Run the tests on what is sent over the sources of a tree."""
    roots = (tree.root / "generated", tree.root / "hooks")
    # The coverage of the copy is of no interest, and it is gone when coverage is reported.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(map(str, roots))}
    command = ("-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", f"-k={chosen}")
    return subprocess.run(
        [sys.executable, *command, EVERY_FIELD],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )


def test_a_new_field_is_sent_by_every_way(tree: CopiedTree) -> None:
    """Generating is all there is to do, drift agrees, and names that are unknown stay so."""
    problems = find_problems(tree.root)
    result = run_tests(tree, "priority or unknown")

    assert problems == []
    assert result.returncode == 0, result.stdout
    assert re.search(r"^\d+ passed", result.stdout, re.MULTILINE)


def test_without_its_declaration_the_field_is_missed(tree: CopiedTree, tmp_path: Path) -> None:
    """With the contract of the new field but the old declarations, the tests fail by every way."""
    undeclared = CopiedTree(tmp_path / "tree", tree.root)
    for name in DECLARATIONS:
        shutil.copy(ROOT / PACKAGE / name, undeclared.root / PACKAGE / name)

    result = run_tests(undeclared, "priority")

    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    assert re.search(r"^\d+ failed(?!.*passed)", result.stdout, re.MULTILINE), result.stdout
