"""Decoding the body of a request."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

from openrouter_rerank.local._models.ranker import proceed

from .refusal import RefusedError
from .schema import find_violation


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """
    A request to rank texts.

    Attributes:
        model: The model that the caller asked for, which the reply repeats.
        query: What to compare the documents with.
        documents: The texts, in the caller's order.
        top_n: How many results to return; None returns all.
    """

    model: str
    query: str
    documents: Sequence[str]
    top_n: int | None


def decode_fields(raw: bytes, checkpoint: Callable[[], None] = proceed) -> Mapping[str, object]:
    """
    Decode the fields of a request, and check them against the contract.

    Args:
        raw: The body.
        checkpoint: Called now and then; it raises to stop.

    Raises:
        RefusedError: With 400, the body is not UTF-8, not JSON (RFC 8259) or not a
            `CreateRerankRequestBody` of the contract.
    """
    try:
        body = parse_json(raw)
        violation = find_violation(body, checkpoint)
    except RecursionError:
        raise RefusedError(400, "body: nested too deeply") from None
    if violation is not None:
        raise RefusedError(400, violation)
    return cast("dict[str, object]", body)


def read_request(
    fields: Mapping[str, object], checkpoint: Callable[[], None] = proceed
) -> RerankRequest:
    """
    Read the texts out of the fields of a request.

    Args:
        fields: What `decode_fields` returned.
        checkpoint: Called now and then; it raises to stop.

    Raises:
        RefusedError: With 400, a text is none or a document is empty; with 422, a document has an
            image.
    """
    documents: list[str] = []
    for document in cast("list[str | dict[str, object]]", fields["documents"]):
        checkpoint()
        documents.append(_read_document(len(documents), document))
    top_n = cast("float | None", fields.get("top_n"))
    return RerankRequest(
        model=_check_text("model", fields["model"]),
        query=_check_text("query", fields["query"]),
        documents=documents,
        # JSON Schema takes 2.0 for an integer.
        top_n=None if top_n is None else int(top_n),
    )


def parse_json(raw: bytes) -> object:
    """
    Parse a body.

    Raises:
        RecursionError: It is nested too deeply.
        RefusedError: With 400, it is not UTF-8 or not JSON (RFC 8259).
    """
    try:
        return cast("object", json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant))
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"body: not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RefusedError(400, f"body: not JSON, {error.msg} at {where}") from None
    except ValueError:
        # Python's limit on the digits of an integer, sys.set_int_max_str_digits.
        raise RefusedError(400, "body: holds a number of too many digits") from None


def _refuse_constant(name: str) -> NoReturn:
    raise RefusedError(400, f"body: not JSON, which has no {name}")


def _read_document(index: int, document: str | dict[str, object]) -> str:
    """Take the text out of a document that the contract allows."""
    field = f"documents[{index}]"
    if isinstance(document, str):
        return _check_text(field, document)
    if "image" in document:
        raise RefusedError(422, f"{field}.image: this model reads text only")
    if "text" not in document:
        raise RefusedError(400, f"{field}: has neither text nor image")
    return _check_text(f"{field}.text", document["text"])


def _check_text(field: str, value: object) -> str:
    """Refuse half of a surrogate pair, which JSON can escape but no encoding can carry."""
    text = cast("str", value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RefusedError(
            400, f"{field}: a lone surrogate at character {error.start} is not text"
        ) from None
    return text
