"""Checks of a contract before it is written: it is valid, and nothing is lost."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from .model import ContractError, JsonObject, is_list, is_object
from .names import refuse_unfit_names
from .rules.inlining import resolve
from .rules.media import SUCCESS, get_body_schema, get_operation
from .rules.replies import is_error
from .traversal import walk

MAX_MESSAGE = 300


@dataclass
class Inventory:
    """What users rely on: the statuses, the fields, and the required ones among them."""

    statuses: set[str] = field(default_factory=set[str])
    fields: set[str] = field(default_factory=set[str])
    required: set[str] = field(default_factory=set[str])


def validate_contract(document: JsonObject) -> JsonObject:
    """
    Return the document as it is, if it is valid OpenAPI 3.1 with names to generate code from.

    Raises:
        ContractError: It is not; the message gives the first error and its place.
    """
    # The validator would follow a reference anywhere, even to the network.
    for _, node in walk(document, "document"):
        if isinstance(node.get("$ref"), str):
            resolve(document, node["$ref"])
    # The validator may change its input, so it gets a copy.
    validator = OpenAPIV31SpecValidator(json.loads(json.dumps(document)))
    validator.schema_validator = _prepare_openapi_schema()
    for error in validator.iter_errors():
        where = "/".join(str(key) for key in error.absolute_path)
        message = " ".join(error.message.split())[:MAX_MESSAGE]
        raise ContractError(f"the contract is not valid OpenAPI, at {where or '/'}: {message}")
    return refuse_unfit_names(document)


@cache
def _prepare_openapi_schema() -> Any:
    """Return a validator for OpenAPI's own schema whose anchors are found once, ahead of use."""
    # The stock one looks through all of the schema again at each reference to an anchor.
    stock: Any = OpenAPIV31SpecValidator.schema_validator
    schema: JsonObject = dict(stock.schema)
    registry = EMPTY_REGISTRY.with_resource(schema["$id"], DRAFT202012.create_resource(schema))
    return Draft202012Validator({"$ref": schema["$id"]}, registry=registry.crawl())


def list_losses(before: JsonObject, after: JsonObject) -> list[str]:
    """
    List the statuses and the required fields that `before` has and `after` lacks.

    A field that became optional is not lost. Both documents have to be normalised, with every
    reference written out.
    """
    old, new = take_inventory(before), take_inventory(after)
    return [
        *(f"the status {status}" for status in sorted(old.statuses - new.statuses)),
        *(f"the required field {name}" for name in sorted(old.required - new.fields)),
    ]


def take_inventory(document: JsonObject) -> Inventory:
    """List what a normalised document declares, fields by their position in the operation."""
    operation = get_operation(document)
    inventory = Inventory()
    for position, schema in _list_bodies(operation, inventory):
        _collect(schema, position, inventory)
    return inventory


def _list_bodies(operation: JsonObject, inventory: Inventory) -> Iterator[tuple[str, JsonObject]]:
    yield "request", get_body_schema(operation["requestBody"]) or {}
    for status, reply in operation["responses"].items():
        inventory.statuses.add(status)
        schema = get_body_schema(reply)
        if schema is not None and (status == SUCCESS or is_error(status)):
            yield ("response" if status == SUCCESS else "error"), schema


def _collect(schema: Any, position: str, inventory: Inventory) -> None:
    if not is_object(schema):
        return
    properties = schema.get("properties")
    if is_object(properties):
        for name, child in properties.items():
            inventory.fields.add(f"{position}.{name}")
            _collect(child, f"{position}.{name}", inventory)
        required: Iterable[Any] = schema.get("required", ())
        inventory.required |= {f"{position}.{name}" for name in required if name in properties}
    _collect(schema.get("items"), f"{position}[]", inventory)
    _collect(schema.get("additionalProperties"), f"{position}{{}}", inventory)
    members = schema.get("anyOf")
    for member in members if is_list(members) else ():
        _collect(member, position, inventory)
