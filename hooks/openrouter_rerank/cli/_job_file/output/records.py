"""The fields of the lines that a run writes and reads back. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from sys import float_info
from typing import Any, cast

from openrouter_rerank.cli._job_file.input.entry import Entry
from openrouter_rerank.cli._text import shorten
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody

# Each line begins with it. It tells a torn line of a killed run from the end of another file.
LINE_START = b'{"position": '


@dataclass(frozen=True, slots=True)
class Record:
    """
    What a line says about a job.

    Attributes:
        position: The job's number among the jobs of the input, from 0.
        digest: Tells jobs apart by their arguments; 0 in a failure's line.
        cost: What the reply has cost, in credits; 0 if it does not say.
    """

    position: int
    digest: int
    cost: float


class RecordError(ValueError):
    """No run has written the line."""


def encode_result(entry: Entry, result: CreateRerankResponseBody) -> bytes:
    """
    Make the line of a job that is done, with the reply as the client gives it.

    Raises:
        RecursionError: The reply is nested too deeply.
        ValueError: A number is not finite.
    """
    return _encode(
        {
            "position": entry.position,
            "id": entry.id,
            "digest": entry.digest,
            "result": result.to_dict(),
        }
    )


def encode_failure(entry: Entry, error: Exception, attempts: int) -> bytes:
    """
    Make the line of a job that failed.

    Args:
        entry: The job.
        error: Why it failed.
        attempts: How many requests were sent for it.
    """
    answered = error if isinstance(error, OpenRouterError) else None
    return _encode(
        {
            "position": entry.position,
            "line": entry.line,
            "id": entry.id,
            "class": type(error).__name__,
            "status": answered and answered.status_code,
            "message": shorten(str(error)),
            "attempts": attempts,
        }
    )


def decode_record(line: bytes) -> Record:
    """
    Read the line of a result or a failure.

    Raises:
        RecordError: It is neither.
    """
    try:
        value: object = json.loads(line)
        fields = cast("dict[str, Any]", value)
        position, digest = fields["position"], int(fields.get("digest", "0"), 16)
        result: Mapping[str, Any] = fields.get("result", {})
        usage: Mapping[str, Any] = result.get("usage") or {}
        cost = usage.get("cost") or 0.0
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise RecordError("not a line of this command") from error
    if type(position) is not int or position < 0 or not isinstance(cost, int | float):
        raise RecordError("not a line of this command")
    # No price is negative, infinite or no number; older releases have written such ones down.
    return Record(position, digest, float(cost) if 0 <= cost <= float_info.max else 0.0)


def _encode(fields: Mapping[str, object]) -> bytes:
    # UTF-8 lacks only lone surrogates, and what "backslashreplace" writes for them is JSON's own
    # escape.
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode(errors="backslashreplace")
