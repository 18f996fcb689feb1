"""Telling a caller's function of a request's steps, as httpcore does (its docs, "Extensions")."""

from typing import Any, Self

from .exchange import Request


class Step:
    """
    A step of a request, on a sync or an async connection.

    Attributes:
        outcome: What it came to.
    """

    outcome: object = None

    def __init__(self, name: str, request: Request) -> None:
        """Take its name, and the request, whose extension "trace" is the function."""
        self._name = name
        self._request = request
        self._trace: Any = request.extensions.get("trace")

    def __enter__(self) -> Self:
        """Tell of the beginning."""
        if self._trace is not None:
            self._trace(f"{self._name}.started", {"request": self._request})
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Tell of the end."""
        if self._trace is not None:
            self._trace(*self._describe_end(error))

    async def __aenter__(self) -> Self:
        """Tell of the beginning."""
        if self._trace is not None:
            await self._trace(f"{self._name}.started", {"request": self._request})
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Tell of the end."""
        if self._trace is not None:
            await self._trace(*self._describe_end(error))

    def _describe_end(self, error: BaseException | None) -> tuple[str, dict[str, object]]:
        if error is None:
            return f"{self._name}.complete", {"return_value": self.outcome}
        return f"{self._name}.failed", {"exception": error}
