"""Decoding a success's JSON as the model: its ranking is checked hard. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from operator import attrgetter
from typing import Any, TypeAlias

import attrs
from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
from openrouter_rerank_api.models.create_rerank_usage import CreateRerankUsage
from openrouter_rerank_api.models.document_response import DocumentResponse
from openrouter_rerank_api.models.result import Result
from openrouter_rerank_api.unset import UNSET

from .documents import EncodedDocument
from .json import JsonObject, is_unambiguous
from .request import EncodedRequest
from .side_fields import (
    REPLY_FIELDS,
    USAGE_FIELDS,
    Oddities,
    drop_unbounded,
    has_usual_fields,
    read_document,
    read_side_fields,
)

# The index, the score and the document; a result with more fields takes the slow path.
RESULT_FIELDS = ("document", "index", "relevance_score")
USUAL_FIELDS = len(RESULT_FIELDS)
NO_DOCUMENT: Mapping[str, Any] = {}
INDEX = attrgetter("index")
SCORE = attrgetter("relevance_score")


# The lowest score to keep, of any model or by the slugs of some; None keeps all.
MinScore: TypeAlias = float | Mapping[str, float] | None


class ShapeError(Exception):
    """A value is not what the contract says; the message names its place."""


class AmbiguousValueError(ShapeError):
    """Python's own parser may give another value than orjson."""


def build_model(
    reply: JsonObject, request: EncodedRequest, oddities: Oddities, *, is_fast: bool
) -> CreateRerankResponseBody:
    """
    Check a success and turn it into the model.

    Args:
        reply: The JSON object; its list of results becomes that of the model.
        request: What was asked for.
        oddities: Gets what was odd beside the ranking.
        is_fast: Whether `load_fast` parsed the reply.

    Raises:
        ShapeError: The ranking cannot be read.
    """
    results: list[Any] = expect(reply.get("results"), list, "results")
    if HAS_USUAL_FIELDS and has_usual_fields(reply):
        # `from_dict`, which is ready for more, would take three times as long.
        fields: JsonObject = {**reply, "results": [], "usage": CreateRerankUsage(**reply["usage"])}
        model = CreateRerankResponseBody(**fields)
    else:
        fields = read_side_fields(reply, request.model, oddities)
        model = CreateRerankResponseBody.from_dict({**fields, "results": []})
    ranking = decode_results(results, request.documents, oddities, is_fast=is_fast)
    # Some providers neither sort nor cut.
    model.results = ranking[: request.top_n]
    return model


def drop_below(response: CreateRerankResponseBody, min_score: MinScore, model: str) -> None:
    """Drop the results that score lower than what was asked for with a model."""
    lowest = min_score.get(model) if isinstance(min_score, Mapping) else min_score
    if lowest is not None:
        response.results = [each for each in response.results if each.relevance_score >= lowest]


def sort_results(results: list[Result]) -> None:
    """Sort results: highest score first, then the caller's order."""
    results.sort(key=INDEX)
    results.sort(key=SCORE, reverse=True)


def decode_results(
    results: list[Any],
    documents: Sequence[EncodedDocument],
    oddities: Oddities,
    *,
    is_fast: bool,
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
            and text
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
            fields: JsonObject = expect(result, dict, f"results[{position}]")
            results[position] = read_result(fields, position, documents, seen, oddities)
            is_sorted = False
    if not is_sorted:
        sort_results(results)
    return results


def has_fields(model: type[Any], *names: str) -> bool:
    """Return whether a model's `__init__` takes these fields and no others."""
    return sorted(field.name for field in attrs.fields(model) if field.init) == sorted(names)


# If a later contract changes these fields, every reply takes the slow path.
HAS_USUAL_FIELDS = (
    has_fields(CreateRerankResponseBody, *REPLY_FIELDS)
    and has_fields(CreateRerankUsage, *USAGE_FIELDS)
    and has_fields(Result, *RESULT_FIELDS)
    and has_fields(DocumentResponse, "image", "text")
)


def read_result(
    result: JsonObject,
    position: int,
    documents: Sequence[EncodedDocument],
    seen: bytearray,
    oddities: Oddities,
) -> Result:
    """Check one result, and give it the caller's document if it has none."""
    where = f"results[{position}]"
    index: int = expect(result.get("index"), int, f"{where}.index")
    if not 0 <= index < len(documents):
        raise ShapeError(f"{where}.index: {index} is not from 0 to {len(documents) - 1}")
    if seen[index]:
        raise ShapeError(f"{where}.index: {index} comes twice")
    seen[index] = True
    score = expect(result.get("relevance_score"), float, f"{where}.relevance_score")
    fields = {name: value for name, value in result.items() if name not in RESULT_FIELDS}
    drop_unbounded(fields, oddities)
    fields["index"] = index
    fields["relevance_score"] = check_finite(score, f"{where}.relevance_score")
    fields["document"] = read_document(result.get("document"), documents[index], oddities)
    return Result.from_dict(fields)


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
