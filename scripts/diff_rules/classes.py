"""Changes of the classes that the generator makes from a contract's named schemas."""

from collections.abc import Iterator

from contract.model import JsonObject

from .changes import Change, ChangeClass
from .places import Direction, Place
from .references import escape
from .schemas import compare_schemas
from .shapes import flatten, list_shapes

SCHEMAS = "#/components/schemas/"


def compare_classes(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """
    Yield which classes were added, removed or renamed.

    A new name changes no request but breaks imports: users import the class by its name, and so do
    the modules `components` and `operations`. A schema that makes no class does not matter here.

    Raises:
        ContractError: A reference leads nowhere.
    """
    before, after = list_classes(old), list_classes(new)
    added = [name for name in after if name not in before]
    for name in before:
        if name in after:
            continue
        renamed = next((other for other in added if is_same(old, name, new, other)), None)
        if renamed is not None:
            added.remove(renamed)
        message = f"class renamed to {renamed}" if renamed else "class removed"
        yield Change(SCHEMAS + escape(name), ChangeClass.BREAKING, message)
    for name in added:
        yield Change(SCHEMAS + escape(name), ChangeClass.ADDITIVE, "new class")


def list_classes(document: JsonObject) -> list[str]:
    """
    Return the names of the schemas that become classes: objects and closed enums.

    Every other schema becomes an annotation of the fields that use it.
    """
    schemas = document.get("components", {}).get("schemas", {})
    return [
        name
        for name, schema in schemas.items()
        if "enum" in flatten(document, schema)
        or [shape.kind for shape in list_shapes(document, schema)] == ["object"]
    ]


def is_same(old: JsonObject, old_name: str, new: JsonObject, new_name: str) -> bool:
    """Tell whether two schemas of different names allow the same values."""
    place = Place(old, new, Direction.REQUEST, "", "")
    before, after = ({"$ref": SCHEMAS + escape(name)} for name in (old_name, new_name))
    return not any(compare_schemas(before, after, place))
