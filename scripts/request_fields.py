"""What callers may give for the optional fields of the request, read from the contract."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.model import JsonObject
from diff_rules.operations import list_operations
from diff_rules.references import follow
from diff_rules.shapes import flatten, list_shapes

TEMPLATES = ("request_fields.py", "request_bases.py")
# Methods give it a meaning of their own, such as a count over all batches, and so name it.
NAMED_BY_HAND = "top_n"
PREFIX = "field_"
TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
LIMITS = ("maxLength", "minimum")


@dataclass(frozen=True)
class RequestField:
    """
    An optional field of the request.

    Attributes:
        name: The field as a keyword of Python.
        rule: What the encoder has to know, in the words of JSON Schema, with the field's own name
            as `name` and the class of its objects, if they have one, as `model`.
        description: What the contract says of it.
    """

    name: str
    rule: JsonObject
    description: str

    @property
    def argument_type(self) -> str:
        """The type for a call: None sends null if the API takes null, and else nothing."""
        kind = self.rule["type"]
        taken = "Mapping[str, Any]" if kind == "object" else TYPES.get(kind, "Any")
        taken += " | Unset | None" if self.rule["nullable"] else " | None"
        # In quotes, since most calls need no model and so never import it.
        return f'"models.{self.rule["model"]} | {taken}"' if "model" in self.rule else taken

    @property
    def setting_type(self) -> str:
        """The type for a setting, which is plain JSON; None sends nothing."""
        kind = self.rule["type"]
        return f"{'dict[str, Any]' if kind == 'object' else TYPES.get(kind, 'Any')} | None"


def write_request_fields(contract: JsonObject, templates: Path, package: Path) -> None:
    """Write the modules that declare the optional fields to the package."""
    # Both come with the generator.
    from jinja2 import Environment, FileSystemLoader
    from openapi_python_client import TEMPLATE_FILTERS

    environment = Environment(
        loader=FileSystemLoader(templates),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # It writes Python.
        autoescape=False,  # noqa: S701
    )
    environment.filters.update(TEMPLATE_FILTERS)
    fields = list(list_request_fields(contract))
    for name in TEMPLATES:
        text = environment.get_template(f"{name}.jinja").render(fields=fields)
        (package / name).write_text(text, encoding="utf-8")


def list_request_fields(contract: JsonObject) -> Iterator[RequestField]:
    """Yield the optional fields of the JSON that the contract's operation takes."""
    from openapi_python_client.strings import PythonIdentifier

    for operation, _ in list_operations(contract).values():
        body: Any = follow(contract, operation.get("requestBody")) or {}
        media: Mapping[str, Any] = body.get("content", {}).get("application/json", {})
        schema = flatten(contract, media.get("schema", {}))
        for name, node in schema.get("properties", {}).items():
            if name != NAMED_BY_HAND and name not in schema.get("required", ()):
                yield read_field(PythonIdentifier(name, PREFIX), name, node, contract)


def read_field(keyword: str, name: str, node: Any, contract: JsonObject) -> RequestField:
    """Return the field of a schema; one that takes values of several types has no type."""
    from openapi_python_client.strings import ClassName

    shapes = list_shapes(contract, node)
    others = [shape for shape in shapes if shape.kind != "null"]
    (shape,) = others if len(others) == 1 else [None]
    rule: dict[str, Any] = {
        "name": name,
        "type": shape.kind if shape else "any",
        "nullable": len(others) < len(shapes),
    }
    rule |= {limit: shape.keywords[limit] for limit in LIMITS if shape and limit in shape.keywords}
    if shape and shape.kind == "object" and shape.component:
        rule["model"] = str(ClassName(shape.component, PREFIX))
    description: str = flatten(contract, node).get("description", "")
    return RequestField(keyword, rule, description)
