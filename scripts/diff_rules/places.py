"""Where in two contracts a comparison stands, and which way the data goes there."""

from dataclasses import dataclass, replace
from enum import Enum

from contract.model import JsonObject

from .changes import Change, ChangeClass


class Direction(Enum):
    """Which way the data goes: what callers send, or what they are given."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True)
class Place:
    """
    The same place in the old and in the new contract.

    Attributes:
        old: The old contract.
        new: The new contract.
        direction: Which way the data at this place goes.
        path: Where users meet it.
        home: Where it stands in the contract.
        active: The pairs of schemas being compared on the way here; a circle ends at one of them.
    """

    old: JsonObject
    new: JsonObject
    direction: Direction
    path: str
    home: str
    active: frozenset[str] = frozenset()

    def below(self, suffix: str) -> "Place":
        """Return the place that `suffix`, such as `.model` or `[]`, leads to."""
        return replace(self, path=self.path + suffix, home=self.home + suffix)

    def inside(self, component: str | None) -> "Place":
        """Return the same place as part of the component that it refers to, if it does."""
        return replace(self, home=component) if component else self

    def comparing(self, pair: str) -> "Place":
        """Return the same place with one more pair of schemas on the way to it."""
        return replace(self, active=self.active | {pair})

    def change(self, change_class: ChangeClass, message: str) -> Change:
        """Return a change at this place."""
        return Change(self.path, change_class, message, self.home)

    def narrowed(self, message: str) -> Change:
        """Return that fewer values pass: a caller may send one of those that no longer do."""
        return self.change(self._outcome(Direction.REQUEST), message)

    def widened(self, message: str) -> Change:
        """Return that more values pass: a caller may be given one that it never had to handle."""
        return self.change(self._outcome(Direction.RESPONSE), message)

    def _outcome(self, broken: Direction) -> ChangeClass:
        return ChangeClass.BREAKING if self.direction is broken else ChangeClass.ADDITIVE
