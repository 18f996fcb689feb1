"""Changes of an operation's parameters and of its replies' headers."""

from collections.abc import Iterator, Sequence

from contract.model import JsonObject

from .changes import Change, ChangeClass
from .places import Place
from .references import follow
from .restrictions import show
from .schemas import compare_schemas
from .shapes import name_component

# They decide how a parameter is encoded in the request.
WRITING = ("style", "explode", "allowReserved", "allowEmptyValue", "content")


def compare_parameters(
    old: Sequence[JsonObject], new: Sequence[JsonObject], place: Place
) -> Iterator[Change]:
    """
    Yield the changes of parameters: those of the operation and those of its path item.

    Args:
        old: The operation, then the path item that it stands in, of the old contract.
        new: The same of the new contract.
        place: Where the operation stands.
    """
    before, after = list_parameters(old, place.old), list_parameters(new, place.new)
    for key in dict.fromkeys([*before, *after]):
        where, name = key
        known = after.get(key) or before[key]
        here = place.below(f"request.{where}.{known.get('name', name)}")
        if key not in after:
            yield here.change(ChangeClass.BREAKING, "parameter removed")
        elif key in before:
            yield from compare_parameter(before[key], after[key], here)
        elif after[key].get("required"):
            yield here.change(ChangeClass.BREAKING, "new required parameter")
        else:
            yield here.change(ChangeClass.ADDITIVE, "new optional parameter")


def list_parameters(
    operation: Sequence[JsonObject], document: JsonObject
) -> dict[tuple[str, str], JsonObject]:
    """Return an operation's parameters by place and name; a header's name has no case."""
    found: dict[tuple[str, str], JsonObject] = {}
    for node in reversed(operation):
        for entry in node.get("parameters", ()):
            parameter: JsonObject = follow(document, entry)
            where, name = parameter["in"], parameter["name"]
            found[where, name.lower() if where == "header" else name] = parameter
    return found


def compare_parameter(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield the changes of one parameter, or of one header of a reply."""
    if bool(old.get("required")) != bool(new.get("required")):
        is_required = bool(new.get("required"))
        yield place.narrowed("now required") if is_required else place.widened("no longer required")
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        message = "deprecated" if new.get("deprecated") else "no longer deprecated"
        yield place.change(ChangeClass.ADDITIVE, message)
    for keyword in WRITING:
        if old.get(keyword) != new.get(keyword):
            message = f"{keyword}: {show(old.get(keyword))} to {show(new.get(keyword))}"
            yield place.change(ChangeClass.BREAKING, message)
    yield from compare_schemas(old.get("schema", {}), new.get("schema", {}), place)


def compare_headers(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield the changes of a reply's headers."""
    before = {name.lower(): (name, node) for name, node in old.get("headers", {}).items()}
    after = {name.lower(): (name, node) for name, node in new.get("headers", {}).items()}
    for key in dict.fromkeys([*before, *after]):
        name, node = after.get(key) or before[key]
        here = place.below(f".header.{name}")
        if key not in after:
            yield here.change(ChangeClass.BREAKING, "header removed")
        elif key not in before:
            yield here.change(ChangeClass.ADDITIVE, "new header")
        else:
            pair = follow(place.old, before[key][1]), follow(place.new, node)
            yield from compare_parameter(*pair, here.inside(name_component(node)))
