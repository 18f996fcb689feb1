"""
The caller's documents: which can be ranked, and how they are sent. Pure: no I/O.

`TypeError` for a wrong type, `ValueError` for a wrong value; the message names the position.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from .json import BLOCK_TEXTS
from .values import require_str

if TYPE_CHECKING:
    from openrouter_rerank_api.models.result import Result

SHOWN_POSITIONS = 10
DOCUMENT_KEYS = ("text", "image")

EncodedDocument = str | dict[str, str]
# What becomes of documents that no model can rank, such as blank ones.
Unrankable: TypeAlias = Literal["raise", "set_aside"]
_UNRANKABLE = get_args(Unrankable)


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
    if value not in _UNRANKABLE:
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
    set_aside = find_set_aside(documents, unrankable)
    if not set_aside:
        return (encode_documents(documents) if documents else []), []
    left_out = frozenset(set_aside)
    kept = [
        encode_document(document, at) for at, document in enumerate(documents) if at not in left_out
    ]
    return kept, set_aside


def find_set_aside(documents: Iterable[object], unrankable: Unrankable) -> list[int]:
    """Return the positions of the documents that are set aside; none of them with "raise"."""
    if unrankable == "raise":
        return []
    return [at for at, document in enumerate(documents) if is_unrankable(document)]


def find_positions(kept: range, set_aside: Sequence[int]) -> Sequence[int]:
    """
    Return where documents that are sent stand among all of the caller's.

    Args:
        kept: The first and the last of them, counted without those that are set aside.
        set_aside: The positions of these, in order.
    """
    return [find_position(index, set_aside) for index in kept] if set_aside else kept


def find_position(kept: int, set_aside: Sequence[int]) -> int:
    """Return where one document that is sent stands; see `find_positions`."""
    # So many were set aside before it.
    return kept + bisect_right(range(len(set_aside)), kept, key=lambda at: set_aside[at] - at)


def restore_positions(results: Iterable["Result"], set_aside: Sequence[int]) -> None:
    """Turn the indices of results into positions among all of the caller's documents."""
    if set_aside:
        for result in results:
            result.index = find_position(result.index, set_aside)


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
    try:
        # First, since `isspace` refuses what is no text, whose truth might be anything.
        return not any(map(str.isspace, texts)) and all(texts)
    except TypeError:
        return False


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
