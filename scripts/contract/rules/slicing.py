"""The rerank operation and all that it refers to, cut out of upstream's document."""

from typing import Any

from contract.model import ContractError, JsonList, JsonObject, is_list, is_object
from contract.traversal import walk

from .inlining import resolve, split_pointer

PATH = "/rerank"
METHOD = "post"
RETRY_EXTENSIONS = ("x-retry-strategy", "x-speakeasy-retries")

_OPERATION_KEYS = ("deprecated", "operationId", "requestBody", "responses", "tags")
# Header parameters of these names have to be ignored (OpenAPI 3.1, Parameter Object).
_IGNORED_HEADERS = frozenset({"accept", "authorization", "content-type"})


def slice_operation(document: JsonObject) -> JsonObject:
    """
    Keep POST /rerank, what it refers to, and the root's servers, security and retries.

    Raises:
        ContractError: The document is not OpenAPI 3, lacks the operation or its parts, or a
            reference is dangling.
    """
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith("3."):
        raise ContractError("the document is not OpenAPI 3: it has no `openapi: 3.x`")
    item = find_path_item(document)
    operation = _take_operation(document, item)
    security = operation.pop("security")
    sliced: JsonObject = {
        "openapi": version,
        "info": document["info"] if is_object(document.get("info")) else {},
        "servers": _find_servers(document, item),
        "security": security,
        "tags": _find_tags(document, operation),
        **{name: document[name] for name in RETRY_EXTENSIONS if name in document},
        "paths": {PATH: {METHOD: operation}},
        "components": {"securitySchemes": _find_schemes(document, security)},
    }
    _copy_referenced(document, sliced)
    return sliced


def find_path_item(document: JsonObject) -> JsonObject:
    """
    Return the path item of /rerank, with its reference followed.

    Raises:
        ContractError: There is none.
    """
    paths = document.get("paths")
    item = paths.get(PATH) if is_object(paths) else None
    if not is_object(item):
        raise ContractError(f"the document has no path {PATH}")
    passed: set[str] = set()
    while isinstance(item.get("$ref"), str):
        reference: str = item["$ref"]
        if reference in passed:
            raise ContractError(f"circular reference: {reference}")
        passed.add(reference)
        item = {**resolve(document, reference), **{k: v for k, v in item.items() if k != "$ref"}}
    return item


def _take_operation(document: JsonObject, item: JsonObject) -> JsonObject:
    found = item.get(METHOD)
    if not is_object(found):
        raise ContractError(f"the document has no {METHOD.upper()} {PATH}")
    for key in ("requestBody", "responses"):
        if not is_object(found.get(key)):
            raise ContractError(f"{METHOD.upper()} {PATH} has no {key}")
    operation: JsonObject = {key: found[key] for key in _OPERATION_KEYS if key in found}
    parameters = _merge_parameters(document, item, found)
    if parameters:
        operation["parameters"] = parameters
    operation["security"] = found.get("security", document.get("security", []))
    return operation


def _merge_parameters(document: JsonObject, item: JsonObject, operation: JsonObject) -> JsonList:
    """Return the parameters of the operation and its path; the operation's own take precedence."""
    merged: dict[tuple[str, str], Any] = {}
    for holder in (item, operation):
        for parameter in _as_list(holder.get("parameters"), "parameters"):
            if not is_object(parameter):
                raise ContractError("a parameter is not an object")
            reference = parameter.get("$ref")
            target = resolve(document, reference) if isinstance(reference, str) else parameter
            key = (str(target.get("in")), str(target.get("name")))
            if key[0] != "header" or key[1].lower() not in _IGNORED_HEADERS:
                merged[key] = parameter
    return [merged[key] for key in sorted(merged)]


def _find_servers(document: JsonObject, item: JsonObject) -> JsonList:
    for holder in (item[METHOD], item, document):
        servers = _as_list(holder.get("servers"), "servers")
        if servers:
            return servers
    raise ContractError("the document names no server")


def _find_tags(document: JsonObject, operation: JsonObject) -> JsonList:
    used = _as_list(operation.get("tags"), "tags")
    known = [tag for tag in _as_list(document.get("tags"), "tags") if is_object(tag)]
    declared = {tag.get("name"): tag for tag in known}
    return [declared.get(name, {"name": name}) for name in used]


def _find_schemes(document: JsonObject, security: Any) -> JsonObject:
    components = document.get("components")
    schemes = components.get("securitySchemes") if is_object(components) else None
    found: JsonObject = {}
    for requirement in _as_list(security, "security"):
        for name in requirement if is_object(requirement) else ():
            if not is_object(schemes) or not is_object(schemes.get(name)):
                raise ContractError(f"the security scheme {name} is not declared")
            found[name] = schemes[name]
    return found


def _copy_referenced(document: JsonObject, sliced: JsonObject) -> None:
    """Add what `sliced` refers to, as whole components or whole paths."""
    waiting = [(kind, node) for kind, node in walk(sliced, "document")]
    seen: set[str] = set()
    while waiting:
        kind, node = waiting.pop()
        reference = node.get("$ref")
        if not isinstance(reference, str) or reference in seen:
            continue
        seen.add(reference)
        target = resolve(document, reference)
        keys = split_pointer(reference)
        _copy_entry(document, sliced, keys[: 3 if keys[0] == "components" else 2])
        waiting.extend(walk(target, kind))


def _copy_entry(document: JsonObject, sliced: JsonObject, keys: list[str]) -> None:
    source, holder = document, sliced
    for key in keys[:-1]:
        source, holder = source[key], holder.setdefault(key, {})
    if is_object(holder) and (len(keys) > 1 or keys[0] not in holder):
        holder.setdefault(keys[-1], source[keys[-1]])


def _as_list(value: Any, name: str) -> JsonList:
    if value is None:
        return []
    if not is_list(value):
        raise ContractError(f"`{name}` is not a list")
    return value
