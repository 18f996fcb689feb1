"""What all steps share: plain JSON data, the form of a step, and the error that ends a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

JsonObject = dict[str, Any]
JsonList = list[Any]


class ContractError(Exception):
    """The contract cannot be made; the message says in one line what a person can do."""


@dataclass(frozen=True)
class Step:
    """One rule of the pipeline: a pure function from document to document, and its reason."""

    name: str
    why: str
    apply: Callable[[JsonObject], JsonObject]


def is_object(value: object) -> TypeGuard[JsonObject]:
    """Tell whether the value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[JsonList]:
    """Tell whether the value is a JSON array."""
    return isinstance(value, list)
