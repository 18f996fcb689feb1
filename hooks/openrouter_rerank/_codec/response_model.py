"""Decoding a success's JSON as the model, with every field checked. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from operator import attrgetter
from sys import float_info
from typing import Any

import attrs
from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
from openrouter_rerank_api.models.document_response import DocumentResponse
from openrouter_rerank_api.models.result import Result
from openrouter_rerank_api.unset import UNSET

from .json import JsonObject, is_bounded, is_unambiguous
from .request import EncodedDocument, EncodedRequest

# The index, the score and the document; a result with more fields takes the slow path.
USUAL_FIELDS = 3
NO_DOCUMENT: Mapping[str, Any] = {}
INDEX = attrgetter("index")
SCORE = attrgetter("relevance_score")


class ShapeError(Exception):
    """A value is not what the contract says; the message names its place."""


class AmbiguousValueError(ShapeError):
    """Python's own parser may give another value than orjson."""


def build_model(
    reply: JsonObject, request: EncodedRequest, *, is_fast: bool
) -> CreateRerankResponseBody:
    """Check a success and turn it into the model; `is_fast` means that `load_fast` parsed it."""
    results = check_reply(reply)
    for name, value in reply.items():
        if name != "results":
            check_bounds(value, name)
    model = CreateRerankResponseBody.from_dict({**reply, "results": []})
    # Some providers neither sort nor cut.
    model.results = decode_results(results, request.documents, is_fast=is_fast)[: request.top_n]
    return model


def sort_results(results: list[Result]) -> None:
    """Sort results: highest score first, then the caller's order."""
    results.sort(key=INDEX)
    results.sort(key=SCORE, reverse=True)


def check_reply(reply: JsonObject) -> list[Any]:
    """Check the contract's fields except for the results, and return the results."""
    expect(reply.get("model"), str, "model")
    for name in ("id", "provider"):
        # Absent is fine, too. Checked inline, since a call for each would cost more.
        if type(reply.get(name, "")) is not str:
            drop_null(reply, name)
            if name in reply:
                expect(reply[name], str, name)
    if reply.get("usage") is not None:
        check_usage(expect(reply["usage"], dict, "usage"))
    results: list[Any] = expect(reply.get("results"), list, "results")
    return results


def decode_results(
    results: list[Any], documents: Sequence[EncodedDocument], *, is_fast: bool
) -> list[Result]:
    """
    Turn the results into models, in the same list, and sort it.

    Most results have an index, a score, a text and nothing else. They are checked and built inline,
    field by field: a call for each, or the models' own `__init__`, would take half as long again.
    """
    new = object.__new__
    count = len(documents)
    seen = bytearray(count)
    is_sorted, lowest = True, inf
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
            if score >= lowest:
                is_sorted = False
            lowest = score
            # In the same list: the freed result costs the garbage collector no work.
            results[position] = model
        else:
            if is_fast and not is_unambiguous(result):
                raise AmbiguousValueError
            check_bounds(result, f"results[{position}]")
            check_result(expect(result, dict, f"results[{position}]"), position, documents, seen)
            results[position] = Result.from_dict(result)
            is_sorted = False
    if not is_sorted:
        sort_results(results)
    return results


def has_fields(model: type[Any], *names: str) -> bool:
    """Return whether a model's `__init__` takes these fields and no others."""
    return sorted(field.name for field in attrs.fields(model) if field.init) == sorted(names)


# If a later contract changes these fields, every result takes the slow path.
HAS_USUAL_FIELDS = has_fields(Result, "document", "index", "relevance_score") and has_fields(
    DocumentResponse, "image", "text"
)


def check_result(
    result: JsonObject, position: int, documents: Sequence[EncodedDocument], seen: bytearray
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


def as_document(document: EncodedDocument) -> dict[str, str]:
    """Return a sent document as the reply would have echoed it."""
    return {"text": document} if isinstance(document, str) else dict(document)


def check_usage(usage: JsonObject) -> None:
    """Check the counts and the price of a reply."""
    for name, kind in (("cost", float), ("search_units", int), ("total_tokens", int)):
        if name not in usage or (kind is int and type(usage[name]) is int):
            continue
        drop_null(usage, name)
        if name in usage:
            expect(usage[name], kind, f"usage.{name}")
    if "cost" in usage:
        # No price is negative or infinite; it is not known then.
        if 0 <= usage["cost"] <= float_info.max:
            usage["cost"] = float(usage["cost"])
        else:
            del usage["cost"]


def drop_null(fields: JsonObject, name: str) -> None:
    """Remove a field that is null where the contract allows no null."""
    if name in fields and fields[name] is None:
        del fields[name]


def check_bounds(value: object, where: str) -> None:
    """Refuse what could not be written again."""
    if not is_bounded(value):
        raise ShapeError(f"{where}: nested too deeply, or a number out of range")


def check_finite(number: float, where: str) -> float:
    """Return the number as a float; 1e400 and the longest integers are out of range."""
    try:
        value = float(number)
    except OverflowError:
        value = inf
    if not isfinite(value):
        raise ShapeError(f"{where}: number is out of range")
    return value


def expect(value: object, kind: type[Any], where: str) -> Any:
    """Return the value if it has the type; an integer passes for a float, True for neither."""
    if isinstance(value, bool) or not isinstance(value, int | float if kind is float else kind):
        raise ShapeError(f"{where}: expected {KIND_NAMES[kind]}, got {type_name(value)}")
    return value


KIND_NAMES = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}


def type_name(value: object) -> str:
    """Return the name of the value's type in Python, and null for None."""
    return "null" if value is None else type(value).__name__
