"""The lines that a run has written, read back; the end may be torn."""

import zlib
from collections.abc import Callable, Iterator
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

# A piece of the file: where it ends, its text, and whether it is surely as it was written.
Piece: TypeAlias = tuple[int, bytes, bool]


def read_records(path: Path, *, compressed: bool) -> Iterator[tuple[int, bytes, Record]]:
    """
    Read the whole lines of a file that a run has written.

    A run that is killed leaves a torn line or member of gzip at the end, and a machine that loses
    its power leaves zeros. What is whole before or in them is read, and the rest is left out.

    Yields:
        Where the line ends in bytes of the file, or where its member ends if the file is
        compressed; the line with its line end; and what it says. From the first torn part on, the
        first of them is 0: the line cannot stay where it is.

    Raises:
        CommandError: The file cannot be read.
        UsageError: It holds something else than lines of a run.
    """
    number, is_torn = 0, False
    try:
        with path.open("rb") as stream:
            for end, piece, is_whole in (
                _read_members(stream) if compressed else _read_lines(stream)
            ):
                for line in piece.splitlines(keepends=True):
                    number += 1
                    is_torn = is_torn or not is_whole
                    try:
                        record = decode_record(line)
                    except RecordError:
                        if is_whole:
                            raise
                        _check_torn(line.split(b"\0")[0])
                        break
                    yield 0 if is_torn else end, line.rstrip(b"\n") + b"\n", record
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
        end += len(line)
        # No line holds a zero: JSON escapes it.
        yield end, line, line.endswith(b"\n") and b"\0" not in line


def _read_members(stream: BinaryIO) -> Iterator[Piece]:
    """Inflate member after member (RFC 1952, section 2.2); the last may be torn."""
    decoder, parts, read, end = zlib.decompressobj(GZIP_WBITS), list[bytes](), 0, 0
    while chunk := stream.read(CHUNK_BYTES):
        read += len(chunk)
        while chunk:
            if read - len(chunk) == end and not (chunk := chunk.lstrip(b"\0")):
                # Padding, or what a loss of power has left.
                end = read
                break
            before = decoder.copy()
            try:
                parts.append(decoder.decompress(chunk))
            except zlib.error:
                parts.append(_inflate_torn(before.decompress, chunk, stream))
                break
            chunk = decoder.unused_data
            if decoder.eof:
                end = read - len(chunk)
                yield end, b"".join(parts), True
                decoder, parts = zlib.decompressobj(GZIP_WBITS), []
    if read > end:
        yield end, b"".join(parts), False


def _inflate_torn(inflate: Callable[[bytes], bytes], chunk: bytes, stream: BinaryIO) -> bytes:
    """
    Inflate what can be inflated of a member that ends in zeros, with the file.

    Raises:
        zlib.error: Something else than zeros follows, so that it was not torn.
    """
    parts: list[bytes] = []
    for at in range(len(chunk)):
        try:
            parts.append(inflate(chunk[at : at + 1]))
        except zlib.error:
            rest = chunk[at:]
            while rest:
                if rest.strip(b"\0"):
                    raise
                rest = stream.read(CHUNK_BYTES)
            break
    return b"".join(parts)


def _check_torn(tail: bytes) -> None:
    """Refuse a torn line that no run began; one that is accepted here will be cut off."""
    if not (tail.startswith(LINE_START) or LINE_START.startswith(tail)):
        raise RecordError("the end was not written by this command")
