"""What a check of the tree returns: the problems found, each with its fix."""

from dataclasses import dataclass


class NotComparableError(Exception):
    """There is nothing to compare with yet; the message is the reason."""


@dataclass(frozen=True)
class Problem:
    """
    Something in the tree that no longer fits.

    Attributes:
        where: A file, from the root of the tree, with the line if one is to be changed.
        what: What is wrong there.
        fix: The command to run or the change to make.
    """

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        """Return the problem as one line."""
        return " ".join(f"{self.where}: {self.what}; {self.fix}".split())
