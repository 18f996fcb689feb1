"""Every page of the documentation, tried by a reader; those of frameworks are tried elsewhere."""

from pathlib import Path

import pytest
from documentation.blocks import FRAMEWORKS, find_pages, name_page
from documentation.page_session import run_page
from pytest_examples import EvalExample


@pytest.mark.parametrize(
    "page", [page for page in find_pages() if not page.is_relative_to(FRAMEWORKS)], ids=name_page
)
def test_every_block_runs_and_prints_what_the_page_shows(
    page: Path, reader: Path, eval_example: EvalExample
) -> None:
    """All code of a page runs as it stands, from top to bottom, and its output is the one shown."""
    run_page(page, reader, eval_example)
