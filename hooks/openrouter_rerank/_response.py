"""
From a reply to the model or to the error that it stands for. Pure: no I/O.

The status decides which error it is; the body only adds detail. An error's body is read with
patience: whatever it holds, the right class comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, NoReturn, cast

import attrs
import httpx
from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
from openrouter_rerank_api.models.document_response import DocumentResponse
from openrouter_rerank_api.models.result import Result
from openrouter_rerank_api.unset import UNSET

from ._json import IS_FAST, is_certain, load_fast, load_json
from ._network.auth import API_KEY_VARIABLE, KEY_HINT
from ._policy.retry_after import read_retry_after
from .errors import (
    STATUS_ERRORS,
    Moderation,
    OpenRouterDefaultError,
    OpenRouterError,
    ResponseValidationError,
)
from .errors._base import read_text

if TYPE_CHECKING:
    from openrouter_rerank_api.models.availability import Availability
    from openrouter_rerank_api.models.error_response import ErrorResponse

SHOWN_BODY_CHARACTERS = 200
ERROR_STATUSES = range(400, 600)
# What an error inside a 200 is when it has no status: `x-known-values` of
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
# A result has an index, a score and a document; one with more keeps them the long way.
USUAL_FIELDS = 3
NO_DOCUMENT: Mapping[str, Any] = {}

_STATUS = "[0-9]{3}"

JsonObject = dict[str, Any]
Document = str | Mapping[str, str]


def read_reply(response: httpx.Response) -> JsonObject:
    """
    Return the JSON object of a success.

    Raises:
        OpenRouterError: The reply is an error, or it is a 200 that holds one; the class follows
            from the status (see `openrouter_rerank.errors`).
        ResponseValidationError: The reply is a success but not a JSON object.
    """
    if not response.is_success:
        raise build_status_error(response, parse_object(response), response.status_code)
    if response.status_code != HTTPStatus.OK:
        reject(response, f"expected status 200, got {response.status_code}")
    payload = parse_reply(response, load_fast)
    if not isinstance(payload, dict):
        reject(response, f"expected an object, got {type_name(payload)}")
    reply = cast("JsonObject", payload)
    if reply.get("error") is not None and not reply.get("results"):
        raise build_status_error(response, reply, find_status(reply["error"]))
    return reply


def parse_reply(response: httpx.Response, load: Callable[[bytes], Any]) -> Any:
    """Parse the body of a success."""
    try:
        return load(response.content)
    except (ValueError, RecursionError) as error:
        reject(response, f"the body is not JSON: {describe(error)}", cause=error)


def describe(error: Exception) -> str:
    """Say in a few words why JSON could not be parsed."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return str(error)


def reject(response: httpx.Response, reason: str, cause: Exception | None = None) -> NoReturn:
    """Raise the error of a success that is not the contract's shape."""
    error = ResponseValidationError(f"unexpected reply: {reason}", response)
    raise error from cause


def parse_object(response: httpx.Response) -> JsonObject:
    """Return the body of an error as an object, empty if it is not one."""
    try:
        payload = load_json(response.content)
    except (ValueError, RecursionError):
        return {}
    return cast("JsonObject", payload) if isinstance(payload, dict) else {}


def find_status(error: object) -> int | None:
    """Find the status that an error inside a 200 would have had; None if nothing tells."""
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
    """Tell whether a text is a status."""
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
    return error


def write_message(response: httpx.Response, status: int | None, raw: object) -> str:
    """Say what the server said, else what the status means; never nothing."""
    said = as_object(raw).get("message") or raw
    text = said.strip() if isinstance(said, str) else ""
    shown = response.status_code if status is None else status
    message = f"{shown}: {text}" if text else describe_body(response, shown)
    if shown == HTTPStatus.UNAUTHORIZED:
        return f"{message} ({key_advice(response)})"
    return message


def describe_body(response: httpx.Response, status: int) -> str:
    """Describe an error whose body does not say what it is."""
    reason = httpx.codes.get_reason_phrase(status) or response.reason_phrase
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = " ".join(read_text(response).split())
    if not body:
        shown = "empty body"
    elif media_type == "text/html":
        shown = "an HTML page"
    else:
        shown = body[:SHOWN_BODY_CHARACTERS]
    return " ".join(part for part in (f"{status}", reason, f"({shown})") if part)


def key_advice(response: httpx.Response) -> str:
    """Say how to mend a 401: there was no key, or it was not accepted."""
    if "Authorization" in response.request.headers:
        return f"the API key was not accepted; check api_key= or {API_KEY_VARIABLE}"
    return f"no API key was sent; {KEY_HINT}"


def decode_envelope(payload: JsonObject) -> ErrorResponse | None:
    """Decode the contract's error envelope; None if the body is not one."""
    from openrouter_rerank_api.models.error_response import ErrorResponse

    try:
        return ErrorResponse.from_dict(payload)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def add_details(error: OpenRouterError, details: Mapping[str, Any]) -> None:
    """Put on the error what its body says beyond the message."""
    from openrouter_rerank_api.models.previous_error import PreviousError

    metadata = as_object(details.get("metadata"))
    error.metadata = metadata
    error.error_type = as_text(details.get("error_type")) or as_text(metadata.get("error_type"))
    code = metadata.get("provider_code")
    error.provider_code = code if isinstance(code, str | int) else None
    entries = [found for found in map(as_object, as_list(metadata.get("previous_errors"))) if found]
    error.previous_errors = [PreviousError.from_dict(entry) for entry in entries]
    availability = as_object(details.get("availability"))
    error.availability = read_availability(availability) if availability else None
    if "reasons" in metadata or "flagged_input" in metadata:
        error.moderation = Moderation(
            reasons=[reason for reason in as_list(metadata.get("reasons")) if as_text(reason)],
            flagged_input=as_text(metadata.get("flagged_input")),
            provider_name=as_text(metadata.get("provider_name")),
            model_slug=as_text(metadata.get("model_slug")),
        )
    error.retry_after = read_retry_after(error.headers, availability)


def read_availability(fields: Mapping[str, Any]) -> Availability:
    """Decode an availability; a constraint that is none counts as absent."""
    from openrouter_rerank_api.models.availability import Availability

    known = dict(fields)
    if not isinstance(known.get("constraint"), dict):
        known.pop("constraint", None)
    return Availability.from_dict(known)


def as_list(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return list(cast("Sequence[Any]", value)) if isinstance(value, list) else []


def as_object(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def as_text(value: object) -> str | None:
    """Return the value if it is text, else None."""
    return value if isinstance(value, str) else None


def decode(
    reply: JsonObject, response: httpx.Response, documents: Sequence[Document]
) -> CreateRerankResponseBody:
    """
    Turn a success into the model, each result with its document.

    Args:
        reply: The body as `read_reply` gave it; results that lack a document get theirs.
        response: The reply, for the error.
        documents: The documents as they were sent; `results[i].index` is a position in them.

    Raises:
        ResponseValidationError: The body is not the contract's shape
            (`#/components/schemas/CreateRerankResponseBody` in openapi.yaml), an index is out of
            range or comes twice, or a score is not finite. The message names the field.
    """
    try:
        if IS_FAST:
            try:
                return build_model(reply, documents, is_fast=True)
            except ShapeError:
                # Python's own parser has the last word.
                reply = parse_reply(response, load_json)
        return build_model(reply, documents, is_fast=False)
    except ShapeError as error:
        reject(response, str(error))
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # pragma: no cover - guard
        reject(response, f"{type(error).__name__}: {error}", cause=error)


class ShapeError(Exception):
    """A value is not what the contract has at its place; the message names the place."""


class UncertainError(ShapeError):
    """A value may not be what Python's own parser gives."""


def build_model(
    reply: JsonObject, documents: Sequence[Document], *, is_fast: bool
) -> CreateRerankResponseBody:
    """Check a success and turn it into the model; `is_fast` tells that `load_fast` parsed it."""
    results = check_reply(reply)
    model = CreateRerankResponseBody.from_dict({**reply, "results": []})
    model.results = decode_results(results, documents, is_fast=is_fast)
    return model


def check_reply(reply: JsonObject) -> list[Any]:
    """Check the fields that the contract names, but for the results, which it returns."""
    expect(reply.get("model"), str, "model")
    for name in ("id", "provider"):
        # Absent is as good as text; a call for each would cost more than the look at it.
        if type(reply.get(name, "")) is not str:
            drop_null(reply, name)
            if name in reply:
                expect(reply[name], str, name)
    if reply.get("usage") is not None:
        check_usage(expect(reply["usage"], dict, "usage"))
    results: list[Any] = expect(reply.get("results"), list, "results")
    return results


def decode_results(
    results: list[Any], documents: Sequence[Document], *, is_fast: bool
) -> list[Result]:
    """
    Turn the results into models in their place.

    The usual ones, with an index, a score, a text and nothing else, are checked and built here,
    field by field: a call for each, or the models' own `__init__`, would cost half as much again.
    """
    new = object.__new__
    count = len(documents)
    seen = bytearray(count)
    for position, result in enumerate(results):
        try:
            index, score, document = result["index"], result["relevance_score"], result["document"]
            text = document["text"]
        except (KeyError, TypeError):
            index = score = text = None
            document = NO_DOCUMENT
        if (
            type(index) is int
            and type(score) is float
            and type(text) is str
            and len(result) == USUAL_FIELDS
            and len(document) == 1
            and 0 <= index < count
            and not seen[index]
            and isfinite(score)
            and HAS_USUAL_FIELDS
        ):
            seen[index] = True
            echoed = new(DocumentResponse)
            echoed.image, echoed.text = UNSET, text
            model = new(Result)
            model.document, model.index, model.relevance_score = echoed, index, score
            # In its place: what is given up at once is no work for the garbage collector.
            results[position] = model
        else:
            if is_fast and not is_certain(result):
                raise UncertainError
            check_result(expect(result, dict, f"results[{position}]"), position, documents, seen)
            results[position] = Result.from_dict(result)
    return results


def has_fields(model: type[Any], *names: str) -> bool:
    """Tell whether a model has these fields to begin with, and no others."""
    return sorted(field.name for field in attrs.fields(model) if field.init) == sorted(names)


# A later contract may have more fields, or others: then every result goes the long way.
HAS_USUAL_FIELDS = has_fields(Result, "document", "index", "relevance_score") and has_fields(
    DocumentResponse, "image", "text"
)


def check_result(
    result: JsonObject, position: int, documents: Sequence[Document], seen: bytearray
) -> None:
    """Check one result and give it the caller's document if it has none."""
    where = f"results[{position}]"
    index: int = expect(result.get("index"), int, f"{where}.index")
    if not 0 <= index < len(documents):
        raise ShapeError(f"{where}.index: {index} is not from 0 to {len(documents) - 1}")
    if seen[index]:
        raise ShapeError(f"{where}.index: {index} comes twice")
    seen[index] = True
    score = expect(result.get("relevance_score"), float, f"{where}.relevance_score")
    result["relevance_score"] = check_finite(score, f"{where}.relevance_score")
    if result.get("document") is None:
        result["document"] = as_document(documents[index])
    echoed: JsonObject = expect(result["document"], dict, f"{where}.document")
    for name in ("image", "text"):
        drop_null(echoed, name)
        if name in echoed:
            expect(echoed[name], str, f"{where}.document.{name}")


def as_document(document: Document) -> dict[str, str]:
    """Return a document that was sent as the reply would have echoed it."""
    return {"text": document} if isinstance(document, str) else dict(document)


def check_usage(usage: JsonObject) -> None:
    """Check the counts and the price of a reply."""
    for name, kind in (("cost", float), ("search_units", int), ("total_tokens", int)):
        if name not in usage or (kind is int and type(usage[name]) is int):
            continue
        drop_null(usage, name)
        if name in usage:
            value = expect(usage[name], kind, f"usage.{name}")
            usage[name] = check_finite(value, f"usage.{name}") if kind is float else value


def drop_null(fields: JsonObject, name: str) -> None:
    """Make a field absent that is null though the contract has no null there."""
    if name in fields and fields[name] is None:
        del fields[name]


def check_finite(number: float, where: str) -> float:
    """Return the number as a float, which 1e400 and the longest integers do not fit into."""
    try:
        value = float(number)
    except OverflowError:
        value = inf
    if not isfinite(value):
        raise ShapeError(f"{where}: number is out of range")
    return value


def expect(value: object, kind: type[Any], where: str) -> Any:
    """Return the value if it has the kind; an integer passes for a float, True for neither."""
    if isinstance(value, bool) or not isinstance(value, int | float if kind is float else kind):
        raise ShapeError(f"{where}: expected {KIND_NAMES[kind]}, got {type_name(value)}")
    return value


KIND_NAMES = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}


def type_name(value: object) -> str:
    """Return the type's name as Python has it, and null for None."""
    return "null" if value is None else type(value).__name__
