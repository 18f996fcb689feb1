"""The command that tells where the tree no longer fits the contract, run in a copied tree."""

import subprocess
import sys
from pathlib import Path

import pytest
from copied_tree import CopiedTree


@pytest.fixture
def tree(tmp_path: Path) -> CopiedTree:
    """Return a copy that nothing is wrong with."""
    return CopiedTree(tmp_path / "tree")


def run_drift(tree: CopiedTree) -> subprocess.CompletedProcess[str]:
    """Run the copy's own command from another directory."""
    command = [sys.executable, str(tree.root / "scripts" / "drift.py")]
    return subprocess.run(
        command, cwd=tree.root.parent, capture_output=True, check=False, text=True
    )


def test_a_tree_that_fits_passes_and_says_what_was_not_compared(tree: CopiedTree) -> None:
    """Nothing is printed but why there was no release to compare with."""
    result = run_drift(tree)

    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.startswith("drift: the public API is not compared: ")


def test_every_problem_is_one_line(tree: CopiedTree) -> None:
    """Problems of different checks are reported together, and the status is 1."""
    tree.edit("generated/openrouter_rerank_api/unset.py", "class Unset:", "class Unset():")
    tree.edit("openapi.yaml", "# Written by", "# Made by")

    result = run_drift(tree)

    first, second = result.stdout.splitlines()
    assert result.returncode == 1
    assert first.startswith("generated/openrouter_rerank_api/unset.py:")
    assert second.startswith("openapi.yaml: is not a fixed point of sync ")


def test_a_contract_that_cannot_be_read_is_one_line(tree: CopiedTree) -> None:
    """Without a contract the command ends with the reason."""
    (tree.root / "openapi.yaml").unlink()

    result = run_drift(tree)

    assert result.returncode == 1
    assert result.stderr.startswith("drift: ")
    assert len(result.stderr.splitlines()) == 1
