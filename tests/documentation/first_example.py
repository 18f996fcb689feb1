"""The example that a page begins with, which other tests run where an extra is all there is."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_PYTHON = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_example(page: str) -> str:
    """
    Return the first block of Python of a page.

    Args:
        page: The page's path below docs/, without its ending, such as "frameworks/langchain".

    Raises:
        LookupError: The page has no block of Python.
    """
    block = _PYTHON.search((DOCS / f"{page}.md").read_text(encoding="utf-8"))
    if block is None:
        raise LookupError(f"docs/{page}.md has no example")
    return block[1]
