"""Checking a decoded request body against the contract's schema."""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import cache
from typing import Any, Protocol, cast

from jsonschema import Draft202012Validator  # type: ignore[import-untyped,unused-ignore]
from jsonschema.validators import extend  # type: ignore[import-untyped,unused-ignore]

from openrouter_rerank.local._contract.document import read_contract
from openrouter_rerank.local._models.ranker import proceed

REQUEST_SCHEMA = "#/components/schemas/CreateRerankRequestBody"
MAX_QUOTED_CHARS = 60
MAX_MESSAGE_CHARS = 300

_checkpoint: ContextVar[Callable[[], None]] = ContextVar("_checkpoint", default=proceed)
"""A validator makes others of its kind as it descends, which only know what the library gave it."""


class _Violation(Protocol):
    """The part of jsonschema's `ValidationError` that is used here."""

    message: str
    validator: str
    validator_value: object
    instance: object

    @property
    def absolute_path(self) -> Iterable[str | int]: ...

    @property
    def relative_path(self) -> Iterable[str | int]: ...

    @property
    def relative_schema_path(self) -> Iterable[str | int]: ...

    @property
    def context(self) -> "list[_Violation]": ...


class _Validator(Protocol):
    def iter_errors(self, instance: object) -> Iterable[_Violation]: ...


def find_violation(body: object, checkpoint: Callable[[], None] = proceed) -> str | None:
    """
    Say how a decoded request body breaks `CreateRerankRequestBody` of the contract.

    Args:
        body: The body; a million documents in it take 20 seconds.
        checkpoint: Called at each value; it raises to stop.

    Returns:
        One line that begins with the path of the field, such as
        `documents[3].text: 5 is not of type 'string'`, or None when the body is valid.
    """
    before = _checkpoint.set(checkpoint)
    try:
        for violation in _request_validator().iter_errors(body):
            return _describe(violation)
        return None
    finally:
        _checkpoint.reset(before)


@cache
def _request_validator() -> _Validator:
    schema = {"$ref": REQUEST_SCHEMA, "components": read_contract()["components"]}
    check_type = cast("Callable[..., Any]", Draft202012Validator.VALIDATORS["type"])

    def check_type_or_stop(*arguments: object) -> Any:
        _checkpoint.get()()
        return check_type(*arguments)

    # jsonschema's own annotations stop short of this function.
    extend_kind = cast("Callable[..., Callable[[object], object]]", extend)
    kind = extend_kind(Draft202012Validator, {"type": check_type_or_stop})
    return cast("_Validator", kind(schema))


def _describe(violation: _Violation) -> str:
    """Name the field and say what is wrong with it, quoting only a little of its value."""
    meant = _follow_branch(violation)
    path = list(meant.absolute_path)
    if meant.context:
        message = f"{meant.instance!r} is not of type {_list_types(meant)}"
    elif meant.validator == "required":
        path.append(_find_missing(meant))
        message = "required, but missing"
    else:
        message = meant.message
    return f"{_format_path(path)}: {_shorten(message, meant.instance)}"


def _follow_branch(violation: _Violation) -> _Violation:
    """Follow an `anyOf` to the violation in the one branch that takes a value of that type."""
    while violation.context:
        branches: dict[str | int, _Violation] = {}
        mistyped: set[str | int] = set()
        for inner in violation.context:
            branch = next(iter(inner.relative_schema_path))
            branches.setdefault(branch, inner)
            if inner.validator == "type" and not list(inner.relative_path):
                mistyped.add(branch)
        fitting = [inner for branch, inner in branches.items() if branch not in mistyped]
        if len(fitting) != 1:
            break
        violation = fitting[0]
    return violation


def _list_types(violation: _Violation) -> str:
    return " or ".join(
        repr(inner.validator_value) for inner in violation.context if inner.validator == "type"
    )


def _find_missing(violation: _Violation) -> str:
    """Return the first required property that the object lacks."""
    present = cast("dict[str, object]", violation.instance)
    required = cast("list[str]", violation.validator_value)
    return next(name for name in required if name not in present)


def _format_path(path: list[str | int]) -> str:
    """Write a path as code would: `documents[3].text`; the body itself is `body`."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).removeprefix(".") or "body"


def _shorten(message: str, instance: object) -> str:
    quoted = repr(instance)
    if len(quoted) > MAX_QUOTED_CHARS:
        message = message.replace(quoted, f"{quoted[:MAX_QUOTED_CHARS]}...", 1)
    return message[:MAX_MESSAGE_CHARS]
