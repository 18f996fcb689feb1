"""Removal of upstream's prose, since the overlay adds our own."""

from contract.model import JsonObject, is_object
from contract.traversal import rewrite

from .slicing import RETRY_EXTENSIONS

KNOWN_VALUES = "x-known-values"
PROVENANCE = "x-upstream"
PROSE = frozenset(
    {"$comment", "description", "example", "examples", "externalDocs", "summary", "title", "xml"}
)
_KEPT_EXTENSIONS = frozenset({KNOWN_VALUES, PROVENANCE, *RETRY_EXTENSIONS})


def strip_prose(document: JsonObject) -> JsonObject:
    """
    Drop descriptions, titles, examples and the extensions of other tools.

    A property that is called `description` stays.
    """
    return rewrite(document, "document", _strip)


def _strip(kind: str, node: JsonObject) -> JsonObject:
    if kind == "info":
        # The contract's title and version are the overlay's as well.
        return {key: value for key, value in node.items() if key == PROVENANCE}
    if kind == "components":
        return {name: members for name, members in node.items() if is_object(members)}
    return {
        key: value
        for key, value in node.items()
        if key not in PROSE and (not key.startswith("x-") or key in _KEPT_EXTENSIONS)
    }
