"""
Checking the caller's arguments and encoding them as the request's body and headers. Pure: no I/O.

What the API would refuse, or bill without a use, raises here before any byte is sent: `TypeError`
for a wrong type, `ValueError` for a wrong value. The message names the argument.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NamedTuple,
    SupportsIndex,
    TypeAlias,
    Unpack,
    cast,
    get_args,
)

from openrouter_rerank_api import models
from openrouter_rerank_api.request_fields import REQUEST_FIELDS, RequestFields
from openrouter_rerank_api.unset import UNSET

from .json import BLOCK_TEXTS, encode_body, encode_json, encode_nested, encode_texts

if TYPE_CHECKING:
    from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
    from openrouter_rerank_api.models.document_request import DocumentRequest

SHOWN_POSITIONS = 10
DOCUMENT_KEYS = ("text", "image")
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

EncodedDocument = str | dict[str, str]
# What becomes of documents that no model can rank, such as blank ones.
Unrankable: TypeAlias = Literal["raise", "set_aside"]


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
    """

    content: bytes
    documents: Sequence[EncodedDocument]
    model: str
    query: str
    top_n: int | None = None
    set_aside: Sequence[int] = ()

    def restore(self, response: CreateRerankResponseBody) -> CreateRerankResponseBody:
        """Turn the indices of a reply into positions among the caller's documents."""
        if self.set_aside:
            positions = list_kept(len(self.documents) + len(self.set_aside), self.set_aside)
            for result in response.results:
                result.index = positions[result.index]
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
    **fields: Unpack[RequestFields],
) -> EncodedRequest:
    """
    Check the arguments of `rerank` and encode them as `CreateRerankRequestBody`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that the API would refuse.
    """
    encoded, set_aside = select_documents(list(require_iterable(documents)), unrankable)
    body: dict[str, Any] = {
        "documents": encoded,
        "model": require_text(model, "model"),
        "query": require_text(query, "query"),
    }
    if top_n is not None:
        count = require_count(top_n, "top_n")
        # The caller may have counted the documents that are set aside.
        body["top_n"] = min(count, max(1, len(encoded))) if set_aside else count
    for name, value in fields.items():
        rule = REQUEST_FIELDS[name]
        if value is not (UNSET if rule["nullable"] else None):
            body[rule["name"]] = encode_field(value, name, rule)
    if extra_body is not None:
        body.update(encode_extra(extra_body))
    return EncodedRequest(
        dump_json(body), encoded, model, query, top_n=body.get("top_n"), set_aside=set_aside
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


def require_iterable(
    documents: object, name: str = "documents", what: str = "documents"
) -> Iterable[object]:
    """
    Refuse what can be iterated over but is no list of documents, such as a table or a mapping.

    Raises:
        TypeError: It is refused; the message says what to pass instead.
    """
    # Most are lists; the checks below cost as much as checking ten documents.
    if isinstance(documents, list):
        return cast("list[object]", documents)
    advice = find_advice(documents)
    if advice is not None or not isinstance(documents, Iterable):
        kind = type(documents).__name__
        raise TypeError(f"{name}: expected an iterable of {what}, got {kind}{advice or ''}")
    return cast("Iterable[object]", documents)


def find_advice(documents: object) -> str | None:
    """Return what to pass instead of something that is no list; None if it may be one."""
    if isinstance(documents, str | bytes | bytearray | memoryview):
        return "; put a single one into a list"
    if isinstance(documents, Mapping):
        return ", which gives only its keys; pass its values()"
    if isinstance(documents, set | frozenset):
        return ", which has no order for a result's index to count in; pass a list"
    if count_dimensions(documents) > 1:
        return ", which is a table and may give the names of its columns; pass one column"
    return None


def count_dimensions(value: object) -> int:
    """Count the dimensions of an array or a table, such as pandas, polars and Arrow have them."""
    dimensions: object = getattr(value, "ndim", None)
    if isinstance(dimensions, int):
        return dimensions
    shape: object = getattr(value, "shape", None)
    return len(cast("tuple[object, ...]", shape)) if isinstance(shape, tuple) else 1


def require_unrankable(value: object) -> Unrankable:
    """Return the value if it says what becomes of documents that cannot be ranked."""
    if value not in get_args(Unrankable):
        raise ValueError(f"unrankable: expected 'raise' or 'set_aside', got {value!r}")
    return cast("Unrankable", value)


def select_documents(
    documents: list[object], unrankable: Unrankable
) -> tuple[list[EncodedDocument], list[int]]:
    """
    Return the documents as they are sent, and the positions of those that are set aside.

    With "set_aside" there may be none left to send.

    Raises:
        TypeError: A document has the wrong type.
        ValueError: A document is malformed or, with "raise", blank, or there are none.
    """
    if require_unrankable(unrankable) == "raise":
        return encode_documents(documents), []
    set_aside = [at for at, document in enumerate(documents) if is_unrankable(document)]
    if not set_aside:
        return (encode_documents(documents) if documents else []), []
    kept = list_kept(len(documents), set_aside)
    return [encode_document(documents[at], at) for at in kept], set_aside


def list_kept(count: int, set_aside: Sequence[int]) -> list[int]:
    """Return the positions of `count` documents without those that are set aside."""
    left_out = frozenset(set_aside)
    return [at for at in range(count) if at not in left_out]


def is_unrankable(document: object) -> bool:
    """Return whether a document has nothing to rank: None, blank, or not encodable as UTF-8."""
    if isinstance(document, str):
        return not document or document.isspace() or not is_encodable(document)
    if not isinstance(document, Mapping):
        # Imported only when needed: most calls send only text.
        from openrouter_rerank_api.models.document_request import DocumentRequest

        if not isinstance(document, DocumentRequest):
            return document is None
        document = document.to_dict()
    parts = cast("Mapping[object, object]", document).values()
    texts = [part for part in parts if isinstance(part, str)]
    # A part of another type is the caller's mistake, and raises later.
    if len(texts) < sum(part is not None for part in parts):
        return False
    return not any(map(str.strip, texts)) or not all(map(is_encodable, texts))


def is_encodable(text: str) -> bool:
    """Return whether text has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def require_encodable(documents: Iterable[EncodedDocument], positions: Iterable[int]) -> None:
    """
    Refuse documents that cannot be sent as UTF-8.

    Raises:
        ValueError: One holds a lone surrogate; the message has its position.
    """
    for document, position in zip(documents, positions, strict=True):
        parts = (document,) if isinstance(document, str) else document.values()
        if not all(map(is_encodable, parts)):
            raise ValueError(f"documents[{position}]: holds a lone surrogate, which is not text")


def encode_documents(documents: list[object]) -> list[EncodedDocument]:
    """Return the documents as they are sent: at least one, and none of them blank."""
    starts = range(0, len(documents), BLOCK_TEXTS)
    # Most are plain, nonblank text; a Python loop over them would cost more.
    if documents and all(
        map(are_nonblank_texts, (documents[start : start + BLOCK_TEXTS] for start in starts))
    ):
        return cast("list[EncodedDocument]", documents)
    encoded = [encode_document(document, position) for position, document in enumerate(documents)]
    require_content(encoded)
    return encoded


def are_nonblank_texts(documents: list[object]) -> bool:
    """Return whether a block of documents is all text, none of it blank."""
    texts = cast("list[str]", documents)
    return set(map(type, documents)) == {str} and all(texts) and not any(map(str.isspace, texts))


def encode_document(document: object, position: int) -> EncodedDocument:
    """Return the document as it is sent: text, or an object of text and image."""
    where = f"documents[{position}]"
    if isinstance(document, str):
        return document
    # Imported only when needed: most calls send only text.
    from openrouter_rerank_api.models.document_request import DocumentRequest

    if isinstance(document, DocumentRequest):
        document = document.to_dict()
    if not isinstance(document, Mapping):
        raise TypeError(
            f"{where}: expected str, mapping or DocumentRequest, got {type(document).__name__}"
        )
    encoded: dict[str, str] = {}
    for key, value in cast("Mapping[object, object]", document).items():
        if key not in DOCUMENT_KEYS:
            raise ValueError(f"{where}: unknown key {key!r}; a document has text and image")
        encoded[str(key)] = require_str(value, f"{where}.{key}")
    if not encoded:
        raise ValueError(f"{where}: has neither text nor image")
    return encoded


def require_content(documents: Sequence[EncodedDocument]) -> None:
    """Refuse an empty list, and blank documents, which the API bills all the same."""
    if not documents:
        raise ValueError("documents: must not be empty")
    blank = [str(position) for position, document in enumerate(documents) if is_blank(document)]
    if blank:
        shown = ", ".join(blank[:SHOWN_POSITIONS])
        more = f" and {len(blank) - SHOWN_POSITIONS} more" if len(blank) > SHOWN_POSITIONS else ""
        raise ValueError(f"documents: blank at positions {shown}{more}")


def is_blank(document: EncodedDocument) -> bool:
    """Return whether a document holds only white space."""
    if isinstance(document, str):
        return not document or document.isspace()
    return not any(part.strip() for part in document.values())


def require_str(value: object, name: str) -> str:
    """
    Return the value if it is text.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected str, got {type(value).__name__}")
    return value


def require_text(value: object, name: str) -> str:
    """Return the value if it is text that is not blank."""
    text = require_str(value, name)
    if not text.strip():
        raise ValueError(f"{name}: must not be blank")
    return text


def require_count(value: object, name: str) -> int:
    """Return the value if it is a whole number of at least 1."""
    return require_integer(value, name, 1)


def require_integer(value: object, name: str, minimum: int | None) -> int:
    """Return the value if it is a whole number that is not too small."""
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise TypeError(f"{name}: expected int, got {type(value).__name__}")
    number = operator.index(cast("SupportsIndex", value))
    if minimum is not None and number < minimum:
        raise ValueError(f"{name}: must be at least {minimum}, got {number}")
    return number


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
