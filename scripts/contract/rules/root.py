"""Rules for the document around the operation: its version, its flags, its security."""

import json

from contract.model import JsonList, JsonObject
from contract.traversal import rewrite


def write_version(document: JsonObject) -> JsonObject:
    """Call the document OpenAPI 3.1, whose way of writing null the rules produce."""
    return {**document, "openapi": "3.1.0"}


def drop_false_flags(document: JsonObject) -> JsonObject:
    """Drop `required: false` and `deprecated: false`, which are the defaults."""

    def visit(kind: str, node: JsonObject) -> JsonObject:
        if kind == "schema":
            return node
        flags = {"required", "deprecated", "allowEmptyValue"}
        return {key: value for key, value in node.items() if key not in flags or value is not False}

    return rewrite(document, "document", visit)


def name_security(document: JsonObject) -> JsonObject:
    """Name each HTTP scheme after its `scheme`, whatever upstream calls it."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    names = {name: _name_scheme(name, scheme) for name, scheme in schemes.items()}
    if len(set(names.values())) != len({json.dumps(s, sort_keys=True) for s in schemes.values()}):
        return document
    security: JsonList = []
    for requirement in document.get("security", []):
        renamed = {names[name]: scopes for name, scopes in requirement.items()}
        if renamed not in security:
            security.append(renamed)
    renamed_schemes = {names[name]: scheme for name, scheme in schemes.items()}
    return {
        **document,
        "security": security,
        "components": {**document.get("components", {}), "securitySchemes": renamed_schemes},
    }


def _name_scheme(name: str, scheme: JsonObject) -> str:
    return str(scheme.get("scheme", name)).lower() if scheme.get("type") == "http" else name
