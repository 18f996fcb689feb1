"""Documents from the command line, from a file, and from standard input."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from openrouter_rerank._codec.fields import SHOWN_FIELDS, describe_missing
from openrouter_rerank._document_files.parsing import (
    Document,
    DocumentFileError,
    Fields,
    UnknownFieldError,
    parse_documents,
    parse_objects,
    parse_table,
)

from ._errors import CommandError, UsageError, print_error

STANDARD_INPUT = "-"
# No request can be that large; an input without end would fill the memory.
MAX_INPUT_BYTES = 64 << 20
_CSV_ENDING = ".csv"
_TSV_ENDING = ".tsv"


def read_documents(
    file: str | None, texts: Sequence[str], fields: Sequence[str] = ()
) -> list[Document]:
    """
    Read the documents of a file, and add those of the command line.

    Args:
        file: A path, or `-` for standard input. None reads standard input if there are no texts.
        texts: The documents on the command line.
        fields: The fields that are to be ranked, of documents that are objects or rows with fields
            of any name; empty if they are the API's own documents.

    Raises:
        CommandError: The content is no documents, or standard input cannot be read.
        UsageError: There is no source and standard input is a terminal, the file cannot be read, it
            is a table whose columns are not chosen, or no document has any of the fields.
    """
    if file is None and texts:
        return list(texts)
    if file is None and _is_stdin_terminal():
        raise UsageError(
            "no documents. Give a FILE, --document TEXT, or documents on standard input."
        )
    is_stdin = file is None or file == STANDARD_INPUT
    name = "standard input" if file is None or is_stdin else file
    data = _read_stdin() if is_stdin else _read_file(name)
    try:
        return [*_parse(data, name, fields), *texts]
    except UnknownFieldError as error:
        raise CommandError(
            f"{error} To rank fields of your own: {_write_options(error.fields)}"
        ) from error
    except DocumentFileError as error:
        raise CommandError(str(error)) from error


def _parse(data: bytes, name: str, fields: Sequence[str]) -> Sequence[Document]:
    is_table = name.lower().endswith(_CSV_ENDING)
    if name.lower().endswith(_TSV_ENDING):
        raise UsageError(
            f"{name} is a table with tabs, and only .csv is read as a table. Save it as CSV, or "
            "give one column as lines of text on standard input."
        )
    if not fields and is_table:
        columns = list(parse_table(data, name)[0])
        raise UsageError(
            f"{name} is a table, and the names of its columns would be ranked too. Name the "
            f"columns to rank: {_write_options(columns)}"
        )
    if not fields:
        return parse_documents(data, name)
    documents = (parse_table if is_table else parse_objects)(data, name)
    _check_fields(fields, documents)
    return documents


def _check_fields(fields: Sequence[str], documents: Sequence[Fields]) -> None:
    """
    Tell which fields no document has, since they are probably misspelt.

    Raises:
        UsageError: No document has any of them.
    """
    known = list(dict.fromkeys(name for document in documents for name in document))
    missing = [name for name in fields if name not in known]
    if not missing:
        return
    message = f"--field: {describe_missing(missing, known)}."
    if len(missing) == len(fields):
        raise UsageError(message)
    print_error(f"warning: {message}")


def _write_options(names: Sequence[str]) -> str:
    """Write the options that choose fields, as a shell reads them."""
    options = " ".join(f"--field {shlex.quote(name)}" for name in names[:SHOWN_FIELDS])
    return options + (" ..." if len(names) > SHOWN_FIELDS else "")


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
