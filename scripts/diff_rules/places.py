"""A place in both contracts, and the direction of the data there."""

from dataclasses import dataclass, replace
from enum import Enum

from contract.model import JsonObject

from .changes import Change, ChangeClass


class Direction(Enum):
    """Which way the data goes: sent by callers, or returned to them."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True)
class Place:
    """
    The same place in the old and in the new contract.

    Attributes:
        old: The old contract.
        new: The new contract.
        direction: Which way the data goes here.
        path: Where users see it.
        home: Where the contract declares it.
        active: The pairs of schemas that are being compared around this one; they end a circle.
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
        """Return the same place inside a component; None for the place as it is."""
        return replace(self, home=component) if component else self

    def comparing(self, pair: str) -> "Place":
        """Return the same place with one more active pair of schemas."""
        return replace(self, active=self.active | {pair})

    def change(self, change_class: ChangeClass, message: str) -> Change:
        """Return a change at this place."""
        return Change(self.path, change_class, message, self.home)

    def narrowed(self, message: str) -> Change:
        """Return the change that fewer values pass, which breaks callers who send the others."""
        return self.change(self._outcome(Direction.REQUEST), message)

    def widened(self, message: str) -> Change:
        """Return the change that more values pass, which breaks callers who cannot handle them."""
        return self.change(self._outcome(Direction.RESPONSE), message)

    def _outcome(self, broken: Direction) -> ChangeClass:
        return ChangeClass.BREAKING if self.direction is broken else ChangeClass.ADDITIVE
