"""Names that can become names in Python, in a file's path and on a person's screen."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from .model import ContractError, JsonObject, is_list, is_object
from .traversal import walk

# A component's name becomes a module's, and file systems allow 255 bytes.
MAX_CHARACTERS = 100
SHOWN_CHARACTERS = 60
# What the generated functions call their own arguments and variables.
TAKEN_BY_FUNCTIONS = frozenset({"body", "cookies", "headers", "params", "quote"})
# What the generated modules import, and so no class of theirs may be called.
TAKEN_BY_MODULES = frozenset({
    "any", "authenticatedclient", "binaryio", "cast", "client", "enum", "file", "filetypes",
    "generic", "httpstatus", "io", "literal", "mapping", "mutablemapping", "requestfiles",
    "response", "self", "typechecking", "typevar", "unset",
})  # fmt: skip
_MAPS = {
    "components": ("headers", "parameters", "schemas"),
    "response": ("headers",),
    "schema": ("properties",),
}
_SCHEMAS = {"components": ("schemas",)}
_LISTS = {"operation": ("tags",), "schema": ("required",)}
_TEXTS = {"operation": ("operationId",), "parameter": ("name",), "tag": ("name",)}


def refuse_unfit_names(document: JsonObject) -> JsonObject:
    """
    Return the document as it is, if code can be generated from its names.

    Raises:
        ContractError: A name is unreadable, as `refuse_unreadable_names` says, or two of them
            become one, or the generated code has another use for one.
    """
    refuse_unreadable_names(document)
    found = [(kind, node) for kind, node in walk(document, "document")]
    schemas = [name for kind, node in found for name in _list_keys(kind, node, _SCHEMAS)]
    _refuse_other_uses("schema", schemas, TAKEN_BY_MODULES)
    parameters = [
        (str(node.get("in")), node["name"])
        for kind, node in found
        if kind == "parameter" and isinstance(node.get("name"), str)
    ]
    for place in dict.fromkeys(place for place, _ in parameters):
        names = [name for where, name in parameters if where == place]
        _refuse_other_uses(f"{place} parameter", names, TAKEN_BY_FUNCTIONS)
    return document


def refuse_unreadable_names(document: JsonObject) -> JsonObject:
    """
    Return the document as it is, if a person can tell its names apart.

    Raises:
        ContractError: A name is empty, longer than `MAX_CHARACTERS`, or has characters that do not
            print or that Python takes for others.
    """
    for kind, node in walk(document, "document"):
        for name in _list_names(kind, node):
            _check_characters(name)
    return document


def _list_names(kind: str, node: JsonObject) -> Iterator[str]:
    yield from _list_keys(kind, node, _MAPS)
    for key in _LISTS.get(kind, ()):
        found = node.get(key)
        yield from (name for name in found if isinstance(name, str)) if is_list(found) else ()
    for key in _TEXTS.get(kind, ()):
        found = node.get(key)
        yield from (found,) if isinstance(found, str) else ()


def _list_keys(kind: str, node: JsonObject, maps: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for key in maps.get(kind, ()):
        found = node.get(key)
        yield from found if is_object(found) else ()


def _check_characters(name: str) -> None:
    if not 0 < len(name) <= MAX_CHARACTERS:
        raise ContractError(f"the name {_show(name)} is not 1 to {MAX_CHARACTERS} characters long")
    if not name.isprintable():
        raise ContractError(f"the name {_show(name)} has characters that do not print")
    # Python would read both as one identifier (Python's reference, section 2.3).
    if unicodedata.normalize("NFKC", name) != name:
        raise ContractError(f"the name {_show(name)} has characters that Python takes for others")


def _refuse_other_uses(what: str, names: Iterable[str], taken: Set[str]) -> None:
    """Refuse names that the code has another use for, and those that snake case makes one."""
    seen: dict[str, str] = {}
    for name in names:
        folded = "".join(c for c in name if c.isalnum()).lower()
        if folded in taken:
            raise ContractError(f"the generated code has another use for the {what} {_show(name)}")
        first = seen.setdefault(folded, name)
        if first != name:
            raise ContractError(f"the {what}s {_show(first)} and {_show(name)} become one name")


def _show(name: str) -> str:
    return ascii(name[:SHOWN_CHARACTERS])
