"""A page's blocks, run one after the other as a reader would who tries them all."""

import gc
import json
import sys
import tomllib
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from documentation import console
from documentation.blocks import Block, find_blocks
from documentation.figures import settle, without_bars
from pytest_examples import EvalExample

LINE_LENGTH = 100
# Titles of blocks that are compiled and not run, and why.
_COMPARED = "another library's code, which a page of ours only compares with"
COMPILED = {
    **dict.fromkeys(
        ("cohere", "voyageai", "rerankers", "litellm", "langchain-cohere", "openrouter"), _COMPARED
    ),
    "httpx-aiohttp": "a transport that no test needs",
    "DSPy": "its 390 MB, litellm with it, are too much for one page",
    "Ray Data": "a cluster takes seconds to start; tests/packaging/test_ray_job.py runs the job",
}


def run_page(page: Path, folder: Path, eval_example: EvalExample) -> None:
    """
    Run all blocks of a page, and compare what they print with what the page shows.

    Args:
        page: The page. Its blocks of Python share their names. A block with a file's name as its
            title is written to that file first.
        folder: Where the reader is.
        eval_example: What runs Python. With pytest's `--update-examples`, it writes what is printed
            into the page.

    Raises:
        KeyError: A block has no language, or one that nobody checks.
    """
    eval_example.set_config(line_length=LINE_LENGTH)
    names: dict[str, Any] = {}
    for block in find_blocks(page):
        if block.title and block.title not in COMPILED:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.example.source, encoding="utf-8")
        _RUNNERS[block.language](block, folder, eval_example, names)
    # What a page forgets to close is told now, as a warning, and not during another page.
    names.clear()
    del sys.modules["__main__"]
    gc.collect()
    # What is left was imported, and is not looked at again after each page.
    gc.freeze()


def _run_python(
    block: Block, folder: Path, eval_example: EvalExample, names: dict[str, Any]
) -> None:
    if block.title in COMPILED or _is_tests(block):
        compile(block.example.source, str(block.example.path), "exec")
        return
    run = eval_example.run_print_check
    if eval_example.update_examples:
        run = eval_example.run_print_update
    else:
        eval_example.print_callback = partial(settle, shown=block.example.source)
    try:
        names.update(run(block.example, module_globals=names))
    except Exception as error:  # noqa: BLE001  whatever a block raises is said
        # pytest on Python 3.11 fails at the traceback that pytest-examples makes up.
        said = "".join(traceback.format_exception_only(error))
        place = f"{block.example.path}:{_find_line(error, block)}"
        raise pytest.fail.Exception(f"{place}: {said}", pytrace=False) from None


def _find_line(error: Exception, block: Block) -> int:
    """Return the line of the page at which a block raised an error."""
    lines = [
        frame_line
        for frame, frame_line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == str(block.example.path)
    ]
    return lines[-1] if lines else block.example.start_line


def _is_tests(block: Block) -> bool:
    """Tell whether a block is a file of tests, which a console block hands to pytest."""
    return block.title is not None and block.title.startswith("test_")


def _run_console(block: Block, folder: Path, eval_example: EvalExample, _: dict[str, Any]) -> None:
    commands = list(console.read_commands(block.example.source))
    printed = [console.Command(each.text, console.run(each, folder)) for each in commands]
    if eval_example.update_examples:
        block.example.source = console.write_commands(printed)
        eval_example.to_update.append(block.example)
        return

    for was, now in zip(commands, printed, strict=True):
        assert without_bars(settle(now.output, was.output)) == without_bars(was.output), now.text


def _check(parse: Callable[[str], object]) -> Callable[..., None]:
    def check(block: Block, *_: object) -> None:
        parse(block.example.source)

    return check


def _parse_lines(text: str) -> None:
    for line in text.splitlines():
        json.loads(line)


# Plain text is no code: a drawing, a log line, a list.
_RUNNERS: dict[str, Callable[[Block, Path, EvalExample, dict[str, Any]], None]] = {
    "python": _run_python,
    "console": _run_console,
    "csv": _check(str),
    "json": _check(json.loads),
    "jsonl": _check(_parse_lines),
    "toml": _check(tomllib.loads),
    "yaml": _check(yaml.safe_load),
    "text": _check(str),
}
