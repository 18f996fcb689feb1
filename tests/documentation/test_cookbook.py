"""The cookbook's page shows every script that stands beside it."""

import re

from documentation.blocks import DOCS, ROOT

LONGEST = 40


def test_every_script_is_shown_and_short() -> None:
    """Each script of the folder is on the page, once, and has fewer lines than a screen."""
    page = (DOCS / "cookbook.md").read_text(encoding="utf-8")
    scripts = sorted((DOCS / "cookbook").glob("*.py"))

    shown = [ROOT / path for path in re.findall(r'^--8<-- "(.+)"$', page, re.MULTILINE)]
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in scripts}
    assert sorted(shown) == scripts
    assert {name for name, length in lengths.items() if length > LONGEST} == set()
