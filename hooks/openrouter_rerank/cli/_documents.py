"""Documents from the command line, from a file, and from standard input."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from openrouter_rerank._document_files.parsing import (
    Document,
    DocumentFileError,
    parse_documents,
    parse_objects,
    parse_table,
)

from ._errors import CommandError, UsageError

STANDARD_INPUT = "-"
# No request can be that large; an input without end would fill the memory.
MAX_INPUT_BYTES = 64 << 20
_CSV_ENDING = ".csv"
_TABLE_ENDINGS = (_CSV_ENDING, ".tsv")


def read_documents(
    file: str | None, texts: Sequence[str], *, with_fields: bool = False
) -> list[Document]:
    """
    Read the documents of a file, and add those of the command line.

    Args:
        file: A path, or `-` for standard input. None reads standard input if there are no texts.
        texts: The documents on the command line.
        with_fields: Whether they are objects or rows with fields of any name.

    Raises:
        CommandError: The content is no documents, or standard input cannot be read.
        UsageError: There is no source and standard input is a terminal, or the file cannot be
            read.
    """
    if file is None and texts:
        return list(texts)
    if file is None and _is_stdin_terminal():
        raise UsageError(
            "no documents. Give a FILE, --document TEXT, or documents on standard input."
        )
    is_table = file is not None and file.lower().endswith(_TABLE_ENDINGS)
    if is_table and not with_fields:
        raise UsageError(
            f"{file} is a table, and the names of its columns would be ranked too. Give one column "
            "as lines of text on standard input, or use 'batch'."
        )
    is_stdin = file is None or file == STANDARD_INPUT
    name = "standard input" if file is None or is_stdin else file
    data = _read_stdin() if is_stdin else _read_file(name)
    try:
        return [*_parse(data, name, with_fields=with_fields), *texts]
    except DocumentFileError as error:
        raise CommandError(str(error)) from error


def _parse(data: bytes, name: str, *, with_fields: bool) -> Sequence[Document]:
    if not with_fields:
        return parse_documents(data, name)
    return (parse_table if name.lower().endswith(_CSV_ENDING) else parse_objects)(data, name)


def _is_stdin_terminal() -> bool:
    # The interpreter sets None when the descriptor is closed.
    return sys.stdin is None or sys.stdin.isatty()  # pyright: ignore[reportUnnecessaryComparison]


def _read_stdin() -> bytes:
    try:
        return _read_bounded(sys.stdin.buffer, "standard input")
    except OSError as error:
        raise CommandError(f"cannot read standard input: {error.strerror}. Give a FILE.") from error


def _read_file(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            return _read_bounded(stream, file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {file}: {reason}. Check the path.") from error


def _read_bounded(stream: BinaryIO, name: str) -> bytes:
    data = stream.read(MAX_INPUT_BYTES + 1)
    if len(data) > MAX_INPUT_BYTES:
        raise CommandError(f"{name} has more than {MAX_INPUT_BYTES >> 20} MiB. Send less at once.")
    return data
