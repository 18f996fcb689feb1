"""
Whether the hand-written client covers the contract, and which lines are missing.

The sources are parsed, not imported, so that a broken one is reported like any other.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any

from contract.model import ContractError, JsonObject
from diff_rules.operations import list_operations
from diff_rules.parameters import list_parameters
from diff_rules.references import follow
from diff_rules.shapes import flatten

from .problems import Problem
from .syntax import (
    find_definitions,
    find_value,
    list_constants,
    list_keywords,
    list_values,
    parse_module,
)

HOOKS = Path("hooks", "openrouter_rerank")
MODELS = Path("generated", "openrouter_rerank_api", "models", "__init__.py")
# What takes the fields of the request by name, and which field has another name there.
SIGNATURES: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("_rerank.py", "Rerank.rerank", {}),
    ("_rerank.py", "Rerank.rerank_async", {}),
    ("_rerank.py", "Rerank.rank", {"documents": "items"}),
    ("_rerank.py", "Rerank.rank_async", {"documents": "items"}),
    ("_call/arguments.py", "RerankArguments", {}),
    ("_codec/request.py", "encode_request", {}),
)
EXPORTS = ("components.py", "operations.py")
FIRST_ERROR = 300


def check_coverage(root: Path, contract: JsonObject) -> list[Problem]:
    """
    Return what the client lacks of the contract's only operation.

    Raises:
        ContractError: The contract has not exactly one operation, or a source cannot be read.
        OSError: A source cannot be read.
    """
    operations = list_operations(contract)
    if len(operations) != 1:
        raise ContractError(f"the contract has {len(operations)} operations, not 1")
    (operation,) = operations.values()
    parameters = list_parameters(operation, contract)
    headers = [node["name"] for (where, _), node in parameters.items() if where == "header"]
    others = [name for where, name in parameters if where != "header"]
    fields = [*list_fields(operation[0], contract), *others]
    return [
        *check_fields(root, fields),
        *check_headers(root, headers),
        *check_statuses(root, operation[0].get("responses", {})),
        *check_exports(root, contract.get("components", {}).get("schemas", {})),
    ]


def list_fields(operation: JsonObject, contract: JsonObject) -> list[str]:
    """Return the fields of the request's body."""
    body: Any = follow(contract, operation.get("requestBody")) or {}
    schemas = [media.get("schema", {}) for media in body.get("content", {}).values()]
    return [name for schema in schemas for name in flatten(contract, schema).get("properties", {})]


def check_fields(root: Path, fields: Iterable[str]) -> Iterator[Problem]:
    """
    Yield each field of the request that one of the `SIGNATURES` lacks.

    Raises:
        ContractError: A function or class of `SIGNATURES` does not exist.
    """
    keywords = [(field, to_keyword(field)) for field in fields]
    for file, name, renamed in SIGNATURES:
        path = HOOKS / file
        definitions = find_definitions(parse_module(root / path), name)
        if not definitions:
            raise ContractError(f"{path} does not define {name}")
        for definition in definitions:
            taken = list_keywords(definition)
            known = [taken[renamed.get(k, k)] for _, k in keywords if renamed.get(k, k) in taken]
            line = max(known, default=definition.lineno)
            for field, keyword in keywords:
                wanted = renamed.get(keyword, keyword)
                if wanted not in taken:
                    what = f"{name} has no keyword {wanted} for the field {field} of the request"
                    yield Problem(f"{path}:{line}", what, f"add {wanted} below this line")


def to_keyword(field: str) -> str:
    """Return a field's name as a keyword: `top_n` for `topN` and `top-n`, `from_` for `from`."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", field)
    name = re.sub(r"\W", "_", words).lower()
    return f"{name}_" if iskeyword(name) else name


def check_headers(root: Path, headers: Iterable[str]) -> Iterator[Problem]:
    """Yield each header parameter that the client does not send."""
    path = HOOKS / "_call" / "target.py"
    table = find_value(parse_module(root / path), "ATTRIBUTION_HEADERS", path)
    sent = {name.lower() for name in list_values(table)}
    line = max(list_values(table).values(), default=table.lineno)
    for name in headers:
        if name.lower() not in sent:
            what = f"the header {name} of the contract is never sent"
            yield Problem(f"{path}:{line}", what, "add it to ATTRIBUTION_HEADERS below this line")


def check_statuses(root: Path, statuses: Iterable[str]) -> Iterator[Problem]:
    """Yield each error status without a class of its own; `4XX` and `default` need none."""
    path = HOOKS / "errors" / "_statuses.py"
    table = find_value(parse_module(root / path), "STATUS_ERRORS", path)
    known = {int(status): line for status, line in list_constants(table).items()}
    for status in sorted(int(text) for text in map(str, statuses) if text.isdecimal()):
        if status >= FIRST_ERROR and status not in known:
            before = [line for other, line in known.items() if other < status]
            what = f"the status {status} of the contract has no class"
            fix = "define one and add it to STATUS_ERRORS below this line"
            yield Problem(f"{path}:{max(before, default=table.lineno)}", what, fix)


def check_exports(root: Path, schemas: Iterable[str]) -> Iterator[Problem]:
    """
    Yield each generated model that users cannot import by name.

    These are the models of the schemas that the contract names. The generator also makes classes
    for inline schemas and names them itself (`...Type0`, `...AdditionalProperty`): they are used as
    mappings, so nobody has to import them.
    """
    names = {re.sub(r"\W|_", "", name).lower() for name in schemas}
    exported: set[str | int] = set()
    for file in EXPORTS:
        exported |= read_all(root / HOOKS / file).keys()
    path = HOOKS / EXPORTS[0]
    line = find_value(parse_module(root / path), "__all__", path).lineno
    for model in read_all(root / MODELS):
        if str(model).lower() in names and model not in exported:
            other = HOOKS / EXPORTS[1]
            fix = f"import it and add it to __all__ there, or in {other}"
            yield Problem(f"{path}:{line}", f"the generated model {model} is not exported", fix)


def read_all(path: Path) -> dict[str | int, int]:
    """Return the line of each name in a module's `__all__`."""
    value: ast.expr = find_value(parse_module(path), "__all__", path)
    return list_constants(value)
