"""The marker of a field that is absent, unlike one that is null."""

from typing import Final, Literal


class Unset:
    """The type of UNSET, which is its only value."""

    __slots__ = ()

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        # By its name, so that a copy and what comes out of a pickle are UNSET itself.
        return "UNSET"


UNSET: Final = Unset()
