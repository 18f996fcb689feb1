"""
A schema as the list of shapes that a value may have, however the schema is written.

`type: [string, "null"]`, `nullable: true` and an `anyOf` with a null mean the same, and so does a
reference alone or in an `allOf`: each gives the same shapes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from contract.model import JsonObject
from contract.rules.inlining import resolve
from contract.rules.prose import KNOWN_VALUES, PROSE

ANY = "any"
# The keywords that apply to each type (JSON Schema 2020-12 validation, section 6).
KEYWORDS = {
    "string": {"minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"},
    "object": {
        "properties", "required", "additionalProperties", "patternProperties", "propertyNames",
        "minProperties", "maxProperties", "dependentRequired", "dependentSchemas",
    },
}  # fmt: skip
_SCALARS = frozenset({"string", "integer", "number"})
_SPECIFIC = frozenset(keyword for keywords in KEYWORDS.values() for keyword in keywords)
# Keywords that the list of shapes, or a shape's kind and values, already express.
_WHOLE = frozenset({"type", "nullable", "enum", "const", "anyOf", "oneOf"})


@dataclass(frozen=True)
class Shape:
    """
    One shape that a value may have.

    Attributes:
        kind: The JSON type, or "any" for a schema that names none.
        keywords: The schema's other keywords about values of this kind.
        values: The only values of this kind that pass; None if any does.
        component: Name of the component that declares the shape; None if it is inline.
    """

    kind: str
    keywords: JsonObject
    values: Sequence[Any] | None
    component: str | None

    def __str__(self) -> str:
        """Return the kind, with the component's name if that says more."""
        return f"{self.kind} {self.component}" if self.component else self.kind


def list_shapes(
    document: JsonObject,
    schema: Any,
    component: str | None = None,
    passed: frozenset[str] = frozenset(),
) -> list[Shape]:
    """
    Return the distinct shapes that a value of the schema may have.

    Args:
        document: The contract, for references.
        schema: The schema, or a boolean instead of one.
        component: Name of the component that declares the schema, if there is one.
        passed: The references followed to get here; a circle adds no shapes.

    Raises:
        ContractError: A reference leads nowhere in the document.
    """
    reference = find_reference(schema)
    if reference in passed:
        return []
    if reference is not None:
        passed |= {reference}
        component = name_component(schema)
    flat = flatten(document, schema)
    keyword = next((keyword for keyword in ("anyOf", "oneOf") if keyword in flat), None)
    if keyword is None:
        return list(split(flat, component))
    rest = {key: flat[key] for key in flat if key != keyword and not is_decoration(key)}
    shapes: list[Shape] = []
    for branch in flat[keyword]:
        for shape in list_shapes(document, combine(branch, rest), component, passed):
            if shape not in shapes:
                shapes.append(shape)
    return shapes


def find_reference(schema: Any) -> str | None:
    """Return a schema's only reference, alone or in an `allOf`; None if there is none."""
    if not isinstance(schema, dict):
        return None
    node = cast("dict[str, Any]", schema)
    if "$ref" in node:
        return str(node["$ref"])
    found = [find_reference(member) for member in node.get("allOf", ())]
    named = [reference for reference in found if reference is not None]
    return named[0] if len(named) == 1 else None


def name_component(schema: Any) -> str | None:
    """Return the name of the only component that a schema refers to; None if there is none."""
    reference = find_reference(schema)
    return reference.rsplit("/", 1)[-1] if reference else None


def combine(branch: Any, rest: JsonObject) -> Any:
    """Return a schema for what passes both; the branch itself if the rest is empty."""
    return {"allOf": [branch, rest]} if rest else branch


def flatten(
    document: JsonObject, schema: Any, passed: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the schema in one level: references followed, the members of `allOf` merged."""
    if not isinstance(schema, dict):
        return {"not": {}} if schema is False else {}
    own = cast("dict[str, Any]", schema)
    members: list[Any] = list(own.get("allOf", ()))
    reference = own.get("$ref")
    flat: dict[str, Any] = {}
    if reference is not None and reference not in passed:
        passed |= {reference}
        flat = flatten(document, resolve(document, reference), passed)
    for member in members:
        flat = merge(flat, flatten(document, member, passed))
    return merge(flat, {key: own[key] for key in own if key not in {"$ref", "allOf"}})


def merge(first: JsonObject, second: JsonObject) -> dict[str, Any]:
    """Return what both schemas say; where they disagree, the second wins."""
    merged = {**first, **second}
    if "required" in first and "required" in second:
        merged["required"] = [*first["required"], *second["required"]]
    if "properties" in first and "properties" in second:
        shared = first["properties"].keys() & second["properties"].keys()
        both = {
            name: {"allOf": [first["properties"][name], second["properties"][name]]}
            for name in shared
        }
        merged["properties"] = {**first["properties"], **second["properties"], **both}
    return merged


def split(flat: JsonObject, component: str | None) -> Iterator[Shape]:
    """Yield one shape for each kind of value that the flat schema allows."""
    allowed = find_values(flat)
    for kind in list_kinds(flat, allowed):
        values = None if allowed is None else [v for v in allowed if kind in kinds_of(v)]
        if kind == "null":
            # In OpenAPI 3.0, `nullable` adds null to an enum that does not list it.
            if values != [] or flat.get("nullable"):
                yield Shape(kind, {}, None, None)
        elif values != []:
            keywords = {key: flat[key] for key in flat if is_about(key, kind)}
            yield Shape(kind, keywords, values, component)


def find_values(flat: JsonObject) -> Sequence[Any] | None:
    """Return the only values that pass; None if any does."""
    if "const" in flat:
        return [flat["const"]]
    return cast("Sequence[Any] | None", flat.get("enum"))


def list_kinds(flat: JsonObject, allowed: Sequence[Any] | None) -> list[str]:
    """Return the kinds of value that the flat schema allows."""
    declared = flat.get("type")
    if isinstance(declared, str):
        kinds = [declared]
    elif isinstance(declared, list):
        kinds = [str(kind) for kind in cast("list[object]", declared)]
    elif allowed is not None:
        kinds = [kinds_of(value)[0] for value in allowed]
    else:
        kinds = [kind for kind in ("object", "array") if KEYWORDS[kind] & flat.keys()][:1] or [ANY]
    if flat.get("nullable"):
        kinds.append("null")
    return list(dict.fromkeys(kinds))


def kinds_of(value: object) -> tuple[str, ...]:
    """Return the kinds that a value is of, the closest first."""
    if value is None or isinstance(value, bool):
        return ("null",) if value is None else ("boolean",)
    if isinstance(value, int | float):
        return ("integer", "number") if float(value).is_integer() else ("number",)
    if isinstance(value, str):
        return ("string",)
    return ("object",) if isinstance(value, Mapping) else ("array",)


def is_about(keyword: str, kind: str) -> bool:
    """Tell whether a keyword applies to values of the kind."""
    if keyword in {KNOWN_VALUES, "format"}:
        return kind in _SCALARS
    if keyword in _WHOLE or is_decoration(keyword):
        return False
    return keyword not in _SPECIFIC or keyword in KEYWORDS.get(kind, ())


def is_decoration(keyword: str) -> bool:
    """Tell whether a keyword has no effect on which values pass."""
    is_extension = keyword.startswith("x-") and keyword != KNOWN_VALUES
    return keyword in PROSE or keyword in {"default", "deprecated"} or is_extension
