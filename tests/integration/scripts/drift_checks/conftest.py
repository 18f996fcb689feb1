"""The copied tree that each test breaks in its own way."""

from pathlib import Path

import pytest
from copied_tree import CopiedTree


@pytest.fixture
def tree(tmp_path: Path) -> CopiedTree:
    """Return a copy that nothing is wrong with."""
    return CopiedTree(tmp_path / "tree")
