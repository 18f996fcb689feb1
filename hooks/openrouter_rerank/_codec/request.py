"""
Checking the caller's arguments and encoding them as the request's body and headers. Pure: no I/O.

What the API would refuse, or bill without a use, raises here before any byte is sent: `TypeError`
for a wrong type, `ValueError` for a wrong value. The message names the argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, Unpack, cast

from openrouter_rerank_api import models
from openrouter_rerank_api.request_fields import REQUEST_FIELDS, RequestFields
from openrouter_rerank_api.unset import UNSET

from .documents import (
    EncodedDocument,
    Unrankable,
    find_position,
    require_iterable,
    restore_positions,
    select_documents,
)
from .json import encode_body, encode_json, encode_nested, encode_texts
from .values import require_count, require_integer, require_str, require_text

if TYPE_CHECKING:
    from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
    from openrouter_rerank_api.models.document_request import DocumentRequest

    from .passages import PassageMap, Passages

NAMED_FIELDS = frozenset({"documents", "model", "query", "top_n"})
FIELDS = NAMED_FIELDS | {rule["name"] for rule in REQUEST_FIELDS.values()}
# After their checks these hold only text, integers, and lists and dicts of these.
TEXT_FIELDS = NAMED_FIELDS | {
    rule["name"]
    for rule in REQUEST_FIELDS.values()
    if rule["type"] in {"string", "integer"} and not rule["nullable"]
}
# RFC 9110, section 5.6.2.
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# The key, what the body's length depends on, and what is between us and the next hop (RFC 9110,
# section 7.6.1).
_FIXED_HEADERS = frozenset(
    {
        *("authorization", "content-length", "transfer-encoding", "connection", "keep-alive"),
        *("proxy-connection", "te", "trailer", "upgrade"),
    }
)


class EncodedRequest(NamedTuple):
    """
    A request's body with the documents that it holds.

    Attributes:
        content: The body, JSON in UTF-8.
        documents: The documents as they are sent; a result's index is a position in this list. It
            is empty if all were set aside, and then there is nothing to send.
        model: The model that ranks.
        query: The text to compare the documents with.
        top_n: How many results to return; None for all.
        set_aside: Positions of the caller's documents that are not sent.
        body: What the body was encoded from; None if it is not kept.
        passages: The documents that those which are sent are passages of; None without passages.
        kept: How many results to return of those documents; None for all, or without passages.
    """

    content: bytes
    documents: Sequence[EncodedDocument]
    model: str
    query: str
    top_n: int | None = None
    set_aside: Sequence[int] = ()
    body: Mapping[str, Any] | None = None
    passages: PassageMap | None = None
    kept: int | None = None

    @property
    def document_count(self) -> int:
        """How many documents the caller gave."""
        sent = self.documents if self.passages is None else self.passages.documents
        return len(sent) + len(self.set_aside)

    def split(self, passages: Passages | None) -> EncodedRequest:
        """
        Return the request for the passages of the documents, all of whose results are asked for.

        Args:
            passages: How the documents are split; None returns the request itself.

        Raises:
            TypeError: What counts tokens gave no whole number.
            Exception: What it raised.
        """
        if passages is None or not self.documents:
            return self
        from .passages import PassageMap

        mapped = PassageMap(passages)
        for document in self.documents:
            mapped.add(document)
        if not mapped.has_parts:
            return self._replace(passages=mapped, kept=self.top_n)
        body = {**(self.body or {}), "documents": mapped.sent}
        body.pop("top_n", None)
        return self._replace(
            content=dump_json(body),
            documents=mapped.sent,
            top_n=None,
            body=body,
            passages=mapped,
            kept=self.top_n,
        )

    def with_model(self, model: str) -> EncodedRequest:
        """Return the same request for another model."""
        if model == self.model:
            return self
        body = {**(self.body or {}), "model": model}
        return self._replace(content=dump_json(body), model=model, body=body)

    def select(self, positions: Sequence[int]) -> EncodedRequest:
        """Return a request for some of the documents, each of which is to be in the reply."""
        documents = [self.documents[position] for position in positions]
        body = {**(self.body or {}), "documents": documents}
        body.pop("top_n", None)
        return EncodedRequest(dump_json(body), documents, self.model, self.query, body=body)

    def find_unscored(self, indices: Iterable[int]) -> list[int]:
        """Return where documents stand among the caller's, if what is sent there has no score."""
        if self.passages is not None:
            indices = self.passages.find_documents(indices)
        return [find_position(index, self.set_aside) for index in indices]

    def restore(self, response: CreateRerankResponseBody) -> CreateRerankResponseBody:
        """Turn the results of a reply into those of the caller's documents."""
        if self.passages is not None:
            response.results = self.passages.fold(response.results, self.kept)
        restore_positions(response.results, self.set_aside)
        return response

    def make_empty_response(self) -> CreateRerankResponseBody:
        """Return what stands for a reply when there is nothing to send."""
        from openrouter_rerank_api.models.create_rerank_response_body import (
            CreateRerankResponseBody,
        )

        return CreateRerankResponseBody(model=self.model, results=[])


def encode_request(
    *,
    documents: Iterable[str | DocumentRequest | Mapping[str, str]],
    model: str,
    query: str,
    top_n: SupportsIndex | None = None,
    extra_body: Mapping[str, Any] | None = None,
    unrankable: Unrankable = "raise",
    fields: Iterable[str] | None = None,
    **optional: Unpack[RequestFields],
) -> EncodedRequest:
    """
    Check the arguments of `rerank` and encode them as `CreateRerankRequestBody`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that the API would refuse.
    """
    given = require_iterable(documents)
    if fields is not None:
        from .fields import require_fields, select_fields

        given = select_fields(list(given), require_fields(fields))
    encoded, set_aside = select_documents(list(given), unrankable)
    body: dict[str, Any] = {
        "documents": encoded,
        "model": require_text(model, "model"),
        "query": require_text(query, "query"),
    }
    if top_n is not None:
        count = require_count(top_n, "top_n")
        # The caller may have counted the documents that are set aside.
        body["top_n"] = min(count, max(1, len(encoded))) if set_aside else count
    for name, value in optional.items():
        rule = REQUEST_FIELDS[name]
        if value is not (UNSET if rule["nullable"] else None):
            body[rule["name"]] = encode_field(value, name, rule)
    if extra_body is not None:
        body.update(encode_extra(extra_body))
    return EncodedRequest(
        dump_json(body),
        encoded,
        model,
        query,
        top_n=body.get("top_n"),
        set_aside=set_aside,
        body=body,
    )


def encode_field(value: object, name: str, rule: Mapping[str, Any]) -> object:
    """Return an optional field as it is sent, checked by its type and limits in openapi.yaml."""
    if value is None:
        return None
    kind = rule["type"]
    if kind == "string":
        text = require_str(value, name)
        maximum = rule.get("maxLength")
        if maximum is not None and len(text) > maximum:
            raise ValueError(f"{name}: at most {maximum} characters, got {len(text)}")
        return text
    if kind == "object":
        return encode_object(value, name, rule.get("model"))
    return require_integer(value, name, rule.get("minimum")) if kind == "integer" else value


def encode_extra(extra_body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extra fields; none may be a field that has its own argument."""
    extra = encode_object(extra_body, "extra_body")
    for name in extra:
        if name in FIELDS:
            raise ValueError(f"extra_body: {name} is an argument of its own")
    return extra


def encode_object(value: object, name: str, model: str | None = None) -> dict[str, Any]:
    """Return a mapping, or an object of the model if it is named, as a plain object."""
    if isinstance(value, Mapping):
        fields = dict(cast("Mapping[object, Any]", value))
        # JSON's encoder would turn a number or None into text.
        return {require_str(key, f"{name}: key"): field for key, field in fields.items()}
    if model is None or not isinstance(value, getattr(models, model)):
        raise TypeError(f"{name}: expected a mapping or a model, got {type(value).__name__}")
    try:
        return cast("dict[str, Any]", cast("Any", value).to_dict())
    except (AttributeError, TypeError) as error:
        raise TypeError(f"{name}: a field of the model has the wrong type: {error}") from error


def dump_json(body: Mapping[str, Any]) -> bytes:
    """Encode the body as JSON in UTF-8, without NaN; an error names the argument at fault."""
    try:
        return encode_texts(body) if body.keys() <= TEXT_FIELDS else encode_body(body)
    except (AttributeError, RecursionError, TypeError, ValueError):
        for key, value in body.items():
            name = key.encode("ascii", "backslashreplace").decode()
            try:
                encode_json({key: value})
            except UnicodeEncodeError as error:
                refuse_surrogate(key, value)
                # It is in the name itself.
                raise ValueError(f"{name}: holds a lone surrogate, which is not text") from error
            except (AttributeError, TypeError) as error:
                raise TypeError(f"{name}: {error}") from error
            except (RecursionError, ValueError) as error:
                raise ValueError(f"{name}: {error}") from error
        raise


def refuse_surrogate(name: str, value: object) -> None:
    """
    Refuse a value with a lone surrogate in it, which has no bytes in UTF-8.

    Raises:
        ValueError: There is one; the message names its place and shows it escaped.
    """
    found = find_surrogate(name, value)
    if found is not None:
        message = f"{found[0]}: holds a lone surrogate, which is not text{found[1]}"
        # The keys on the way to it may hold some, too.
        raise ValueError(message.encode("ascii", "backslashreplace").decode())


def find_surrogate(place: str, value: object) -> tuple[str, str] | None:
    """Return the place of the first lone surrogate, and which it is; None if there is none."""
    if isinstance(value, str):
        found = re.search("[\ud800-\udfff]", value)
        where = f": {found[0]!r} at character {found.start()}" if found else ""
        return (place, where) if found else None
    if isinstance(value, list | tuple):
        entries = cast("Sequence[object]", value)
        parts = ((f"{place}[{position}]", entry) for position, entry in enumerate(entries))
    else:
        fields = encode_nested(value) if hasattr(value, "to_dict") else value
        if not isinstance(fields, Mapping):
            return None
        named = cast("Mapping[object, object]", fields)
        own = next(filter(None, (find_surrogate(f"{place}: a key", key) for key in named)), None)
        if own is not None:
            return own
        parts = ((f"{place}.{key}", entry) for key, entry in named.items())
    return next(filter(None, (find_surrogate(name, part) for name, part in parts)), None)


def check_header(value: object, name: str) -> str:
    """Return the value if a header may hold it: ASCII, no outer space (RFC 9110, section 5.5)."""
    text = require_str(value, name)
    if not all(" " <= character <= "~" for character in text):
        raise ValueError(f"{name}: holds control or non-ASCII characters")
    if text != text.strip():
        raise ValueError(f"{name}: begins or ends with white space")
    return text


def check_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the caller's headers; none may be a header that only the client sets."""
    if headers is not None and not isinstance(cast("object", headers), Mapping):
        raise TypeError(f"http_headers: expected a mapping, got {type(headers).__name__}")
    checked: dict[str, str] = {}
    for name, value in (headers or {}).items():
        if not re.fullmatch(_HEADER_NAME, require_str(name, "http_headers")):
            raise ValueError(f"http_headers: {name!r} is not a header's name")
        if name.lower() in _FIXED_HEADERS:
            raise ValueError(f"http_headers: {name} is set by the client alone")
        checked[name] = check_header(value, f"http_headers[{name!r}]")
    return checked
