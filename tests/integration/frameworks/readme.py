"""The README's examples, as the tests that run them read them."""

import re
from pathlib import Path

README = Path(__file__).parents[3] / "README.md"
_SECTION = re.compile(r"^#{2,3} (.+)\n((?:(?!#{2,3} ).*\n)*)", re.MULTILINE)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_example(heading: str) -> str:
    """
    Return the first block of Python below a heading.

    Args:
        heading: The heading's text, without the number signs.

    Raises:
        LookupError: There is no such heading, or no block of Python before the next one.
    """
    for section in _SECTION.finditer(README.read_text(encoding="utf-8")):
        block = _PYTHON.search(section[2])
        if section[1] == heading and block:
            return block[1]
    raise LookupError(f"README.md has no example below {heading!r}")
