"""Documents from files and standard input."""

import io
import sys
from pathlib import Path

import pytest
from openrouter_rerank.cli._documents import read_documents
from openrouter_rerank.cli._errors import CommandError


def give_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_documents_of_the_command_line_follow_those_of_the_file(tmp_path: Path) -> None:
    """The file's documents come first."""
    file = tmp_path / "docs.txt"
    file.write_text("one\ntwo\n", encoding="utf-8")

    documents = read_documents(str(file), ["three"])

    assert documents == ["one", "two", "three"]


def test_documents_of_the_command_line_leave_standard_input_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Standard input is not read when documents are given without a file."""
    give_stdin(monkeypatch, b"unread")

    documents = read_documents(None, ["one"])

    assert documents == ["one"]


@pytest.mark.parametrize("file", [None, "-"])
def test_standard_input_is_read(file: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash names standard input, and nothing at all does so too."""
    give_stdin(monkeypatch, b"one\ntwo\n")

    documents = read_documents(file, [])

    assert documents == ["one", "two"]


def test_a_dash_and_documents_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input counts as a file when it is named."""
    give_stdin(monkeypatch, b"one\n")

    documents = read_documents("-", ["two"])

    assert documents == ["one", "two"]


def test_a_closed_standard_input_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any source of documents the command line is wrong."""
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(CommandError, match="no documents") as caught:
        read_documents(None, [])

    assert caught.value.status == 2


@pytest.mark.parametrize("name", ["missing.txt", ".", "nul\0.txt"])
def test_a_file_that_cannot_be_read_is_a_usage_error(name: str, tmp_path: Path) -> None:
    """A path that names no readable file ends in exit status 2."""
    with pytest.raises(CommandError, match="cannot read") as caught:
        read_documents(str(tmp_path / name), [])

    assert caught.value.status == 2


def test_broken_content_is_an_error_of_the_command(tmp_path: Path) -> None:
    """What is no documents ends in exit status 1, and the message names the file."""
    file = tmp_path / "docs.jsonl"
    file.write_text('{"text": 1}', encoding="utf-8")

    with pytest.raises(CommandError, match=r"docs\.jsonl, line 1: .* is not a string") as caught:
        read_documents(str(file), [])

    assert caught.value.status == 1


@pytest.mark.parametrize("name", ["docs.CSV", "docs.TSV"])
def test_table_is_refused(name: str, tmp_path: Path) -> None:
    """The names of a table's columns are not ranked as its first document."""
    file = tmp_path / name
    file.write_text("title,text\na,b\n", encoding="utf-8")

    with pytest.raises(CommandError, match="is a table") as caught:
        read_documents(str(file), [])

    assert caught.value.status == 2
