"""Changes of operations: of what is sent and of what is answered."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from contract.model import JsonObject

from .access import compare_security, compare_servers
from .changes import Change, ChangeClass
from .parameters import compare_headers, compare_parameters
from .places import Direction, Place
from .references import follow
from .restrictions import show
from .schemas import compare_schemas

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Operation = tuple[JsonObject, JsonObject]


def compare_operations(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """
    Yield the changes of every operation; the path of each starts with it if there are several.

    Raises:
        ContractError: A reference leads nowhere.
    """
    before, after = list_operations(old), list_operations(new)
    names = list(dict.fromkeys([*before, *after]))
    for name in names:
        if name not in after:
            yield Change(name, ChangeClass.BREAKING, "operation removed")
        elif name not in before:
            yield Change(name, ChangeClass.ADDITIVE, "new operation")
        else:
            prefix = f"{name} " if len(names) > 1 else ""
            place = Place(old, new, Direction.REQUEST, prefix, prefix)
            yield from compare_operation(before[name], after[name], place)


def list_operations(document: JsonObject) -> dict[str, Operation]:
    """Return each operation with its path item, by method and path."""
    return {
        f"{method.upper()} {path}": (item[method], item)
        for path, node in document.get("paths", {}).items()
        for item in [follow(document, node)]
        for method in METHODS
        if method in item
    }


def compare_operation(old: Operation, new: Operation, place: Place) -> Iterator[Change]:
    """Yield the changes of one operation."""
    yield from compare_names(old[0], new[0], place)
    yield from compare_servers(old, new, place)
    yield from compare_security(old[0], new[0], place)
    yield from compare_parameters(old, new, place)
    yield from compare_bodies(old[0], new[0], place.below("request"))
    yield from compare_responses(old[0], new[0], place)


def compare_names(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield changes of the generated module's name, and of the operation's deprecation."""
    for keyword in ("operationId", "tags"):
        # The first tag is the name of the module's folder.
        before, after = (node.get(keyword) for node in (old, new))
        if keyword == "tags":
            before, after = before and before[0], after and after[0]
        if before != after:
            message = f"{keyword}: {show(before)} to {show(after)}"
            yield place.below("operation").change(ChangeClass.BREAKING, message)
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        message = "deprecated" if new.get("deprecated") else "no longer deprecated"
        yield place.below("operation").change(ChangeClass.ADDITIVE, message)


def compare_bodies(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield the changes of the request's body."""
    before: Any = follow(place.old, old.get("requestBody"))
    after: Any = follow(place.new, new.get("requestBody"))
    if before is None or after is None:
        if before is not None:
            yield place.change(ChangeClass.BREAKING, "no longer takes a body")
        elif after is not None:
            is_required = bool(after.get("required"))
            message = f"now {'needs' if is_required else 'takes'} a body"
            yield place.narrowed(message) if is_required else place.widened(message)
        return
    if bool(before.get("required")) != bool(after.get("required")):
        is_required = bool(after.get("required"))
        yield place.narrowed("now required") if is_required else place.widened("no longer required")
    yield from compare_contents(before, after, place)


def compare_contents(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield the changes of the media types of a body, and of the schema of each."""
    before: Mapping[str, JsonObject] = old.get("content", {})
    after: Mapping[str, JsonObject] = new.get("content", {})
    for media in dict.fromkeys([*before, *after]):
        if media not in after:
            yield place.change(ChangeClass.BREAKING, f"{media} removed")
        elif media not in before:
            yield place.change(ChangeClass.ADDITIVE, f"new media type {media}")
        else:
            several = len(after) > 1 and media != "application/json"
            here = place.below(f"({media})") if several else place
            yield from compare_schemas(
                before[media].get("schema", {}), after[media].get("schema", {}), here
            )


def compare_responses(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield the changes of the replies, by status."""
    before: JsonObject = old.get("responses", {})
    after: JsonObject = new.get("responses", {})
    for status in dict.fromkeys([*before, *after]):
        here = replace(place, direction=Direction.RESPONSE).below(f"response.{status}")
        if status not in after:
            yield here.change(ChangeClass.BREAKING, "status removed")
        elif status not in before:
            # A new success adds a type that a call may return; a new error is still an error.
            is_success = str(status).startswith("2")
            yield here.change(
                ChangeClass.BREAKING if is_success else ChangeClass.ADDITIVE, "new status"
            )
        else:
            reply = follow(place.old, before[status]), follow(place.new, after[status])
            yield from compare_contents(*reply, here)
            yield from compare_headers(*reply, here)
