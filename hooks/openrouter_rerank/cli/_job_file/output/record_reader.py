"""The lines that a run has written, read back; a killed run may leave a torn one at the end."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

from openrouter_rerank.cli._errors import CommandError, UsageError

from .records import (
    LINE_START,
    Record,
    RecordError,
    decode_record,
)

CHUNK_BYTES = 1 << 14
# Tells zlib that the format is gzip (RFC 1952).
GZIP_WBITS = 31

Piece: TypeAlias = tuple[int, bytes]


def read_records(path: Path, *, compressed: bool) -> Iterator[tuple[int, bytes, Record]]:
    """
    Read the whole lines of a file that a run has written.

    Yields:
        Where the line ends in bytes of the file, or where its member ends if the file is
        compressed; the line with its line end; and what it says.

    Raises:
        CommandError: The file cannot be read.
        UsageError: It holds something else than lines of a run.
    """
    number = 0
    try:
        with path.open("rb") as stream:
            for end, piece in _read_members(stream) if compressed else _read_lines(stream):
                for line in piece.splitlines(keepends=True):
                    number += 1
                    yield end, line, decode_record(line)
    except RecordError as error:
        raise refuse_file(path, f"line {number}: {error}" if number else str(error)) from error
    except zlib.error as error:
        raise refuse_file(path, f"behind line {number}: not gzip") from error
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}.") from error


def refuse_file(path: Path, reason: str) -> UsageError:
    """Make the error for a file that is not what a run has written."""
    return UsageError(f"{path}: {reason}. Give the file of an earlier run, or a new one.")


def _read_lines(stream: BinaryIO) -> Iterator[Piece]:
    end = 0
    for line in stream:
        if not line.endswith(b"\n"):
            _check_torn(line)
            return
        end += len(line)
        yield end, line


def _read_members(stream: BinaryIO) -> Iterator[Piece]:
    """Inflate member after member (RFC 1952, section 2.2); the last may be torn."""
    decoder, parts, read, end = zlib.decompressobj(GZIP_WBITS), list[bytes](), 0, 0
    while chunk := stream.read(CHUNK_BYTES):
        read += len(chunk)
        while chunk:
            parts.append(decoder.decompress(chunk))
            chunk = decoder.unused_data
            if decoder.eof:
                end = read - len(chunk)
                yield end, b"".join(parts)
                decoder, parts = zlib.decompressobj(GZIP_WBITS), []
    if read > end:
        _check_torn(b"".join(parts))


def _check_torn(tail: bytes) -> None:
    """Refuse a last line that no run began; one that is accepted here will be cut off."""
    if not (tail.startswith(LINE_START) or LINE_START.startswith(tail)):
        raise RecordError("the end was not written by this command")
