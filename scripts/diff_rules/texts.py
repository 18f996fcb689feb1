"""Changes that matter only to a contract's readers: prose, examples, extensions, order."""

import json
from collections.abc import Iterator
from typing import Any, cast

from contract.rules.prose import KNOWN_VALUES, PROSE

from .changes import Change, ChangeClass
from .references import escape

# Maps whose keys are free names: a field may be called `description`.
NAMING = frozenset(
    {
        "$defs", "callbacks", "content", "dependentSchemas", "encoding", "headers", "links",
        "mapping", "parameters", "pathItems", "paths", "patternProperties", "properties",
        "requestBodies", "responses", "schemas", "scopes", "securitySchemes", "variables",
        "webhooks",
    }
)  # fmt: skip
ROOT_TEXTS = frozenset({"info", "jsonSchemaDialect", "openapi", "tags"})
# They hold data, which is compared elsewhere.
DATA = frozenset({"const", "default"})


def compare_texts(
    old: Any, new: Any, pointer: str = "#", *, holds_names: bool = False
) -> Iterator[Change]:
    """
    Yield the changes that affect no request and no reply, each at its JSON pointer.

    Args:
        old: A part of the old contract.
        new: The same part of the new contract.
        pointer: Where the part is.
        holds_names: Whether the part is a map from free names, so that no key is a keyword.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for key in dict.fromkeys([*before, *after]):
            here = f"{pointer}/{escape(str(key))}"
            if not holds_names and is_text(str(key), is_root=pointer == "#"):
                yield from compare_text(before.get(key), after.get(key), here)
            elif key in before and key in after and (holds_names or key not in DATA):
                is_naming = not holds_names and key in NAMING
                yield from compare_texts(before[key], after[key], here, holds_names=is_naming)
        if holds_names and is_reordered(list(before), list(after)):
            yield Change(pointer, ChangeClass.COSMETIC, "reordered")
    elif isinstance(old, list) and isinstance(new, list):
        yield from compare_lists(cast("list[object]", old), cast("list[object]", new), pointer)


def is_text(key: str, *, is_root: bool) -> bool:
    """Tell whether a keyword is only for people or for other tools."""
    if key.startswith("x-"):
        return key != KNOWN_VALUES
    return key in PROSE or (is_root and key in ROOT_TEXTS)


def compare_text(old: object, new: object, pointer: str) -> Iterator[Change]:
    """Yield whether a text was added, removed or changed."""
    if old != new:
        message = "added" if old is None else "removed" if new is None else "changed"
        yield Change(pointer, ChangeClass.COSMETIC, message)


def compare_lists(old: list[object], new: list[object], pointer: str) -> Iterator[Change]:
    """Yield whether a list was reordered; else what changed in its entries, one by one."""
    if is_reordered([write(entry) for entry in old], [write(entry) for entry in new]):
        yield Change(pointer, ChangeClass.COSMETIC, "reordered")
    elif len(old) == len(new):
        for position, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from compare_texts(before, after, f"{pointer}/{position}")


def is_reordered(old: list[str], new: list[str]) -> bool:
    """Tell whether the entries that are in both lists have another order."""
    return [entry for entry in old if entry in new] != [entry for entry in new if entry in old]


def write(value: object) -> str:
    """Return a value as JSON that is the same for the same value."""
    return json.dumps(value, sort_keys=True, default=str)
