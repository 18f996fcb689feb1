"""Documents from the command line, and from a file: lines of text, JSON Lines or other JSON."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from ._errors import CommandError, UsageError
from ._file_kinds import find_strange_kind

Document: TypeAlias = str | dict[str, Any]
Line: TypeAlias = tuple[int, str]
JsonDocument: TypeAlias = str | dict[str, object]

STANDARD_INPUT = "-"
# No request can be that large; an input without end would fill the memory.
MAX_INPUT_BYTES = 64 << 20
_FIELDS = ("image", "text")
_JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
_JSON_BEGINNINGS = ("[{", '["', '{"')
_TABLE_ENDINGS = (".csv", ".tsv")


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
    if with_fields:
        name = "standard input" if file is None or file == STANDARD_INPUT else file
        data = _read_stdin() if name == "standard input" else _read_file(name)
        return [*parse_objects(data, name), *texts]
    if file is not None and file.lower().endswith(_TABLE_ENDINGS):
        raise UsageError(
            f"{file} is a table, and the names of its columns would be ranked too. Give one column "
            "as lines of text on standard input, or use 'batch'."
        )
    if file is None or file == STANDARD_INPUT:
        return [*parse_documents(_read_stdin(), "standard input"), *texts]
    return [*parse_documents(_read_file(file), file), *texts]


def parse_documents(data: bytes, name: str) -> list[Document]:
    """
    Read one document from each line that is not blank, or from each element of a JSON array.

    The lines are JSON Lines if each of them is a JSON string or a JSON object, and text otherwise.
    If only some of them are JSON objects with `text` or `image`, they are refused: one broken line
    would turn all the others into documents of JSON source. For the same reason a source that is
    JSON in another form is read as such, over several lines, or refused.

    Args:
        data: UTF-8, with or without a byte order mark; lines end in LF or CRLF.
        name: What messages call the source.

    Returns:
        The documents in the order of their lines; text is kept as it is between the line ends.

    Raises:
        CommandError: The data is not UTF-8, holds no document, or has a line that is not a
            document; the message has the line's number, from 1.
    """
    if kind := find_strange_kind(data):
        raise CommandError(f"{name}: {kind}")
    text = _decode(data, name)
    lines = list(_split_lines(text))
    if not lines:
        raise CommandError(f"{name} holds no documents. Give one document on each line.")
    whole = _parse_any_json(text)
    if isinstance(whole, list):
        return _read_array(cast("list[object]", whole), name)
    if isinstance(whole, dict):
        return [_read_document(cast("JsonDocument", whole), f"{name}, line {lines[0][0]}")]
    _check_for_json(lines, name)
    values = [_parse_json(text) for _, text in lines]
    broken = next((at for at, value in enumerate(values) if value is None), None)
    if broken is not None:
        _check_for_objects(lines[broken][0], lines, values, name)
        return [text for _, text in lines]
    return [
        _read_document(value, f"{name}, line {number}")
        for (number, _), value in zip(lines, values, strict=True)
    ]


def parse_objects(data: bytes, name: str) -> list[Document]:
    """
    Read documents that have fields: CSV by the name of its file, JSON Lines, or a JSON array.

    Raises:
        CommandError: There is none, or something is no object or row with fields.
    """
    if kind := find_strange_kind(data):
        raise CommandError(f"{name}: {kind}")
    text = _decode(data, name)
    if name.lower().endswith(".csv"):
        return _read_rows(text, name)
    whole = _parse_any_json(text)
    lines = list(_split_lines(text))
    if isinstance(whole, list):
        elements = enumerate(cast("list[object]", whole))
        named = [(f"element {at} of the array", value) for at, value in elements]
    else:
        named = [(f"line {number}", _parse_any_json(line)) for number, line in lines]
    if not named:
        raise CommandError(f"{name} holds no documents. Give an object with fields on each line.")
    for place, value in named:
        if not isinstance(value, dict):
            raise CommandError(f"{name}, {place}: no JSON object, so it has no fields.")
    return [cast("dict[str, Any]", value) for _, value in named]


def _read_rows(text: str, name: str) -> list[Document]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        found: list[Document] = [
            {key: value for key, value in row.items() if key is not None} for row in rows
        ]
    except csv.Error as error:
        raise CommandError(f"{name}, line {rows.line_num}: {error}. Fix the line.") from error
    if not found:
        raise CommandError(f"{name} holds no documents. Its first row names the columns.")
    return found


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


def _parse_json(text: str) -> JsonDocument | None:
    value = _parse_any_json(text)
    return cast("JsonDocument", value) if isinstance(value, str | dict) else None


def _parse_any_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_array(elements: Sequence[object], name: str) -> list[Document]:
    if not elements:
        raise CommandError(f"{name} holds no documents. Its array is empty.")
    documents: list[Document] = []
    for position, element in enumerate(elements):
        place = f"{name}, element {position} of the array"
        if not isinstance(element, str | dict):
            raise CommandError(f"{place}: neither a JSON string nor a JSON object.")
        documents.append(_read_document(cast("JsonDocument", element), place))
    return documents


def _check_for_json(lines: Sequence[Line], name: str) -> None:
    """Refuse JSON that is neither one value nor JSON Lines; its source would be ranked."""
    first = lines[0][1].strip()
    is_named_json = name.lower().endswith(_JSON_ENDINGS)
    values = [_parse_any_json(text) for _, text in lines]
    if all(isinstance(value, list) for value in values):
        raise CommandError(f"{name}: each line is a JSON array. Write one document on each line.")
    begins_json = values[0] is None and first.startswith(_JSON_BEGINNINGS)
    is_whole = all(isinstance(value, str | dict) for value in values)
    if first in {"[", "{"} or begins_json or (is_named_json and not is_whole):
        number = next(
            number
            for (number, _), value in zip(lines, values, strict=True)
            if not isinstance(value, str | dict)
        )
        raise CommandError(
            f"{name}, line {number}: broken JSON. Give a JSON array, or JSON Lines: a JSON string "
            "or a JSON object on each line."
        )


def _check_for_objects(
    broken: int, lines: list[Line], values: Sequence[JsonDocument | None], name: str
) -> None:
    for (number, _), value in zip(lines, values, strict=True):
        if isinstance(value, dict) and not value.keys().isdisjoint(_FIELDS):
            raise CommandError(
                f"{name}, line {broken}: neither a JSON string nor a JSON object, unlike line "
                f"{number}. Fix the line, or write each line of text as a JSON string."
            )


def _read_document(value: JsonDocument | None, place: str) -> Document:
    if isinstance(value, str):
        return _check_text(value, place)
    fields = {key: field for key, field in (value or {}).items() if field is not None}
    if "documents" in fields:
        raise CommandError(
            f"{place}: a job, not a document. Give its documents as a JSON array, or use 'batch'."
        )
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
