"""A new optional field of the contract reaches every way in without a line written by hand."""

import re
import shutil
from pathlib import Path

import generate
import pytest
import sync
from copied_tree import ROOT, CopiedTree
from drift import find_problems
from regeneration.client_tests import run_tests, start_processes

PACKAGE = Path("generated", generate.OUTPUT.name)
EVERY_FIELD = "integration/test_every_field.py"
# What the ways in are for: imported once for both runs.
FRAMEWORKS = (
    "haystack", "langchain_core.documents.compressor", "llama_index.core.postprocessor.types",
    "numpy",
)  # fmt: skip
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


def run_in_fork(tree: CopiedTree, chosen: str) -> tuple[int, str]:
    """Run the tests on what is sent with the package of a tree; give pytest's status and output."""
    with start_processes(1, FRAMEWORKS) as processes:
        return processes.submit(run_tests, tree.root / PACKAGE, [EVERY_FIELD], chosen).result()


def test_a_new_field_is_sent_by_every_way(tree: CopiedTree) -> None:
    """Generating is all there is to do, drift agrees, and names that are unknown stay so."""
    problems = find_problems(tree.root)
    status, output = run_in_fork(tree, "priority or unknown")

    assert problems == []
    assert status == 0, output
    assert re.search(r"^\d+ passed", output, re.MULTILINE)


def test_without_its_declaration_the_field_is_missed(tree: CopiedTree, tmp_path: Path) -> None:
    """With the contract of the new field but the old declarations, the tests fail by every way."""
    undeclared = CopiedTree(tmp_path / "tree", tree.root)
    for name in DECLARATIONS:
        shutil.copy(ROOT / PACKAGE / name, undeclared.root / PACKAGE / name)

    status, output = run_in_fork(undeclared, "priority")

    assert status == pytest.ExitCode.TESTS_FAILED
    assert re.search(r"^\d+ failed(?!.*passed)", output, re.MULTILINE), output
