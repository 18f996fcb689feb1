"""The comparison of two contracts as a list of changes, as text and as JSON."""

import json
from collections.abc import Sequence

from contract.model import JsonObject

from .changes import Change, ChangeClass, find_bump, merge_changes, weigh
from .classes import compare_classes
from .operations import compare_operations
from .texts import compare_texts

SHOWN_CHARACTERS = 500


def compare_contracts(old: JsonObject, new: JsonObject) -> list[Change]:
    """
    Return every change from one contract to the other, the breaking ones first.

    Contracts that are written differently have at least one change, and equal ones have none.

    Raises:
        ContractError: A reference leads nowhere.
    """
    changes = merge_changes(
        [
            *compare_operations(old, new),
            *compare_classes(old, new),
            *compare_texts(old, new),
        ]
    )
    if not changes and json.dumps(old, default=str) != json.dumps(new, default=str):
        changes = [Change("#", ChangeClass.COSMETIC, "written differently, with the same meaning")]
    return changes


def write_text(changes: Sequence[Change]) -> str:
    """
    Return the changes as Markdown that also reads well as plain text.

    Text from the contracts goes into code spans and can neither leave them nor break a line, so
    that a description of upstream's cannot put links or mentions into a pull request.
    """
    total = weigh(changes)
    if total is None:
        return "The contracts are equal; no new version is called for.\n"
    bump = find_bump(changes)
    calls = {
        "none": "it calls for no new version",
        "minor": "it calls for a new minor version",
        "major": "it calls for a new major version (before 1.0: a new minor version)",
    }[bump.stable]
    lines = [f"The change is {total.label}: {calls}."]
    for change_class in sorted(ChangeClass, reverse=True):
        group = [change for change in changes if change.change_class is change_class]
        if group:
            lines += ["", f"{change_class.label} ({len(group)}):", ""]
            lines += [f"- {write_line(change)}" for change in group]
    return "\n".join(lines) + "\n"


def write_line(change: Change) -> str:
    """Return a change as one line."""
    count = len(change.also)
    more = f" (and {count} more place{'s' if count > 1 else ''})" if count else ""
    return f"{quote(change.path)}{more}: {quote(change.message)}"


def quote(text: str) -> str:
    """Return text as a Markdown code span on one line, cut if it is very long."""
    line = "".join(character if character.isprintable() else " " for character in text)
    if len(line) > SHOWN_CHARACTERS:
        line = f"{line[:SHOWN_CHARACTERS]}..."
    return f"`{line.replace('`', chr(39))}`"


def write_json(changes: Sequence[Change]) -> str:
    """
    Return the changes as a JSON object, for programs.

    `class` is the greatest class, null without changes; `bump` and `bump_before_1_0` are the part
    of the version to raise, "major", "minor" or "none".
    """
    total, bump = weigh(changes), find_bump(changes)
    report = {
        "class": None if total is None else total.label,
        "bump": bump.stable,
        "bump_before_1_0": bump.initial,
        "changes": [
            {
                "class": change.change_class.label,
                "path": change.path,
                "also": list(change.also),
                "message": change.message,
            }
            for change in changes
        ],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
