"""Hypothesis strategies for JSON values that a schema allows, and for damaged ones."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC
from typing import Any, cast

from hypothesis import strategies as st

Json = dict[str, Any]
Values = st.SearchStrategy[Any]

# Unknown fields whose names stand for something in Python, in attrs or in a generated model.
ODD_NAMES = (
    "additional_keys", "additional_properties", "class", "cls", "data", "from_dict", "model",
    "self", "src_dict", "to_dict", "_rest", "__rest", "__class__", "__attrs_attrs__", "", '"',
    "0", "\u00e9",
)  # fmt: skip
NAMES = st.sampled_from(ODD_NAMES) | st.text(max_size=4)
TEXT = st.text(max_size=6)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | NUMBERS | TEXT
SHALLOW: Values = (
    SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(NAMES, SCALARS, max_size=2)
)
ANYTHING: Values = (
    SHALLOW | st.lists(SHALLOW, max_size=2) | st.dictionaries(NAMES, SHALLOW, max_size=2)
)
BY_FORMAT: dict[str, Values] = {
    "date": st.dates().map(lambda day: day.isoformat()),
    "date-time": st.datetimes(timezones=st.none() | st.just(UTC)).map(
        lambda moment: moment.isoformat()
    ),
    "uuid": st.uuids().map(str),
}
BY_TYPE: dict[str, Values] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "integer": st.integers(),
    "number": NUMBERS | st.integers(),
}


class SchemaStrategies:
    """
    Strategies for the values that schemas allow.

    They ignore bounds on numbers and lengths: no model looks at them.
    """

    def __init__(self, schemas: Mapping[str, Json]) -> None:
        """
        Take the schemas.

        Args:
            schemas: What `$ref` may name, by the last word of the reference.
        """
        self._schemas = schemas
        self._named: dict[str, Values] = {}

    def of_name(self, name: str) -> Values:
        """Return the one strategy for a named schema, which may refer to itself."""
        if name not in self._named:
            self._named[name] = st.deferred(lambda: self.of_schema(self._schemas[name]))
        return self._named[name]

    def of_schema(self, schema: Json) -> Values:
        """Return a strategy for a schema as the generator reads it."""
        if "$ref" in schema:
            return self.of_name(schema["$ref"].rpartition("/")[2])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return st.one_of([self.of_schema(member) for member in schema[key]])
        if "allOf" in schema:
            return _join([self.of_schema(member) for member in schema["allOf"]])
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        kinds: Any = schema.get("type", "any")
        if isinstance(kinds, list):
            each = [{**schema, "type": kind} for kind in cast("list[str]", kinds)]
            return st.one_of([self.of_schema(one) for one in each])
        if kinds == "object":
            return self._of_object(schema)
        if kinds == "array":
            return st.lists(self.of_schema(schema.get("items", {})), max_size=3)
        if kinds == "string":
            return BY_FORMAT.get(schema.get("format", ""), TEXT)
        return BY_TYPE.get(kinds, ANYTHING)

    def _of_object(self, schema: Json) -> Values:
        optional = {
            name: self.of_schema(inner) for name, inner in schema.get("properties", {}).items()
        }
        required = {name: optional.pop(name) for name in schema.get("required", [])}
        known = st.fixed_dictionaries(required, optional=optional)
        extra = schema.get("additionalProperties", True)
        if extra is False:
            return known
        values = ANYTHING if extra is True else self.of_schema(extra)
        return _join([st.dictionaries(NAMES, values, max_size=2), known])


def _join(objects: list[Values]) -> Values:
    return st.tuples(*objects).map(lambda drawn: {k: v for one in drawn for k, v in one.items()})


@st.composite
def with_damage(draw: st.DrawFn, valid: Values) -> tuple[Any, Any]:
    """Draw a valid value, and the same with up to three places removed, added or changed."""
    # One value for both, since drawing it takes most of the time.
    whole = draw(valid)
    document = [deepcopy(whole)]
    for _ in range(draw(st.integers(0, 3))):
        holder, key = draw(st.sampled_from(list(_find_places(document))))
        kind = draw(st.sampled_from(["lose", "gain", "change", "change"]))
        if kind == "gain" and isinstance(holder[key], dict):
            holder[key][draw(NAMES)] = draw(ANYTHING)
        elif kind == "lose" and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = draw(ANYTHING)
    return whole, document[0]


def _find_places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place below a node as what holds it and its key there."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(node, dict):
        pairs = list(cast("Json", node).items())
    elif isinstance(node, list):
        pairs = list(enumerate(cast("list[object]", node)))
    for key, value in pairs:
        yield node, key
        yield from _find_places(value)
