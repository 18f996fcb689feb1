"""Every page of the documentation, tried by a reader."""

from pathlib import Path

import pytest
from documentation.blocks import ROOT, find_pages
from documentation.page_session import run_page
from pytest_examples import EvalExample


@pytest.mark.parametrize("page", find_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_runs_and_prints_what_the_page_shows(
    page: Path, reader: Path, eval_example: EvalExample
) -> None:
    """All code of a page runs as it stands, from top to bottom, and its output is the one shown."""
    run_page(page, reader, eval_example)
