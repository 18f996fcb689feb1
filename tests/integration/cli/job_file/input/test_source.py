"""Where the input comes from."""

import gzip
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._job_file.input.source import InputFormat, choose_format, open_source
from openrouter_rerank.cli._job_file.interrupts import StopFlag

JSONL = b'{"query": "q", "documents": ["a"]}\n\n{"query": "r", "documents": ["b"]}\n'
CSV = b"query,document\nq,a\nq,b\nr,b\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jobs.csv", InputFormat.CSV),
        ("JOBS.CSV.GZ", InputFormat.CSV),
        ("jobs.jsonl", InputFormat.JSONL),
        ("jobs.jsonl.gz", InputFormat.JSONL),
        ("csv", InputFormat.JSONL),
        ("-", InputFormat.JSONL),
    ],
)
def test_the_name_tells_the_format(name: str, expected: InputFormat) -> None:
    """Only a name that ends in .csv or .csv.gz means CSV."""
    assert choose_format(name) is expected


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize(("name", "data"), [("jobs.jsonl", JSONL), ("jobs.csv", CSV)])
def test_a_file_is_counted_and_read_again(
    name: str, data: bytes, compress: Callable[[bytes], bytes], tmp_path: Path, stop: StopFlag
) -> None:
    """Each reading begins at the start, also after an unfinished one; the count is of the jobs."""
    file = tmp_path / name
    file.write_bytes(compress(data))

    with open_source(str(file), None, stop, rewindable=True) as source:
        count = source.count()
        first = next(source.read())
        queries = [[entry.arguments["query"] for entry in source.read()] for _ in range(2)]

    assert (count, first.position, queries) == (2, 0, [["q", "r"]] * 2)


def test_the_format_may_be_told(tmp_path: Path, stop: StopFlag) -> None:
    """The option wins over the name."""
    file = tmp_path / "jobs.txt"
    file.write_bytes(CSV)

    with open_source(str(file), InputFormat.CSV, stop, rewindable=False) as source:
        documents = [entry.arguments["documents"] for entry in source.read()]

    assert documents == [["a", "b"], ["b"]]


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_pipe_is_copied_to_be_read_twice(
    compress: Callable[[bytes], bytes], tmp_path: Path, stop: StopFlag
) -> None:
    """A pipe that is needed twice is copied to a temporary file."""
    reader, writer = os.pipe()
    os.write(writer, compress(JSONL))
    os.close(writer)

    with open_source(f"/dev/fd/{reader}", None, stop, rewindable=True) as source:
        lines = [[entry.line for entry in source.read()] for _ in range(2)]
    os.close(reader)

    assert lines == [[1, 3]] * 2


def test_a_pipe_is_read_as_it_comes(stop: StopFlag) -> None:
    """The first job is there before the second is written."""
    reader, writer = os.pipe()
    first, _, second = JSONL.partition(b"\n\n")

    with open_source(f"/dev/fd/{reader}", None, stop, rewindable=False) as source:
        os.write(writer, first + b"\n")
        entries = source.read()
        queries = [next(entries).arguments["query"]]
        os.write(writer, second)
        os.close(writer)
        queries += [entry.arguments["query"] for entry in entries]
    os.close(reader)

    assert (queries, source.can_rewind) == (["q", "r"], False)


def test_the_beginning_is_where_the_stream_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: StopFlag
) -> None:
    """The part of standard input that another program has read is not read again."""
    file = tmp_path / "jobs"
    file.write_bytes(b"read already\n" + JSONL)

    with file.open() as stdin:
        os.lseek(stdin.fileno(), len(b"read already\n"), os.SEEK_SET)
        monkeypatch.setattr(sys, "stdin", stdin)
        with open_source("-", None, stop, rewindable=True) as source:
            queries = [[entry.arguments["query"] for entry in source.read()] for _ in range(2)]

    assert (queries, source.name) == ([["q", "r"]] * 2, "standard input")


def test_a_closed_standard_input_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, stop: StopFlag
) -> None:
    """There is nothing to read where the descriptor is closed."""
    monkeypatch.setattr(sys, "stdin", None)

    with (
        pytest.raises(CommandError, match="standard input is closed") as caught,
        open_source("-", None, stop, rewindable=False),
    ):
        pass

    assert caught.value.status == 2


def test_a_pipe_that_cannot_be_copied_is_a_failure(
    limit_file_size: Callable[[int], AbstractContextManager[None]], stop: StopFlag
) -> None:
    """A full disk under the temporary file is one line, not a traceback."""
    reader, writer = os.pipe()
    os.write(writer, JSONL)
    os.close(writer)

    with (
        limit_file_size(10),
        pytest.raises(CommandError, match="cannot copy /dev/fd"),
        open_source(f"/dev/fd/{reader}", None, stop, rewindable=True),
    ):
        pass
    os.close(reader)


@pytest.mark.parametrize(
    "data", [gzip.compress(JSONL, mtime=0)[:-9], b"\x1f\x8b\x08nonsense", b"\x1fa"]
)
def test_damaged_gzip_is_a_failure(data: bytes, tmp_path: Path, stop: StopFlag) -> None:
    """A file that cannot be inflated is named."""
    file = tmp_path / "jobs.jsonl.gz"
    file.write_bytes(data)

    with (
        open_source(str(file), None, stop, rewindable=False) as source,
        pytest.raises(CommandError, match=r"cannot read .*jobs\.jsonl\.gz"),
    ):
        list(source.read())


@pytest.mark.parametrize("name", ["missing.jsonl", ".", "nul\0.jsonl"])
def test_a_file_that_cannot_be_opened_is_a_usage_error(
    name: str, tmp_path: Path, stop: StopFlag
) -> None:
    """A path that names no readable file ends in exit status 2."""
    with (
        pytest.raises(CommandError, match="cannot read") as caught,
        open_source(str(tmp_path / name), None, stop, rewindable=False),
    ):
        pass

    assert caught.value.status == 2
