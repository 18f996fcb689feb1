"""A request's body, for async calls."""

from collections.abc import AsyncIterator

import httpx


class Upload(httpx.AsyncByteStream):
    """
    A request's body, for async calls.

    httpx's own is read by a generator. Trio warns of a generator that is left in the middle, which
    is where a cancelled call leaves it.
    """

    def __init__(self, content: bytes) -> None:
        """Take the whole body."""
        self._content = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Begin to read."""
        return UploadReader(self._content)


class UploadReader:
    """Gives a body once."""

    def __init__(self, content: bytes) -> None:
        """Take the whole body."""
        self._parts = iter((content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the body, then end."""
        for part in self._parts:
            return part
        raise StopAsyncIteration
