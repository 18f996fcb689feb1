"""What upstream may do to its document, one change each, and what is to come of it."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contract.model import is_list, is_object
from contract.rules.nulls import list_types
from diff_rules.changes import ChangeClass
from upstream import Json, build_upstream, get_operation, get_reply, get_request, get_schemas

Change = Callable[[Json], None]
Write = Callable[[Json, str], Json]


def build_document() -> Json:
    """Return the synthetic document, served where the client's tests expect it."""
    document = build_upstream()
    document["servers"][0]["url"] = "https://openrouter.ai/api/v1"
    return document


@dataclass(frozen=True)
class Variant:
    """
    One change of upstream's.

    Attributes:
        change: Makes it.
        change_class: The class that diff gives; None if the contract stays the same.
        keeps_python: Whether the generated Python stays the same.
    """

    change: Change
    change_class: ChangeClass | None
    keeps_python: bool = False


def add_fields(document: Json) -> None:
    """Add a field to the request and one to the reply, an object and a list of objects."""
    hint = {"type": "object", "properties": {"weight": {"type": "number"}}}
    get_request(document)["properties"]["rank_hint"] = hint
    warning = {"type": "object", "properties": {"text": {"type": "string"}}}
    get_reply(document)["properties"]["warnings"] = {"type": "array", "items": warning}


def add_odd_fields(document: Json) -> None:
    """Add fields with names that Python has other uses for, and one that may be anything."""
    for name in ("class", "top-k", "self", "body"):
        get_request(document)["properties"][name] = {"type": "string"}
    for name in ("from", "self", "pass"):
        get_reply(document)["properties"][name] = {"type": ["integer", "null"]}
    get_reply(document)["properties"]["extra"] = True


def add_status(document: Json) -> None:
    """Declare an error that was never declared."""
    replies = get_operation(document)["responses"]
    replies["418"] = copy.deepcopy(replies["400"])


def add_ranges(document: Json) -> None:
    """Declare all other errors at once."""
    replies = get_operation(document)["responses"]
    for status in ("4XX", "5XX", "default"):
        replies[status] = copy.deepcopy(replies["400"])


def change_an_envelope(document: Json) -> None:
    """Add a field to the error of one status alone."""
    get_schemas(document)["ClosedData"]["properties"]["until"] = {"type": "string"}


def grow_enums(document: Json) -> None:
    """Let two enums grow, one of them in two places."""
    schemas = get_schemas(document)
    schemas["Vendor"]["enum"].append("Novel")
    schemas["Sorting"]["enum"].insert(0, "novelty")


def take_strings_alone(document: Json) -> None:
    """Take no documents but strings, and give none but texts, as in 2026-04."""
    texts = {"type": "array", "items": {"type": "string"}}
    get_request(document)["properties"]["documents"] = texts
    result = get_reply(document)["properties"]["results"]["items"]
    result["properties"]["document"] = {
        "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"],
    }  # fmt: skip


def require_less(document: Json) -> None:
    """Promise no longer that a reply names its model, nor that a result has its document."""
    get_reply(document)["required"] = ["results"]
    result = get_reply(document)["properties"]["results"]["items"]
    result["required"] = ["index", "relevance_score"]


def take_null(document: Json) -> None:
    """Let a price be null, and the documents of results."""
    prices = get_schemas(document)["Preferences"]["properties"]["max_price"]["properties"]
    prices["image"] = {"type": ["string", "null"]}
    properties = get_reply(document)["properties"]["results"]["items"]["properties"]
    properties["document"] = {**properties["document"], "type": ["object", "null"]}


def rename_schemas(document: Json) -> None:
    """Call schemas something else."""
    text = json.dumps(document).replace("Preferences", "Wishes").replace("Reply", "Trouble")
    document.update(json.loads(text))


def add_media_types(document: Json) -> None:
    """Offer other media types for the request and for an error."""
    operation = get_operation(document)
    operation["requestBody"]["content"]["multipart/form-data"] = {"schema": {"type": "object"}}
    operation["responses"]["503"]["content"]["text/html"] = {"schema": {"type": "string"}}


def add_path_parameter(document: Json) -> None:
    """Declare a header on the path."""
    document["paths"]["/rerank"]["parameters"] = [
        {"name": "X-Region", "in": "header", "schema": {"type": "string"}},
    ]


def shuffle(document: Json) -> None:
    """Turn the order of all keys and lists around that are sets."""

    def turn(node: Any) -> Any:
        if is_object(node):
            sets = {key: list(reversed(node[key])) for key in ("required", "enum", "anyOf")
                    if is_list(node.get(key))}  # fmt: skip
            turned = {**node, **sets}
            return {key: turn(turned[key]) for key in reversed(turned)}
        return [turn(item) for item in node] if is_list(node) else node

    turned = turn(document)
    document.clear()
    document.update(turned)


def title_everything(document: Json) -> None:
    """Give titles, which the generator would make classes of, and another name of the operation."""
    get_operation(document).update(operationId="doRank", tags=["Ranking"], summary="Other words")
    get_request(document)["title"] = "Ask"
    get_reply(document)["properties"]["results"]["items"]["title"] = "Hit"


def inline_prices(document: Json) -> None:
    """Write each price as a decorated reference to a schema that is just a string."""
    get_schemas(document)["Decimal"] = {"type": "string", "description": "Words of theirs"}
    decimal = {"$ref": "#/components/schemas/Decimal"}
    prices = get_schemas(document)["Preferences"]["properties"]["max_price"]["properties"]
    for name in prices:
        prices[name] = {"allOf": [decimal, {"description": "Words of theirs"}]}


def exclude_zero(document: Json) -> None:
    """Write the bound of `top_n` as in 2026-04, and leave out the least number of documents."""
    properties = get_request(document)["properties"]
    properties["top_n"] = {"type": "integer", "minimum": 0, "exclusiveMinimum": 0}
    del properties["documents"]["minItems"]


def rewrite_nulls(document: Json, write: Write) -> None:
    """Write every null of the document in another way, given the schema without it and its type."""

    def visit(node: Any) -> Any:
        if is_list(node):
            return [visit(item) for item in node]
        if not is_object(node):
            return node
        kept = {key: visit(value) for key, value in node.items()}
        types = list_types(kept)
        if len(types) != 2 or "null" not in types:
            return kept
        kind = next(name for name in types if name != "null")
        return write({key: value for key, value in kept.items() if key != "type"}, kind)

    document.update(visit(document))


def write_null(write: Write) -> Change:
    """Return the change that writes nulls in a way."""
    return lambda document: rewrite_nulls(document, write)


VARIANTS = {
    "fields": Variant(add_fields, ChangeClass.ADDITIVE),
    "odd fields": Variant(add_odd_fields, ChangeClass.ADDITIVE),
    "status": Variant(add_status, ChangeClass.ADDITIVE),
    "status ranges": Variant(add_ranges, ChangeClass.ADDITIVE),
    "another envelope": Variant(change_an_envelope, ChangeClass.BREAKING),
    "grown enums": Variant(grow_enums, ChangeClass.OPEN_ENUM, keeps_python=True),
    "strings alone": Variant(take_strings_alone, ChangeClass.BREAKING),
    "less required": Variant(require_less, ChangeClass.BREAKING),
    "null taken": Variant(take_null, ChangeClass.BREAKING),
    "renamed": Variant(rename_schemas, None, keeps_python=True),
    "media types": Variant(add_media_types, None, keeps_python=True),
    "path parameter": Variant(add_path_parameter, ChangeClass.ADDITIVE),
    "other order": Variant(shuffle, None, keeps_python=True),
    "other words": Variant(title_everything, None, keeps_python=True),
    "prices inlined": Variant(inline_prices, None, keeps_python=True),
    "other bounds": Variant(exclude_zero, None, keeps_python=True),
    "null as a flag": Variant(
        write_null(lambda rest, kind: {**rest, "type": kind, "nullable": True}),
        None,
        keeps_python=True,
    ),
    "null as an alternative": Variant(
        write_null(lambda rest, kind: {"anyOf": [{**rest, "type": kind}, {"type": "null"}]}),
        None,
        keeps_python=True,
    ),
    "null first": Variant(
        write_null(lambda rest, kind: {"oneOf": [{"nullable": True}, {**rest, "type": kind}]}),
        None,
        keeps_python=True,
    ),
    "null as a constant": Variant(
        write_null(lambda rest, kind: {"anyOf": [{**rest, "type": kind}, {"const": None}]}),
        None,
        keeps_python=True,
    ),
    "null as decoration": Variant(
        write_null(lambda rest, kind: {"allOf": [{**rest, "type": kind}, {"nullable": True}]}),
        None,
        keeps_python=True,
    ),
}
