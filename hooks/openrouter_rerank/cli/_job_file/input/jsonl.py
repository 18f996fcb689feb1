"""Jobs from JSON Lines: an object on each line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from openrouter_rerank_api.request_fields import REQUEST_FIELDS

from openrouter_rerank._call.arguments import ENCODER_ARGUMENTS

from .entry import Entry, EntryError, JobId

REQUIRED_FIELDS = ("query", "documents")
OPTIONAL_FIELDS = ("model", "top_n", *REQUEST_FIELDS, *sorted(ENCODER_ARGUMENTS))


def read_jsonl(lines: Iterable[bytes]) -> Iterator[Entry]:
    """
    Read one job from each line that is not blank.

    Args:
        lines: UTF-8, the first with or without a byte order mark; they end in LF or CRLF.
    """
    position = 0
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901  the same line
        if not line.strip():
            continue
        try:
            name, arguments = parse_job(line)
        except EntryError as error:
            yield Entry(position, number, problem=str(error))
        else:
            yield Entry(position, number, name, arguments)
        position += 1


def parse_job(line: bytes) -> tuple[JobId, dict[str, Any]]:
    """
    Read a JSON object with `query`, `documents`, and any of `id` and `OPTIONAL_FIELDS`.

    A field that is null counts as absent, except where the API takes null, as in `provider`. The
    client checks the values.

    Returns:
        The id, and the arguments of `Rerank.rerank`.

    Raises:
        EntryError: The line is something else.
    """
    fields = parse_object(line)
    if unknown := sorted(fields.keys() - {"id", *REQUIRED_FIELDS, *OPTIONAL_FIELDS}):
        raise EntryError(f"unknown field {json.dumps(unknown[0])}")
    if missing := [name for name in REQUIRED_FIELDS if fields.get(name) is None]:
        raise EntryError(f'no "{missing[0]}"')
    name = fields.pop("id", None)
    if isinstance(name, bool) or not isinstance(name, str | int | None):
        raise EntryError('"id" is neither a string nor an integer')
    given = {key: value for key, value in fields.items() if value is not None or takes_null(key)}
    return name, given


def takes_null(name: str) -> bool:
    """Return whether the API takes null for a field."""
    return name in REQUEST_FIELDS and REQUEST_FIELDS[name]["nullable"] is True


def parse_object(line: bytes) -> dict[str, Any]:
    """
    Read a JSON object in UTF-8 (RFC 8259).

    Raises:
        EntryError: The line is something else.
    """
    try:
        value: object = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise EntryError("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise EntryError(f"not JSON: {error.msg} at column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise EntryError("not JSON that can be read: too deep, or a number too long") from error
    if not isinstance(value, dict):
        raise EntryError("not a JSON object")
    return cast("dict[str, Any]", value)
