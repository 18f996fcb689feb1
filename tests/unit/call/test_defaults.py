"""The default model: one place in the code, and the examples that name it."""

import re
from pathlib import Path

import openrouter_rerank
from openrouter_rerank._call.defaults import DEFAULT_MODEL

PACKAGE = Path(openrouter_rerank.__file__).parent
SLUG = re.compile(r"\bcohere/rerank-[\w.-]*\w")


def test_every_example_names_the_default_model() -> None:
    """No docstring, help text or message names another model of the same maker."""
    named = {
        (path.relative_to(PACKAGE).as_posix(), slug)
        for path in PACKAGE.rglob("*.py")
        for slug in SLUG.findall(path.read_text(encoding="utf-8"))
    }

    assert {slug for _, slug in named} == {DEFAULT_MODEL}, named


def test_code_has_it_in_one_place() -> None:
    """Besides that place, it is only in docstrings, where it is no value of its own."""
    quoted = re.compile(rf"=\s*[\"']{re.escape(DEFAULT_MODEL)}[\"']")

    found = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if quoted.search(path.read_text(encoding="utf-8"))
    ]

    assert found == ["_call/defaults.py"]
