"""Upstream's own documents: no part of this repository, but they may lie beside it."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parent.parent.parent / "shared" / "upstream-specs"
DOCUMENTS = {
    path.name: path
    for path in sorted(Path(os.environ.get("UPSTREAM_SPECS", BESIDE)).glob("openrouter-*.yaml"))
}
# A test for each, or a single one that is skipped with the reason.
NAMES = list(DOCUMENTS) or ["absent"]
needs_documents = pytest.mark.skipif(
    not DOCUMENTS,
    reason="upstream's documents are neither beside this repository nor in UPSTREAM_SPECS",
)
