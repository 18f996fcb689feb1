"""Where the input comes from: a file or a pipe, compressed or not."""

import gzip
import select
import shutil
import sys
import tempfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from io import BufferedIOBase, BufferedRandom, BufferedReader, FileIO, RawIOBase

from openrouter_rerank._document_files.kinds import find_strange_kind
from openrouter_rerank.cli._errors import CommandError, UsageError
from openrouter_rerank.cli._job_file.interrupts import StopFlag

from .csv import read_csv
from .entry import Entry
from .jsonl import read_jsonl

STANDARD_STREAM = "-"
# No request can be that large; a line without end would fill the memory.
MAX_LINE_BYTES = 64 << 20
# The first byte of gzip (RFC 1952, section 2.3.1) begins no JSON and no CSV.
_GZIP_MARK = b"\x1f"


class InputFormat(StrEnum):
    """The format of the input."""

    CSV = "csv"
    JSONL = "jsonl"


def choose_format(name: str) -> InputFormat:
    """Tell the format by the input's name; JSON Lines unless it ends in `.csv` or `.csv.gz`."""
    return (
        InputFormat.CSV if name.lower().removesuffix(".gz").endswith(".csv") else InputFormat.JSONL
    )


EXAMPLES = {
    InputFormat.CSV: "rows under a first row with query,document",
    InputFormat.JSONL: 'a line such as {"query": "q", "documents": ["a", "b"]}',
}


class Source:
    """
    The input, which can be read again from its beginning.

    Args:
        stream: Bytes, compressed or not. The present position is the beginning.
        name: What messages call it.
        input_format: Its format.

    Attributes:
        name: What messages call it.
        can_rewind: Whether it can be read more than once.
        example: What a job of its format looks like.
    """

    def __init__(
        self, stream: BufferedReader | BufferedRandom, name: str, input_format: InputFormat
    ) -> None:
        self.name = name
        self.example = EXAMPLES[input_format]
        self.can_rewind = stream.seekable()
        self._stream = stream
        self._input_format = input_format
        self._start = stream.tell() if self.can_rewind else 0

    def read(self) -> Iterator[Entry]:
        """
        Read the jobs, from the beginning if that is possible.

        Raises:
            CommandError: It cannot be read.
            UsageError: The first row of a CSV file is wrong, or the input is of another kind.
        """
        if self._input_format is InputFormat.CSV:
            return read_csv(_check_first(self._read_lines(), self.name), self.name)
        return read_jsonl(_check_first(self._read_lines(), self.name, is_json=True))

    def count(self) -> int:
        """
        Count the jobs; in JSON Lines, the lines that are not blank.

        Raises:
            CommandError: As `read` does.
        """
        if self._input_format is InputFormat.CSV:
            return sum(1 for _ in self.read())
        return sum(1 for line in self._read_lines() if not line.isspace())

    def _read_lines(self) -> Iterator[bytes]:
        try:
            if self.can_rewind:
                self._stream.seek(self._start)
            if self._stream.peek(1)[:1] == _GZIP_MARK:
                with gzip.GzipFile(fileobj=self._stream) as inflated:
                    yield from _split_lines(inflated, self.name)
                return
            yield from _split_lines(self._stream, self.name)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"cannot read {self.name}: {reason}.") from error


def _split_lines(stream: BufferedIOBase, name: str) -> Iterator[bytes]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise CommandError(f"{name}, line {number}: longer than {MAX_LINE_BYTES >> 20} MiB.")
        yield line


def _check_first(lines: Iterator[bytes], name: str, *, is_json: bool = False) -> Iterator[bytes]:
    """
    Give the lines, if the first that is not blank can be one of a file of jobs.

    Raises:
        UsageError: It cannot; each further line would be told as a malformed job.
    """
    is_first = True
    for line in lines:
        begin = line.removeprefix(BOM_UTF8).strip()
        if is_first and begin:
            is_first = False
            if kind := find_strange_kind(line):
                raise UsageError(f"{name}: {kind}")
            if is_json and (begin.startswith(b"[") or begin == b"{"):
                raise UsageError(
                    f"{name} is JSON, but has no whole job on its first line. Write each job on a "
                    "line of its own, such as with: jq -c '.[]' FILE"
                )
        yield line


@contextmanager
def open_source(
    name: str, input_format: InputFormat | None, stop: StopFlag, *, rewindable: bool
) -> Generator[Source]:
    """
    Open the input.

    Args:
        name: A path, or `-` for standard input.
        input_format: None goes by the name.
        stop: Ends the wait for more of a pipe.
        rewindable: Whether it will be read more than once. A pipe is then copied to its end into a
            temporary file.

    Raises:
        CommandError: It cannot be copied.
        UsageError: It cannot be opened.
    """
    input_format = input_format or choose_format(name)
    shown = "standard input" if name == STANDARD_STREAM else name
    with _open_stream(name, stop) as stream:
        source = Source(stream, shown, input_format)
        if source.can_rewind or not rewindable:
            try:
                yield source
            finally:
                stop.end()
            return
        with _copy(stream, shown) as spool:
            yield Source(spool, shown, input_format)


def _copy(stream: BufferedReader, name: str) -> BufferedRandom:
    spool = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        shutil.copyfileobj(stream, spool)
        spool.seek(0)
    except OSError as error:
        # Closing tries once more to write what could not be written.
        with suppress(OSError):
            spool.close()
        raise CommandError(f"cannot copy {name}: {error.strerror}.") from error
    return spool


class _InterruptibleStream(RawIOBase):
    """
    A pipe or a terminal that may be silent for ever.

    Args:
        file: What to read from.
        stop: Ends the wait.
    """

    def __init__(self, file: FileIO, stop: StopFlag) -> None:
        self._file = file
        self._stop = stop

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        """
        Read what has come, and wait for something if nothing has.

        Raises:
            RunInterruptedError: The user wants to end.
        """
        select.select([self._file.fileno(), self._stop.wakeup], [], [])
        self._stop.check()
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _open_stream(name: str, stop: StopFlag) -> BufferedReader:
    # The interpreter sets None when the descriptor is closed.
    if name == STANDARD_STREAM and sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise UsageError("standard input is closed. Give a file for INPUT.")
    try:
        if name == STANDARD_STREAM:
            file = FileIO(sys.stdin.fileno(), "rb", closefd=False)
        else:
            file = FileIO(name, "rb")
        # On Windows, select takes sockets only.
        if file.seekable() or sys.platform == "win32":
            return BufferedReader(file)
        return BufferedReader(_InterruptibleStream(file, stop))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {name}: {reason}. Check the path.") from error
