"""The body of an async request."""

from collections.abc import AsyncIterator

import httpx


class Upload(httpx.AsyncByteStream):
    """
    The body of an async request, as one chunk.

    httpx reads its own body with a generator. A cancelled call abandons that generator halfway, and
    trio warns about that.
    """

    def __init__(self, content: bytes) -> None:
        """Take the whole body."""
        self._content = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Start to read."""
        return UploadReader(self._content)


class UploadReader:
    """Yields the body once."""

    def __init__(self, content: bytes) -> None:
        """Take the whole body."""
        self._chunks = iter((content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the body, then end."""
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration
