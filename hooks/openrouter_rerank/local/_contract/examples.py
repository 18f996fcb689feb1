"""The contract's example of each reply."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, cast

from .document import read_contract

_LEFT_OUT = frozenset({"retry-after-ms", "x-generation-id"})
"""The first would override a `Retry-After` that was asked for; the second is new each time."""


def find_body(status: int) -> Mapping[str, Any]:
    """Return the example body of a status, or an `ErrorResponse` if the contract has none."""
    content = _find_response(status).get("content", {})
    example = content.get("application/json", {}).get("example")
    if example is not None:
        return cast("Mapping[str, Any]", example)
    return {"error": {"code": status, "message": describe_status(status)}}


def find_headers(status: int) -> dict[str, str]:
    """Return the headers that the contract declares for a status, with their example values."""
    declared: Mapping[str, Any] = _find_response(status).get("headers", {})
    examples = {name: follow_reference(header).get("example") for name, header in declared.items()}
    return {
        name: str(value)
        for name, value in examples.items()
        if value is not None and name.lower() not in _LEFT_OUT
    }


def describe_status(status: int) -> str:
    """Return the reason phrase of a status (RFC 9110, section 15), else a general one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "client error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server error"


def follow_reference(header: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a header's declaration, which stands in place or in `#/components/headers`."""
    if "$ref" not in header:
        return header
    name = header["$ref"].rpartition("/")[2]
    return cast("Mapping[str, Any]", read_contract()["components"]["headers"][name])


@cache
def _find_response(status: int) -> Mapping[str, Any]:
    responses = read_contract()["paths"]["/rerank"]["post"]["responses"]
    return cast("Mapping[str, Any]", responses.get(str(status), {}))
