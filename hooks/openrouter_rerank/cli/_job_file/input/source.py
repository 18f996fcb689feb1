"""Where the input comes from: a file, a pipe, either of them compressed."""

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from io import BufferedRandom, BufferedReader
from pathlib import Path

from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._exit_status import USAGE

from .csv import read_groups
from .entry import Entry
from .jsonl import read_entries

PIPE = "-"
# The first byte of gzip (RFC 1952, section 2.3.1) begins no JSON and no CSV.
_GZIP_MARK = b"\x1f"


class Format(StrEnum):
    """What the input is written in."""

    CSV = "csv"
    JSONL = "jsonl"


def choose_format(name: str) -> Format:
    """Tell the format by the input's name; JSON Lines unless it ends in `.csv` or `.csv.gz`."""
    return Format.CSV if name.lower().removesuffix(".gz").endswith(".csv") else Format.JSONL


class Source:
    """
    The input, which can be read from its beginning again.

    Args:
        stream: Bytes, compressed or not. Where it stands is the beginning.
        name: What messages call it.
        kind: What it is written in.

    Attributes:
        name: What messages call it.
        can_rewind: Whether it can be read more than once.
    """

    def __init__(self, stream: BufferedReader | BufferedRandom, name: str, kind: Format) -> None:
        self.name = name
        self.can_rewind = stream.seekable()
        self._stream = stream
        self._kind = kind
        self._start = stream.tell() if self.can_rewind else 0

    def read(self) -> Iterator[Entry]:
        """
        Read the jobs, from the beginning where that is possible.

        Raises:
            CommandError: It cannot be read, or the head of a CSV file is wrong.
        """
        if self._kind is Format.CSV:
            return read_groups(self._read_lines(), self.name)
        return read_entries(self._read_lines())

    def count(self) -> int:
        """
        Count the jobs; of JSON Lines the lines that are not blank.

        Raises:
            CommandError: See `read`.
        """
        if self._kind is Format.CSV:
            return sum(1 for _ in self.read())
        return sum(1 for line in self._read_lines() if not line.isspace())

    def _read_lines(self) -> Iterator[bytes]:
        try:
            if self.can_rewind:
                self._stream.seek(self._start)
            if self._stream.peek(1)[:1] == _GZIP_MARK:
                with gzip.GzipFile(fileobj=self._stream) as inflated:
                    yield from inflated
                return
            # "yield from" would close the stream together with this generator.
            for line in self._stream:  # noqa: UP028
                yield line
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"cannot read {self.name}: {reason}.") from error


@contextmanager
def open_source(name: str, kind: Format | None, *, rewindable: bool) -> Generator[Source]:
    """
    Open the input.

    Args:
        name: A path, or `-` for standard input.
        kind: What it is written in; None goes by the name.
        rewindable: Whether it will be read more than once: a pipe is copied to a temporary file
            then, to its end.

    Raises:
        CommandError: It cannot be opened (status 2), or cannot be copied.
    """
    kind = kind or choose_format(name)
    shown = "standard input" if name == PIPE else name
    with _open_stream(name) as stream:
        source = Source(stream, shown, kind)
        if source.can_rewind or not rewindable:
            yield source
            return
        with _copy(stream, shown) as spool:
            yield Source(spool, shown, kind)


def _copy(stream: BufferedReader, name: str) -> BufferedRandom:
    spool = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        shutil.copyfileobj(stream, spool)
        spool.seek(0)
    except OSError as error:
        # Closing writes what could not be written, once more.
        with suppress(OSError):
            spool.close()
        raise CommandError(f"cannot copy {name}: {error.strerror}.") from error
    return spool


def _open_stream(name: str) -> BufferedReader:
    # The interpreter sets None when the descriptor is closed.
    if name == PIPE and sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise CommandError("standard input is closed. Give a file for INPUT.", USAGE)
    try:
        if name == PIPE:
            return open(sys.stdin.fileno(), "rb", closefd=False)
        return Path(name).open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"cannot read {name}: {reason}. Check the path.", USAGE) from error
