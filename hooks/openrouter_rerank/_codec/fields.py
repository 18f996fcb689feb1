"""
Documents made of some fields of the caller's objects, as YAML text. Pure: no I/O.

Cohere recommends YAML for documents with several fields
(https://docs.cohere.com/docs/reranking-with-cohere). Text is always in double quotes, in which YAML
has the escapes of JSON (YAML 1.2.2, section 7.3.1): nothing in it can be taken for another type, or
for structure.
"""

import json
import math
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from .values import require_text

# What adapters call the text of a framework's document beside its metadata.
TEXT_FIELD = "text"
SHOWN_FIELDS = 10
AnyDocuments: TypeAlias = Iterable[Any] | AsyncIterable[Any]

# A name that is neither a number nor a word that YAML 1.1 takes for true, false or null.
_PLAIN_NAME = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)[a-z_][a-z0-9_-]*", re.IGNORECASE
)
# What YAML does not print (YAML 1.2.2, section 5.1), its line breaks (section 5.4), and DEL. Half a
# surrogate pair is no text at all, and is found as such later.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def require_fields(fields: object) -> Sequence[str]:
    """
    Return the names of fields.

    Raises:
        TypeError: They are no list of names.
        ValueError: There are none, one is blank or appears twice.
    """
    if isinstance(fields, str) or not isinstance(fields, Iterable):
        raise TypeError(f"fields: expected a list of names, got {type(fields).__name__}")
    names = [
        require_text(name, f"fields[{position}]")
        for position, name in enumerate(cast("Iterable[object]", fields))
    ]
    if not names:
        raise ValueError("fields: must not be empty")
    if len(set(names)) < len(names):
        raise ValueError("fields: a name appears twice")
    return names


def select_fields(documents: Iterable[Any], fields: Sequence[str]) -> Iterable[Any]:
    """
    Return documents made of the fields of the caller's; a list of a list.

    Raises:
        ValueError: A document holds itself; or no document of a list has any of the fields, whose
            names are probably misspelt.
    """
    made = (make_document_of(document, fields) for document in documents)
    if not isinstance(documents, Sequence):
        return made
    all_made = list(made)
    if all(map(is_empty, all_made)):
        require_any_field(documents, fields)
    return all_made


def require_any_field(documents: Sequence[Any], fields: Sequence[str]) -> None:
    """
    Refuse fields of which no document has one; of texts and of no documents nothing is known.

    Raises:
        ValueError: No document has any of them.
    """
    asked = [each for each in documents if each is not None and not isinstance(each, str)]
    if not asked or any(has_field(each, name) for each in asked for name in fields):
        return
    mappings = [cast("Mapping[object, object]", each) for each in asked if is_mapping(each)]
    known = list(dict.fromkeys(name for each in mappings for name in each))
    raise ValueError(f"fields: {describe_missing(fields, known)}")


def has_field(document: object, name: str) -> bool:
    """Return whether a mapping has a key, or an object an attribute."""
    if is_mapping(document):
        return name in cast("Mapping[object, object]", document)
    return hasattr(document, name)


def is_mapping(document: object) -> bool:
    """Return whether the fields of a document are keys, not attributes."""
    return isinstance(document, Mapping)


def describe_missing(missing: Sequence[str], known: Sequence[object]) -> str:
    """Say which fields no document has, and which they have."""
    absent = " or ".join(json.dumps(name, ensure_ascii=False) for name in missing)
    shown = ", ".join(map(str, known[:SHOWN_FIELDS])) or "none"
    more = f" and {len(known) - SHOWN_FIELDS} more" if len(known) > SHOWN_FIELDS else ""
    return f"no document has the field {absent}; they have {shown}{more}"


def select_fields_async(documents: AnyDocuments, fields: Sequence[str]) -> AnyDocuments:
    """Return documents made of the fields of the caller's; an async iterable of an async one."""
    if not isinstance(documents, AsyncIterable):
        return select_fields(documents, fields)
    return _select_as_read(documents, fields)


async def _select_as_read(
    documents: AsyncIterable[Any], fields: Sequence[str]
) -> AsyncIterator[Any]:
    async for document in documents:
        yield make_document_of(document, fields)


def make_document_of(document: object, fields: Sequence[str]) -> object:
    """Return `make_document` of an object; text has no fields, and None is no document."""
    if document is None or isinstance(document, str):
        return document
    return make_document(document, fields)


def make_document(document: object, fields: Sequence[str]) -> str:
    """
    Return the document that is sent for an object: its fields as YAML, in their order.

    What it does not have, or is None or blank, is left out; "" if nothing is left.

    Raises:
        ValueError: A field is nested too deeply.
    """
    if isinstance(document, Mapping):
        values = cast("Mapping[str, object]", document)
        pairs = [(name, values.get(name)) for name in fields]
    else:
        pairs = [(name, getattr(document, name, None)) for name in fields]
    try:
        return "\n".join(
            f"{write_name(name)}: {write_value(value)}"
            for name, value in pairs
            if not is_empty(value)
        )
    except RecursionError as error:
        raise ValueError("documents: a field is nested too deeply, or holds itself") from error


def is_empty(value: object) -> bool:
    """Return whether a field says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def write_name(name: str) -> str:
    """Write a field's name as YAML."""
    return name if _PLAIN_NAME.fullmatch(name) else write_text(name)


def write_value(value: object) -> str:
    """Write a field's value as YAML, on one line; what YAML has no type for as text."""
    if isinstance(value, int):
        return json.dumps(value)
    if isinstance(value, float) and math.isfinite(value):
        # YAML 1.1 knows no number with an exponent and without a point.
        digits, exponent, power = repr(value).partition("e")
        return f"{digits}{'' if '.' in digits else '.0'}{exponent}{power}"
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        pairs = (f"{write_text(str(key))}: {write_value(each)}" for key, each in entries)
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, cast('Iterable[object]', value)))}]"
    return "null" if value is None else write_text(str(value))


def write_text(text: str) -> str:
    """Write text in double quotes."""
    return _UNPRINTABLE.sub(escape, json.dumps(text, ensure_ascii=False))


def escape(found: re.Match[str]) -> str:
    """Return the escape of a character that YAML does not print."""
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
