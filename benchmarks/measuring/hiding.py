"""
Makes modules appear not to be installed.

The measured processes import this module, so it imports nothing that a client might import.
"""

import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


class Hider:
    """Keeps modules from being found, at the cost of a search for a missing one."""

    def __init__(self, hidden: Iterable[str]) -> None:
        """Take the names of the modules."""
        self._hidden = frozenset(hidden)

    def hide(self) -> None:
        """Hide them from now on."""
        place = sys.meta_path.index(PathFinder)
        sys.meta_path[place] = self

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Look for a module, for a hidden one under a name that nothing has."""
        name = f"{fullname} hidden" if fullname in self._hidden else fullname
        return PathFinder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        """Leave all else to Python's own finder, such as finding distributions."""
        return getattr(PathFinder, name)
