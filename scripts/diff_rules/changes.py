"""
A change between two contracts: where it is, what it means to users, which version it needs.

cosmetic    prose, examples, order, extensions; the same requests and replies
open-enum   a value was added to or removed from `x-known-values`, which is only a hint
additive    what worked still works, and there is something new
breaking    a call, a type check or an import that worked may fail
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

Version = tuple[int, int, int]


class ChangeClass(IntEnum):
    """What a change means to users, in rising order of severity."""

    COSMETIC = 0
    OPEN_ENUM = 1
    ADDITIVE = 2
    BREAKING = 3

    @property
    def label(self) -> str:
        """The class as it is written in reports and on the command line."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Bump:
    """The part of the version to raise: `stable` from 1.0 on, `initial` before; "none" for none."""

    stable: str
    initial: str


# Known values and prose are hints and never types, so they can wait for the next release.
BUMPS = {
    ChangeClass.COSMETIC: Bump("none", "none"),
    ChangeClass.OPEN_ENUM: Bump("none", "none"),
    ChangeClass.ADDITIVE: Bump("minor", "minor"),
    ChangeClass.BREAKING: Bump("major", "minor"),
}


@dataclass(frozen=True)
class Change:
    """
    One change.

    Attributes:
        path: Where users see it, as in `request.provider.sort` or `response.200.results[].index`;
            outside of any field, a JSON pointer (RFC 6901, section 6).
        change_class: What it means to users.
        message: What changed.
        home: Where the contract declares it, as in `ErrorData.code`; the same as `path` outside of
            components.
        also: The other places where users see the same change.
    """

    path: str
    change_class: ChangeClass
    message: str
    home: str = ""
    also: tuple[str, ...] = field(default=())


def merge_changes(changes: Iterable[Change]) -> list[Change]:
    """
    Merge the changes that a shared component shows in several places; the worst class comes first.

    A component used in both requests and replies keeps one change for each direction if the two
    differ in class or in message.
    """
    merged: dict[tuple[str, ChangeClass, str], Change] = {}
    for change in changes:
        key = (change.home or change.path, change.change_class, change.message)
        first = merged.setdefault(key, change)
        if change.path not in {first.path, *first.also}:
            merged[key] = replace(first, also=(*first.also, change.path))
    return sorted(merged.values(), key=lambda change: -change.change_class)


def weigh(changes: Iterable[Change]) -> ChangeClass | None:
    """Return the greatest class among the changes; None if there are none."""
    return max((change.change_class for change in changes), default=None)


def find_bump(changes: Iterable[Change]) -> Bump:
    """Return the part of the version to raise."""
    total = weigh(changes)
    return Bump("none", "none") if total is None else BUMPS[total]


def next_breaking_version(version: Version) -> Version:
    """
    Return the least version that may break what `version` promised.

    Before 1.0 that is the next minor version: Semantic Versioning, section 4, allows anything
    there, and pip's `~=0.1.0` keeps to the minor version.
    """
    major, minor, _ = version
    return (major + 1, 0, 0) if major else (0, minor + 1, 0)
