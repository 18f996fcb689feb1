"""
References, followed and written out.

With every reference written out, a rule sees only one kind of schema, and no rule depends on the
names of upstream's components or on whether there are any. Naming brings references back.
"""

from typing import Any

from contract.model import ContractError, JsonObject, is_list, is_object
from contract.traversal import GRAMMAR

MAX_INLINED_NODES = 200_000
MAX_INLINED_DEPTH = 100


def resolve(document: JsonObject, reference: str) -> JsonObject:
    """
    Return the object that a reference such as `#/components/schemas/Result` points to.

    Raises:
        ContractError: It points out of the document (to a file or the network), to nothing, or to
            something other than an object (RFC 6901, section 4).
    """
    if not reference.startswith("#/"):
        raise ContractError(f"the reference {reference} leads out of the document")
    node: Any = document
    for token in split_pointer(reference):
        if is_object(node) and token in node:
            node = node[token]
        elif is_list(node) and token.isascii() and token.isdigit() and int(token) < len(node):
            node = node[int(token)]
        else:
            raise ContractError(f"the reference {reference} leads nowhere")
    if node is True:
        return {}
    if not is_object(node):
        raise ContractError(f"the reference {reference} leads to what is not an object")
    return node


def split_pointer(reference: str) -> list[str]:
    """Return the keys of a local reference (RFC 6901, sections 3 and 6)."""
    return [token.replace("~1", "/").replace("~0", "~") for token in reference.split("/")[1:]]


def inline_references(document: JsonObject) -> JsonObject:
    """
    Write out every reference of the operation; the only components left are security schemes.

    Raises:
        ContractError: A reference is dangling or circular, or the written-out operation nests more
            than `MAX_INLINED_DEPTH` deep or has more than `MAX_INLINED_NODES` objects.
    """
    inliner = _Inliner(document)
    inlined = {key: value for key, value in document.items() if key not in {"components", "paths"}}
    inlined["paths"] = {
        "/rerank": {"post": inliner.write_out(document["paths"]["/rerank"]["post"], "operation")}
    }
    schemes = document.get("components", {}).get("securitySchemes", {})
    if schemes:
        inlined["components"] = {
            "securitySchemes": {
                name: inliner.write_out(scheme, "security") for name, scheme in schemes.items()
            }
        }
    return inlined


class _Inliner:
    """Writes references out, within limits that stop a bomb of references."""

    def __init__(self, document: JsonObject) -> None:
        self._document = document
        self._nodes = 0

    def write_out(
        self, node: JsonObject, kind: str, depth: int = 0, chain: tuple[str, ...] = ()
    ) -> JsonObject:
        self._nodes += 1
        if self._nodes > MAX_INLINED_NODES:
            raise ContractError(f"the operation has more than {MAX_INLINED_NODES} objects")
        if depth > MAX_INLINED_DEPTH:
            raise ContractError(f"the operation nests more than {MAX_INLINED_DEPTH} deep")
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._follow(node, reference, kind, depth, chain)
        grammar = GRAMMAR[kind]
        return {
            key: self._write_out_value(value, grammar.get(key), depth, chain)
            for key, value in node.items()
        }

    def _follow(
        self, node: JsonObject, reference: str, kind: str, depth: int, chain: tuple[str, ...]
    ) -> JsonObject:
        if reference in chain:
            raise ContractError(f"circular reference: {' -> '.join((*chain, reference))}")
        target = resolve(self._document, reference)
        written = self.write_out(target, kind, depth + 1, (*chain, reference))
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        if kind != "schema" or not siblings:
            # Next to a reference that is not a schema's, only prose is allowed (OpenAPI 3.1,
            # Reference Object).
            return written
        return {"allOf": [written, self.write_out(siblings, kind, depth + 1, chain)]}

    def _write_out_value(
        self, value: Any, role: str | None, depth: int, chain: tuple[str, ...]
    ) -> Any:
        container, _, kind = (role or "").rpartition(":")
        if not kind:
            return value
        if container == "map" and is_object(value):
            return {
                key: self._write_out_value(child, kind, depth, chain)
                for key, child in value.items()
            }
        if container == "list" and is_list(value):
            return [self._write_out_value(child, kind, depth, chain) for child in value]
        if container or not is_object(value):
            return value
        return self.write_out(value, kind, depth + 1, chain)
