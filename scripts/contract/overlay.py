"""
The overlay: our prose, our examples, and what upstream's document lacks.

OpenAPI Overlay 1.0.0, sections 4.3 and 4.4, with two additions. An action that selects nothing is
an error, unless it says `x-optional: true`. And `update` appends to an array only the items that it
lacks, so that applying an overlay twice gives the same as applying it once.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonpath_rfc9535 as jsonpath

from .model import ContractError, JsonList, JsonObject, is_list, is_object
from .rules.prose import PROSE

OPTIONAL = "x-optional"


@dataclass(frozen=True)
class Notice:
    """What a person should know about one action."""

    target: str
    message: str

    def __str__(self) -> str:
        """Return the notice as one line."""
        return f"overlay: {self.target} {self.message}"


@dataclass(frozen=True)
class _Action:
    target: str
    query: jsonpath.JSONPathQuery
    update: Any
    is_removal: bool
    is_optional: bool


def apply_overlay(document: JsonObject, overlay: JsonObject) -> tuple[JsonObject, list[Notice]]:
    """
    Return the document with every action applied in turn, and notices about the actions.

    A notice reports an optional action that selects nothing, one that overrides a value of
    upstream's, or one that is redundant: apart from prose, everything it says is already there. A
    removal right before an update is its first half, since Overlay 1.0 has no other way to replace;
    the two are redundant together.

    Raises:
        ContractError: It is no overlay, or an action cannot be applied or selects nothing.
    """
    document = copy.deepcopy(document)
    notices: list[Notice] = []
    removal: tuple[_Action, JsonObject] | None = None
    for action in _read_actions(overlay):
        nodes = list(action.query.find(document))
        if not nodes:
            notices.append(_refuse_idle(action))
        elif action.is_removal:
            removal = (action, copy.deepcopy(document))
            _remove_nodes(document, nodes, action)
        else:
            is_idle, overridden = _update_nodes(nodes, action)
            notices.extend(Notice(action.target, f"overrides {key}") for key in overridden)
            if removal and removal[1] == document:
                notices.append(Notice(removal[0].target, "is redundant, as is the update after it"))
            elif is_idle:
                notices.append(Notice(action.target, "is redundant: its change is already there"))
            removal = None
    return document, notices


def _refuse_idle(action: _Action) -> Notice:
    if not action.is_optional:
        raise ContractError(
            f"the overlay's action for {action.target} selects nothing: upstream may have dropped "
            f"it; fix the action, or mark it {OPTIONAL}: true"
        )
    return Notice(action.target, "selects nothing, as it may")


def _read_actions(overlay: JsonObject) -> Iterator[_Action]:
    version = overlay.get("overlay")
    if not isinstance(version, str) or not version.startswith("1.0."):
        raise ContractError("the overlay is not an OpenAPI Overlay 1.0 document")
    actions = overlay.get("actions")
    if not is_list(actions) or not actions:
        raise ContractError("the overlay has no actions")
    for number, action in enumerate(actions, start=1):
        if not is_object(action) or not isinstance(action.get("target"), str):
            raise ContractError(f"action {number} of the overlay has no target")
        yield _read_action(action)


def _read_action(action: JsonObject) -> _Action:
    target: str = action["target"]
    unknown = sorted(
        key
        for key in action.keys() - {"target", "description", "update", "remove"}
        if not key.startswith("x-")
    )
    if unknown:
        raise ContractError(f"the overlay's action for {target} has an unknown key {unknown[0]}")
    if ("update" in action) == bool(action.get("remove", False)):
        raise ContractError(f"the overlay's action for {target} needs either update or remove")
    try:
        query = jsonpath.compile(target)
    except jsonpath.JSONPathError as error:
        message = " ".join(str(error).split())
        raise ContractError(
            f"the overlay's target {target} is not a JSONPath: {message}"
        ) from error
    return _Action(
        target,
        query,
        action.get("update"),
        is_removal="update" not in action,
        is_optional=action.get(OPTIONAL) is True,
    )


def _remove_nodes(
    document: JsonObject, nodes: list[jsonpath.JSONPathNode], action: _Action
) -> None:
    for location in sorted((node.location for node in nodes), key=_order_for_removal):
        if not location:
            raise ContractError(f"the overlay's action for {action.target} would remove all")
        holder: Any = document
        for key in location[:-1]:
            holder = holder[key]
        del holder[location[-1]]


def _order_for_removal(location: tuple[int | str, ...]) -> tuple[int, int]:
    # The deepest and the last go first, so that no removal shifts the target of another one.
    index = location[-1] if location and isinstance(location[-1], int) else 0
    return (-len(location), -index)


def _update_nodes(nodes: list[jsonpath.JSONPathNode], action: _Action) -> tuple[bool, list[str]]:
    """
    Update what an action selected.

    Returns:
        Whether it added only prose, and the keys whose values it replaced.
    """
    structure = _without_prose(action.update)
    is_idle = bool(structure) and all(_contains(node.value, structure) for node in nodes)
    overridden = [key for node in nodes for key in _update(node.value, action)]
    return is_idle, overridden


def _update(selected: object, action: _Action) -> list[str]:
    if is_object(selected) and is_object(action.update):
        return list(_merge(selected, action.update))
    if not is_list(selected):
        raise ContractError(
            f"the overlay's action for {action.target} needs an object or a list to update"
        )
    _append(selected, [action.update])
    return []


def _merge(target: JsonObject, update: JsonObject) -> Iterator[str]:
    """Merge an update, and yield the path of each value that it replaced."""
    for key, value in update.items():
        present = target.get(key)
        if is_object(present) and is_object(value):
            yield from (f"{key}.{below}" for below in _merge(present, value))
        elif is_list(present) and is_list(value):
            _append(present, value)
        else:
            if key in target and key not in PROSE and present != value:
                yield key
            target[key] = copy.deepcopy(value)


def _append(target: JsonList, items: JsonList) -> None:
    target.extend(copy.deepcopy([item for item in items if item not in target]))


def _contains(present: object, update: object) -> bool:
    """Tell whether merging `update` would change nothing."""
    if is_object(present) and is_object(update):
        return all(key in present and _contains(present[key], update[key]) for key in update)
    if is_list(present):
        items = update if is_list(update) else [update]
        return all(item in present for item in items)
    return present == update


def _without_prose(update: object) -> Any:
    """Return an update without prose, and without objects that only held prose."""
    if not is_object(update):
        return update
    kept: JsonObject = {}
    for key, value in update.items():
        # A property may be called `description`; then an object stands there.
        if key in PROSE and (key.startswith("example") or not is_object(value)):
            continue
        bare = _without_prose(value)
        if bare != {} or value == {}:
            kept[key] = bare
    return kept
