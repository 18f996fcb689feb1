"""
Documents from the content of a file: lines of text, JSON Lines, other JSON, or CSV.

Pure: no I/O.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, cast

from .kinds import find_strange_kind

Fields: TypeAlias = dict[str, Any]
Document: TypeAlias = str | Fields
Line: TypeAlias = tuple[int, str]
JsonDocument: TypeAlias = str | dict[str, object]

_FIELDS = ("image", "text")
_JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
_JSON_BEGINNINGS = ("[{", '["', '{"')


class DocumentFileError(ValueError):
    """The content is no documents; the message says where, and what to do."""


class UnknownFieldError(DocumentFileError):
    """
    A document has fields that the API does not know, and was not asked for by name.

    Attributes:
        fields: The names of all its fields, in their order.
    """

    def __init__(self, message: str, fields: Sequence[str]) -> None:
        """Take the message and the names."""
        super().__init__(message)
        self.fields = fields


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
        DocumentFileError: The data is not UTF-8, holds no document, or has a line that is not a
            document; the message has the line's number, from 1. It is an `UnknownFieldError` if
            a document has fields of the caller's own.
    """
    text = _read_text(data, name)
    lines = list(_split_lines(text))
    if not lines:
        raise DocumentFileError(f"{name} holds no documents. Give one document on each line.")
    whole = _parse_any_json(text)
    if isinstance(whole, list):
        return _read_array(cast("list[object]", whole), name)
    if isinstance(whole, dict):
        return [_read_document(cast("JsonDocument", whole), f"{name}, line {lines[0][0]}")]
    parsed = [_parse_any_json(text) for _, text in lines]
    _check_for_json(lines, parsed, name)
    values = [
        cast("JsonDocument", value) if isinstance(value, str | dict) else None for value in parsed
    ]
    broken = next((at for at, value in enumerate(values) if value is None), None)
    if broken is not None:
        _check_for_objects(lines[broken][0], lines, values, name)
        return [text for _, text in lines]
    return [
        _read_document(value, f"{name}, line {number}")
        for (number, _), value in zip(lines, values, strict=True)
    ]


def parse_lines(data: bytes, name: str) -> list[Document]:
    """
    Read each line that is not blank as text, whatever it looks like.

    Raises:
        DocumentFileError: There is none, or the data is not UTF-8.
    """
    documents: list[Document] = [line for _, line in _split_lines(_read_text(data, name))]
    if not documents:
        raise DocumentFileError(f"{name} holds no documents. Give one document on each line.")
    return documents


def parse_objects(data: bytes, name: str) -> list[Fields]:
    """
    Read documents that have fields: JSON Lines, or a JSON array.

    Raises:
        DocumentFileError: There is none, or something is no object.
    """
    text = _read_text(data, name)
    whole = _parse_any_json(text)
    lines = list(_split_lines(text))
    if isinstance(whole, list):
        elements = enumerate(cast("list[object]", whole))
        named = [(f"element {at} of the array", value) for at, value in elements]
    else:
        named = [(f"line {number}", _parse_any_json(line)) for number, line in lines]
    if not named:
        raise DocumentFileError(
            f"{name} holds no documents. Give an object with fields on each line."
        )
    for place, value in named:
        if not isinstance(value, dict):
            raise DocumentFileError(
                f"{name}, {place}: no JSON object, so it has no fields. Give objects, or a table "
                "in a file whose name ends in .csv."
            )
    return [cast("Fields", value) for _, value in named]


def parse_table(data: bytes, name: str) -> list[Fields]:
    """
    Read the rows of CSV, whose first row names the columns.

    Raises:
        DocumentFileError: There is none, or a row is broken.
    """
    rows = csv.DictReader(io.StringIO(_read_text(data, name), newline=""), strict=True)
    try:
        found: list[Fields] = [
            {key: value for key, value in row.items() if key is not None} for row in rows
        ]
    except csv.Error as error:
        raise DocumentFileError(f"{name}, line {rows.line_num}: {error}. Fix the line.") from error
    if not found:
        raise DocumentFileError(f"{name} holds no documents. Its first row names the columns.")
    return found


def _read_text(data: bytes, name: str) -> str:
    if kind := find_strange_kind(data):
        raise DocumentFileError(f"{name}: {kind}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise DocumentFileError(
            f"{name}, line {number}: not UTF-8. Convert the file to UTF-8."
        ) from error


def _split_lines(text: str) -> Iterator[Line]:
    # str.splitlines also breaks at U+2028 and similar, which JSON strings may hold unescaped.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def _parse_any_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_array(elements: Sequence[object], name: str) -> list[Document]:
    if not elements:
        raise DocumentFileError(f"{name} holds no documents. Its array is empty.")
    documents: list[Document] = []
    for position, element in enumerate(elements):
        place = f"{name}, element {position} of the array"
        if not isinstance(element, str | dict):
            raise DocumentFileError(f"{place}: neither a JSON string nor a JSON object.")
        documents.append(_read_document(cast("JsonDocument", element), place))
    return documents


def _check_for_json(lines: Sequence[Line], values: Sequence[object], name: str) -> None:
    """Refuse JSON that is neither one value nor JSON Lines; its source would be ranked."""
    first = lines[0][1].strip()
    is_named_json = name.lower().endswith(_JSON_ENDINGS)
    if all(isinstance(value, list) for value in values):
        raise DocumentFileError(
            f"{name}: each line is a JSON array. Write one document on each line."
        )
    begins_json = values[0] is None and first.startswith(_JSON_BEGINNINGS)
    is_whole = all(isinstance(value, str | dict) for value in values)
    if first in {"[", "{"} or begins_json or (is_named_json and not is_whole):
        number = next(
            number
            for (number, _), value in zip(lines, values, strict=True)
            if not isinstance(value, str | dict)
        )
        raise DocumentFileError(
            f"{name}, line {number}: broken JSON. Give a JSON array, or JSON Lines: a JSON string "
            "or a JSON object on each line."
        )


def _check_for_objects(
    broken: int, lines: list[Line], values: Sequence[JsonDocument | None], name: str
) -> None:
    for (number, _), value in zip(lines, values, strict=True):
        if isinstance(value, dict) and not value.keys().isdisjoint(_FIELDS):
            raise DocumentFileError(
                f"{name}, line {broken}: neither a JSON string nor a JSON object, unlike line "
                f"{number}. Fix the line, or write each line of text as a JSON string."
            )


def _read_document(value: JsonDocument | None, place: str) -> Document:
    if isinstance(value, str):
        return _check_text(value, place)
    fields = {key: field for key, field in (value or {}).items() if field is not None}
    if "documents" in fields:
        raise DocumentFileError(
            f"{place}: a job, not a document. Give its documents as a JSON array, or use 'batch'."
        )
    if unknown := sorted(fields.keys() - set(_FIELDS)):
        raise UnknownFieldError(
            f'{place}: unknown field {json.dumps(unknown[0])}. A document has "text", "image" '
            "or both.",
            list(fields),
        )
    if not fields:
        raise DocumentFileError(f'{place}: no document. Give "text", "image" or both.')
    return {key: _check_field(key, field, place) for key, field in fields.items()}


def _check_field(key: str, field: object, place: str) -> str:
    if not isinstance(field, str):
        raise DocumentFileError(f'{place}: "{key}" is not a string. Write it as a JSON string.')
    return _check_text(field, place)


def _check_text(text: str, place: str) -> str:
    if not text.strip():
        raise DocumentFileError(f"{place}: the document is blank. Fill it in or remove the line.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DocumentFileError(
            f"{place}: half of a surrogate pair. Write the character out, or remove it."
        ) from error
    return text
