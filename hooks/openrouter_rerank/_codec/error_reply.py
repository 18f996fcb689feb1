"""Building the exception for an error reply. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

import httpx

# It imports a model only when something asks for it.
from openrouter_rerank_api import models

from openrouter_rerank._network.auth import API_KEY_VARIABLE, KEY_HINT, KEY_SENT
from openrouter_rerank._policy.retry_after import read_retry_after
from openrouter_rerank.errors import (
    STATUS_ERRORS,
    Moderation,
    OpenRouterDefaultError,
    OpenRouterError,
)
from openrouter_rerank.errors._base import read_text

from .error_details import describe_details, make_safe
from .json import JsonObject, load_json

SHOWN_BODY_CHARACTERS = 200
SHOWN_MESSAGE_CHARACTERS = 500
ERROR_STATUSES = range(400, 600)
# The status of an error inside a 200 that gives none itself: `x-known-values` of
# `#/components/schemas/ErrorData/properties/error_type` in openapi.yaml.
ERROR_TYPE_STATUSES = {
    "content_policy_violation": 403,
    "invalid_request": 400,
    "not_found": 404,
    "payload_too_large": 413,
    "permission_denied": 403,
    "provider_overloaded": 529,
    "provider_unavailable": 503,
    "rate_limit_exceeded": 429,
    "server": 500,
    "timeout": 408,
    "unprocessable": 422,
}
_STATUS = "[0-9]{3}"


def parse_object(content: bytes) -> JsonObject:
    """Return the body of an error as an object, empty if it is not one."""
    try:
        payload = load_json(content)
    except (ValueError, RecursionError):
        return {}
    return cast("JsonObject", payload) if isinstance(payload, dict) else {}


def find_status(error: object) -> int | None:
    """Find the status that an error inside a 200 would have had; None if it cannot be found."""
    if not isinstance(error, Mapping):
        return None
    details = cast("Mapping[str, Any]", error)
    candidates = (
        details.get("code"),
        as_object(details.get("availability")).get("http_status"),
        details.get("http_status"),
    )
    for candidate in candidates:
        status = (
            int(candidate) if isinstance(candidate, str) and is_status(candidate) else candidate
        )
        if isinstance(status, int) and status in ERROR_STATUSES:
            return status
    kind = details.get("error_type") or as_object(details.get("metadata")).get("error_type")
    return ERROR_TYPE_STATUSES.get(kind) if isinstance(kind, str) else None


def is_status(text: str) -> bool:
    """Return whether a text is a status."""
    return re.fullmatch(_STATUS, text) is not None


def build_status_error(
    response: httpx.Response, payload: JsonObject, status: int | None
) -> OpenRouterError:
    """Build the error of a status, with all the detail that the body gives."""
    kind = OpenRouterDefaultError if status is None else STATUS_ERRORS.get(status)
    raw = payload.get("error")
    details = as_object(raw)
    error = (kind or OpenRouterDefaultError)(
        write_message(response, status, raw),
        response,
        status_code=status,
        data=decode_envelope(payload),
    )
    add_details(error, details)
    shown = describe_details(error, as_object(details.get("availability")))
    error.message += shown
    error.args = (error.message,)
    return error


def write_message(response: httpx.Response, status: int | None, raw: object) -> str:
    """Return the server's message, else what the status means; never empty."""
    reason = as_object(raw).get("message") or raw
    text = make_safe(reason, SHOWN_MESSAGE_CHARACTERS) if isinstance(reason, str) else ""
    shown = response.status_code if status is None else status
    message = f"{shown}: {text}" if text else describe_body(response, shown)
    if shown == HTTPStatus.UNAUTHORIZED:
        advice = explain_unauthorized(response)
        # The contract's example of a missing key is what the advice begins with.
        says_the_same = text and advice.startswith(text.strip(" ."))
        return f"{shown}: {advice}" if says_the_same else f"{message} ({advice})"
    return message


def describe_body(response: httpx.Response, status: int) -> str:
    """Describe an error whose body has no message."""
    reason = httpx.codes.get_reason_phrase(status) or response.reason_phrase
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = " ".join(read_text(response).split())
    if not body:
        shown = "empty body"
    elif media_type == "text/html":
        shown = "an HTML page"
    else:
        shown = make_safe(body[:SHOWN_BODY_CHARACTERS])
    return " ".join(part for part in (f"{status}", reason, f"({shown})") if part)


def explain_unauthorized(response: httpx.Response) -> str:
    """Say how to fix a 401: there was no key, or it was not accepted."""
    if response.extensions.get(KEY_SENT):
        return f"the API key was not accepted; check api_key= or {API_KEY_VARIABLE}"
    return f"no API key was sent; {KEY_HINT}"


def decode_envelope(payload: JsonObject) -> models.ErrorResponse | None:
    """
    Decode the contract's error envelope; None if the body is not one.

    A process that may open no more files cannot import the model, and gets None, too.
    """
    try:
        return models.ErrorResponse.from_dict(payload)
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        return None


def add_details(error: OpenRouterError, details: Mapping[str, Any]) -> None:
    """Set the error's attributes from what its body says beyond the message."""
    metadata = as_object(details.get("metadata"))
    error.metadata = metadata
    error.error_type = as_text(details.get("error_type")) or as_text(metadata.get("error_type"))
    code = metadata.get("provider_code")
    error.provider_code = code if isinstance(code, str | int) else None
    entries = [entry for entry in map(as_object, as_list(metadata.get("previous_errors"))) if entry]
    availability = as_object(details.get("availability"))
    # A process that may open no more files cannot import the models.
    with suppress(OSError):
        error.previous_errors = [models.PreviousError.from_dict(entry) for entry in entries]
        error.availability = read_availability(availability) if availability else None
    if "reasons" in metadata or "flagged_input" in metadata:
        error.moderation = Moderation(
            reasons=[reason for reason in as_list(metadata.get("reasons")) if as_text(reason)],
            flagged_input=as_text(metadata.get("flagged_input")),
            provider_name=as_text(metadata.get("provider_name")),
            model_slug=as_text(metadata.get("model_slug")),
        )
    error.retry_after = read_retry_after(error.headers, availability)


def read_availability(fields: Mapping[str, Any]) -> models.Availability:
    """Decode an availability; a constraint that is not an object counts as absent."""
    cleaned = dict(fields)
    if not isinstance(cleaned.get("constraint"), dict):
        cleaned.pop("constraint", None)
    return models.Availability.from_dict(cleaned)


def as_list(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return list(cast("Sequence[Any]", value)) if isinstance(value, list) else []


def as_object(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def as_text(value: object) -> str | None:
    """Return the value if it is text, else None."""
    return value if isinstance(value, str) else None
