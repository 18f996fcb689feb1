"""Sending over httpx2's clients and transports as over httpx's."""

import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import httpx

from .auth import strip_key
from .buffered_response import BufferedResponse


class Httpx2Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An `httpx2.BaseTransport`, or an `httpx2.AsyncBaseTransport`."""

    def __init__(self, own: Any) -> None:
        """Take the caller's transport."""
        self._own = own

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the reply is not yet read."""
        with mapped_errors(request):
            return convert_reply(self._own.handle_request(convert(request, "httpx2")), request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the reply is not yet read."""
        with mapped_errors(request):
            response = await self._own.handle_async_request(convert(request, "httpx2"))
            return convert_reply(response, request)

    def close(self) -> None:
        """Close its connections."""
        self._own.close()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._own.aclose()


class Httpx2Client(Httpx2Transport):
    """An `httpx2.Client` or an `httpx2.AsyncClient`, which sends like a transport."""

    def __init__(self, own: Any) -> None:
        """Take the caller's client, which is used as it is and never closed."""
        send = partial(own.send, stream=True, auth=None, follow_redirects=False)
        super().__init__(SimpleNamespace(handle_request=send, handle_async_request=send))
        self._client = own

    @property
    def is_closed(self) -> bool:
        """Whether the caller has closed it."""
        return bool(self._client.is_closed)

    def build_request(self, *given: Any, timeout: Any, **others: Any) -> httpx.Request:
        """Build a request with the client's own headers, and its timeouts unless some are given."""
        httpx2: Any = sys.modules["httpx2"]
        limits = httpx2.USE_CLIENT_DEFAULT
        if isinstance(timeout, httpx.Timeout):
            limits = httpx2.Timeout(**timeout.as_dict())
        built = self._client.build_request(*map(str, given), timeout=limits, **others)
        return cast("httpx.Request", convert(built, "httpx"))


class Httpx2Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a reply, as it was sent."""

    def __init__(self, response: Any, request: httpx.Request) -> None:
        """Take httpx2's reply, and the request that it answers."""
        self._response = response
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        """Read it."""
        with mapped_errors(self._request):
            yield from self._response.stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Read it."""
        with mapped_errors(self._request):
            async for chunk in self._response.stream:
                yield chunk

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._response.aclose()


def convert(request: Any, library: str) -> Any:
    """Return a request of one library as one of the other, which is named."""
    return sys.modules[library].Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        content=request.content,
        extensions=request.extensions,
    )


def convert_reply(response: Any, request: httpx.Request) -> httpx.Response:
    """Return a reply of httpx2 as one of httpx, with its body if that was read."""
    given: dict[str, Any] = {
        "headers": httpx.Headers(response.headers.raw),
        "request": request,
        "extensions": response.extensions,
    }
    if response.is_stream_consumed:
        with suppress(sys.modules["httpx2"].ResponseNotRead):
            return BufferedResponse(response.status_code, body=response.content, **given)
    stream = Httpx2Body(response, request)
    converted = httpx.Response(response.status_code, stream=stream, **given)
    converted.is_stream_consumed = response.is_stream_consumed
    return converted


@contextmanager
def mapped_errors(request: httpx.Request) -> Generator[None]:
    """Raise httpx's error for one of httpx2's: the one of its name, or of its nearest base's."""
    httpx2: Any = sys.modules["httpx2"]
    try:
        yield
    except httpx2.HTTPStatusError as error:
        reply = convert_reply(error.response, request)
        raise httpx.HTTPStatusError(str(error), request=request, response=reply) from error
    except httpx2.InvalidURL as error:
        raise httpx.InvalidURL(str(error)) from error
    except httpx2.RequestError as error:
        # What is kept as the cause would keep the key.
        error.request = convert(strip_key(request), "httpx2")
        names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "httpx2"]
        kind = next(getattr(httpx, name) for name in names if hasattr(httpx, name))
        raise kind(str(error)) from error
