"""References of an OpenAPI document, followed and written."""

from typing import Any

from contract.model import ContractError, JsonObject, is_object
from contract.rules.inlining import resolve


def follow(document: JsonObject, node: Any) -> Any:
    """
    Return the node at the end of a chain of references; any other node is returned as it is.

    Raises:
        ContractError: The chain leads nowhere, or back to itself.
    """
    passed: set[str] = set()
    while is_object(node) and "$ref" in node:
        reference = str(node["$ref"])
        if reference in passed:
            raise ContractError(f"the reference {reference} leads back to itself")
        passed.add(reference)
        node = resolve(document, reference)
    return node


def escape(key: str) -> str:
    """Return a key as one step of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
