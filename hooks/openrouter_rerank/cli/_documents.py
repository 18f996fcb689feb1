"""Documents from the command line, and from the lines of a file: plain text, or JSON Lines."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from ._errors import CommandError, UsageError

Document: TypeAlias = str | dict[str, str]
Line: TypeAlias = tuple[int, str]

STANDARD_INPUT = "-"
# No request can be that large; an input without end would fill the memory.
MAX_INPUT_BYTES = 64 << 20
_FIELDS = ("image", "text")


def read_documents(file: str | None, texts: Sequence[str]) -> list[Document]:
    """
    Read the documents of a file, and add those of the command line.

    Args:
        file: A path, or `-` for standard input. None reads standard input if there are no texts.
        texts: The documents on the command line.

    Raises:
        CommandError: `parse_documents` refuses the lines, or standard input cannot be read.
        UsageError: There is no source and standard input is a terminal, or the file cannot be
            read.
    """
    if file is None and texts:
        return list(texts)
    if file is None and _is_stdin_terminal():
        raise UsageError(
            "no documents. Give a FILE, --document TEXT, or documents on standard input."
        )
    if file is None or file == STANDARD_INPUT:
        return [*parse_documents(_read_stdin(), "standard input"), *texts]
    return [*parse_documents(_read_file(file), file), *texts]


def parse_documents(data: bytes, name: str) -> list[Document]:
    """
    Read one document from each line that is not blank.

    The lines are JSON Lines if each of them is a JSON string or a JSON object, and text otherwise.
    If only some of them are JSON objects with `text` or `image`, they are refused: one broken line
    would turn all the others into documents of JSON source.

    Args:
        data: UTF-8, with or without a byte order mark; lines end in LF or CRLF.
        name: What messages call the source.

    Returns:
        The documents in the order of their lines; text is kept as it is between the line ends.

    Raises:
        CommandError: The data is not UTF-8, holds no document, or has a line that is not a
            document; the message has the line's number, from 1.
    """
    lines = list(_split_lines(_decode(data, name)))
    if not lines:
        raise CommandError(f"{name} holds no documents. Give one document on each line.")
    values = [_parse_json(text) for _, text in lines]
    broken = next((at for at, value in enumerate(values) if value is None), None)
    if broken is not None:
        _check_for_objects(lines[broken][0], lines, values, name)
        return [text for _, text in lines]
    return [
        _read_document(value, f"{name}, line {number}")
        for (number, _), value in zip(lines, values, strict=True)
    ]


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


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise CommandError(
            f"{name}, line {number}: not UTF-8. Convert the file to UTF-8."
        ) from error


def _split_lines(text: str) -> Iterator[Line]:
    # str.splitlines also breaks at U+2028 and similar, which JSON strings may hold unescaped.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def _parse_json(text: str) -> str | dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("str | dict[str, object]", value) if isinstance(value, str | dict) else None


def _check_for_objects(
    broken: int, lines: list[Line], values: list[str | dict[str, object] | None], name: str
) -> None:
    for (number, _), value in zip(lines, values, strict=True):
        if isinstance(value, dict) and not value.keys().isdisjoint(_FIELDS):
            raise CommandError(
                f"{name}, line {broken}: neither a JSON string nor a JSON object, unlike line "
                f"{number}. Fix the line, or write each line of text as a JSON string."
            )


def _read_document(value: str | dict[str, object] | None, place: str) -> Document:
    if isinstance(value, str):
        return _check_text(value, place)
    fields = {key: field for key, field in (value or {}).items() if field is not None}
    if unknown := sorted(fields.keys() - set(_FIELDS)):
        raise CommandError(
            f'{place}: unknown field {json.dumps(unknown[0])}. A document has "text", "image" '
            "or both."
        )
    if not fields:
        raise CommandError(f'{place}: no document. Give "text", "image" or both.')
    return {key: _check_field(key, field, place) for key, field in fields.items()}


def _check_field(key: str, field: object, place: str) -> str:
    if not isinstance(field, str):
        raise CommandError(f'{place}: "{key}" is not a string. Write it as a JSON string.')
    return _check_text(field, place)


def _check_text(text: str, place: str) -> str:
    if not text.strip():
        raise CommandError(f"{place}: the document is blank. Fill it in or remove the line.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CommandError(
            f"{place}: half of a surrogate pair. Write the character out, or remove it."
        ) from error
    return text
