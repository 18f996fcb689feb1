"""What the page reads out of pasted text or a dropped file, as the command reads its files."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast, get_args

from attrs import frozen

from openrouter_rerank._codec.fields import make_document, require_fields
from openrouter_rerank._codec.passages import Passages
from openrouter_rerank._document_files.parsing import (
    Document,
    DocumentFileError,
    Fields,
    parse_documents,
    parse_lines,
    parse_objects,
    parse_table,
)

Format: TypeAlias = Literal["auto", "csv", "lines"]
FORMATS = get_args(Format)
PLAIN_FIELDS = frozenset({"image", "text"})
USUAL_FIELDS = ("title", "text")


@frozen(kw_only=True)
class PastedText:
    """
    What the page sends to be read.

    Attributes:
        text: The content of the file, or of the text field.
        name: What messages call it; its ending says whether JSON is expected.
        format: How to read it; "auto" tells lines, JSON Lines and JSON apart.
        fields: The fields to rank of documents that have some; None for the usual ones, or all.
        passages: How long documents are split; None leaves them whole.
    """

    text: str
    name: str
    format: Format
    fields: Sequence[str] | None
    passages: Passages | None


def read_pasted(body: object) -> PastedText:
    """
    Check what the page sent.

    Raises:
        DocumentFileError: It is not what the page sends.
        ModuleNotFoundError: Passages are asked for, and their extra is not installed.
    """
    fields = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    text, name = fields.get("text"), fields.get("name")
    format_, chosen, split = fields.get("format"), fields.get("fields"), fields.get("passages")
    if not isinstance(text, str) or not isinstance(name, str) or format_ not in FORMATS:
        raise DocumentFileError("text, name, format: expected two texts and one of the formats")
    try:
        names = None if chosen is None else require_fields(chosen)
    except (TypeError, ValueError) as error:
        raise DocumentFileError(str(error)) from error
    return PastedText(
        text=text,
        name=name,
        format=cast("Format", format_),
        fields=names,
        passages=Passages() if split is True else None,
    )


def describe_documents(pasted: PastedText, checkpoint: Callable[[], None]) -> dict[str, object]:
    """
    Read documents, and say what was found.

    Args:
        pasted: The text, and how to read it.
        checkpoint: Called now and then; it raises to stop.

    Returns:
        `documents` as they are to be sent, the names of the `fields` that they have and those that
        were `chosen` (both empty for plain texts), and in `passages`, by the position of a document
        that was split, the texts of its parts.

    Raises:
        DocumentFileError: There are none, or something is no document; the message says where.
    """
    try:
        data = pasted.text.encode()
    except UnicodeEncodeError as error:
        raise DocumentFileError(f"{pasted.name}: half of a surrogate pair is no text") from error
    objects = find_objects(data, pasted)
    names = list(dict.fromkeys(name for each in objects or () for name in each))
    chosen = choose_fields(names, pasted.fields)
    if objects is None:
        documents = (parse_lines if pasted.format == "lines" else parse_documents)(
            data, pasted.name
        )
    else:
        documents = [_make_document(each, chosen, at) for at, each in enumerate(objects)]
    return {
        "documents": documents,
        "fields": names,
        "chosen": chosen,
        "passages": split_documents(documents, pasted.passages, checkpoint),
    }


def find_objects(data: bytes, pasted: PastedText) -> Sequence[Fields] | None:
    """
    Return documents that have fields; None if they are texts, or nothing that can be read.

    Raises:
        DocumentFileError: A table is broken.
    """
    if pasted.format == "csv":
        return parse_table(data, pasted.name)
    if pasted.format == "lines":
        return None
    try:
        objects = parse_objects(data, pasted.name)
    except DocumentFileError:
        return None
    names = {name for each in objects for name in each}
    # With these alone they are the API's own documents; a job's are refused with advice.
    is_plain = names <= PLAIN_FIELDS or "documents" in names
    return None if is_plain else objects


def choose_fields(names: Sequence[str], asked: Sequence[str] | None) -> Sequence[str]:
    """Return the fields to rank: those that are asked for, else title and text, else all."""
    if asked is not None:
        return [name for name in asked if name in names]
    return [name for name in USUAL_FIELDS if name in names] or names


def split_documents(
    documents: Sequence[Document], passages: Passages | None, checkpoint: Callable[[], None]
) -> Mapping[str, Sequence[str]]:
    """Return the parts of those documents that are too long, by their positions."""
    split: dict[str, Sequence[str]] = {}
    for at, document in enumerate(documents):
        checkpoint()
        if passages is None or (isinstance(document, dict) and "image" in document):
            continue
        text = document if isinstance(document, str) else document["text"]
        spans = passages.split(text)
        if len(spans) > 1:
            split[str(at)] = [text[start:end] for start, end in spans]
    return split


def _make_document(fields: Mapping[str, Any], chosen: Sequence[str], at: int) -> str:
    try:
        document = make_document(fields, chosen)
    except ValueError as error:
        raise DocumentFileError(f"document {at + 1}: {error}") from error
    if not document:
        names = ", ".join(chosen) or "the fields that are ranked"
        raise DocumentFileError(f"document {at + 1} has nothing in {names}. Choose other fields.")
    return document
