"""The code blocks of a page, as the tests run them one after the other."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from attrs import frozen
from pytest_examples import CodeExample
from pytest_examples.find_examples import remove_indent

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FRAMEWORKS = DOCS / "frameworks"
_FENCE = re.compile(r"^( *```)(?P<info>[^\n`]*)\n(?P<source>.*?)^\1$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
# A whole script that the page includes, and that is run by itself.
_INCLUDED = re.compile(r'--8<-- "[^"]+"\s*')


@frozen
class Block:
    """A code block: its language, the title above it, and where it stands."""

    language: str
    title: str | None
    example: CodeExample


def find_pages() -> list[Path]:
    """Return README.md, every page of the documentation, and the scripts that pages include."""
    return [ROOT / "README.md", *sorted([*DOCS.rglob("*.md"), *DOCS.rglob("*.py")])]


def name_page(page: Path) -> str:
    """Name a page in the names of tests."""
    return str(page.relative_to(ROOT))


def find_blocks(page: Path) -> Iterator[Block]:
    """
    Find the code blocks of a page, from top to bottom.

    Args:
        page: A file of Markdown, or a script, which is one block.
    """
    text = page.read_text(encoding="utf-8")
    group = uuid4()
    if page.suffix == ".py":
        script = CodeExample(
            source=text,
            path=page,
            start_line=0,
            end_line=text.count("\n"),
            start_index=0,
            end_index=len(text),
            prefix="",
            indent=0,
            group=group,
        )
        yield Block("python", None, script)
        return
    for fence in _FENCE.finditer(text):
        language, _, options = fence["info"].strip().partition(" ")
        title = _TITLE.search(options)
        if _INCLUDED.fullmatch(fence["source"]):
            continue
        source, indent = remove_indent(fence["source"])
        line = text.count("\n", 0, fence.start()) + 1
        yield Block(
            language,
            title[1] if title else None,
            CodeExample(
                source=source,
                path=page,
                start_line=line,
                end_line=line + fence["source"].count("\n") + 1,
                start_index=fence.start("source"),
                end_index=fence.end("source"),
                prefix=fence["info"],
                indent=indent,
                group=group,
            ),
        )
