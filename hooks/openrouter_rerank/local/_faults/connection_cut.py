"""Cutting the connection of a request, which ASGI itself does not offer."""

from enum import Enum, auto
from typing import Protocol, cast

from starlette.types import Scope

CUT_EXTENSION = "openrouter_rerank.cut"


class Cut(Enum):
    """How a connection ends: `CLOSED` delivers what was sent before, `RESET` may not."""

    CLOSED = auto()
    RESET = auto()


class Cutter(Protocol):
    """Cuts the connection of one request, and returns when it is cut."""

    async def __call__(self, cut: Cut) -> None:
        """
        Cut the connection.

        Raises:
            ConnectionCutError: There is no socket; the in-memory transport tells the client.
        """
        ...


class ConnectionCutError(Exception):
    """
    The client must see a broken connection.

    Args:
        cut: How it is broken.
    """

    def __init__(self, cut: Cut) -> None:
        super().__init__(f"the connection was cut: {cut.name.lower()}")
        self.cut = cut


def offer_cutter(scope: Scope, cutter: Cutter) -> None:
    """Let the application cut the connection of this request."""
    scope.setdefault("extensions", {})[CUT_EXTENSION] = {"cut": cutter}


def find_cutter(scope: Scope) -> Cutter | None:
    """Return what `offer_cutter` left, None if the server cannot cut."""
    extension = scope.get("extensions", {}).get(CUT_EXTENSION)
    return None if extension is None else cast("Cutter", extension["cut"])
