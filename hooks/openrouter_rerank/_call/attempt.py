"""One attempt: send a request, follow redirects, and read the reply to its end."""

from typing import cast

import anyio
import httpx

from openrouter_rerank._codec.response_body import (
    BodyError,
    BodyReader,
    read,
    read_async,
)
from openrouter_rerank._network.auth import (
    KEY_SENT,
    copy_request,
    read_key,
    read_origin,
    redact,
    redact_headers,
    strip_key,
)
from openrouter_rerank._network.buffered_response import BufferedResponse
from openrouter_rerank._network.deadline import current_attempt
from openrouter_rerank._network.upload import Upload
from openrouter_rerank.errors import OpenRouterError, ResponseValidationError

from .error_mapping import HTTPX_ERRORS, clear_key, clear_locals
from .sender import Sender
from .state import CallState

# RFC 9110, sections 15.4.8 and 15.4.9: only these two keep the method and the body.
FOLLOWED_REDIRECTS = frozenset({307, 308})
CLOSE_SECONDS = 1.0


def make_attempt(
    sender: Sender, request: httpx.Request, signed: httpx.Request, state: CallState
) -> httpx.Response | OpenRouterError:
    """
    Make one attempt, and follow redirects to the same origin.

    Args:
        sender: Sends the request.
        request: The request without the key, which the reply keeps.
        signed: A copy of it with the key, which is sent.
        state: How far the call is.
    """
    own_trace = signed.extensions.get("trace")
    try:
        while True:
            state.limit_timeouts(signed)
            if sender.is_custom:
                signed.extensions["trace"] = state.attempt.add_trace(own_trace)
            response = _send_and_read(sender, request, signed, state)
            redirect = build_redirect(signed, response)
            if redirect is None:
                return response
            state.count_redirect(response)
            request, signed = strip_key(redirect), redirect
    except OpenRouterError as error:
        return error


async def make_attempt_async(
    sender: Sender, request: httpx.Request, signed: httpx.Request, state: CallState
) -> httpx.Response | OpenRouterError:
    """Async `make_attempt`."""
    own_trace = signed.extensions.get("trace")
    try:
        while True:
            state.limit_timeouts(signed)
            if sender.is_custom_async:
                signed.extensions["trace"] = state.attempt.add_trace_async(own_trace)
            response = await _send_and_read_async(sender, request, signed, state)
            redirect = build_redirect(signed, response)
            if redirect is None:
                return response
            state.count_redirect(response)
            request, signed = strip_key(redirect), redirect
    except OpenRouterError as error:
        return error


def build_redirect(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """Return the request that a redirect asks for; None if there is none to follow."""
    if response.status_code not in FOLLOWED_REDIRECTS or "location" not in response.headers:
        return None
    try:
        url = request.url.join(response.headers["location"])
        if read_origin(url) != read_origin(request.url):
            return None
    except (httpx.InvalidURL, UnicodeError):
        return None
    redirect = copy_request(request)
    redirect.url = url
    return redirect


def _send_and_read(
    sender: Sender, request: httpx.Request, signed: httpx.Request, state: CallState
) -> httpx.Response:
    """Send a request, read the reply to its end, and release its connection."""
    token = current_attempt.set(state.attempt)
    try:
        response = _send_request(sender, signed)
        reader = BodyReader(response.headers, state.settings.max_response_bytes)
        try:
            body = read(response, reader, state.has_expired)
        except BodyError as error:
            raise _build_body_error(error, request, signed, response, reader) from error
        finally:
            # When a transport raises, httpx closes nothing: three errors would use up a pool of
            # three connections.
            response.close()
    except HTTPX_ERRORS as error:
        clear_locals(error)
        clear_key(error, signed)
        raise state.map_error(error, request.url) from error
    except KeyboardInterrupt as error:
        # It can come while the request's head is being written.
        clear_locals(error)
        raise
    finally:
        current_attempt.reset(token)
    return _buffer_response(request, signed, response, reader, body)


async def _send_and_read_async(
    sender: Sender, request: httpx.Request, signed: httpx.Request, state: CallState
) -> httpx.Response:
    """Async `_send_and_read`."""
    token = current_attempt.set(state.attempt)
    try:
        response = await _send_request_async(sender, signed)
        reader = BodyReader(response.headers, state.settings.max_response_bytes)
        try:
            body = await read_async(response, reader)
            if not response.is_closed:
                await _close(response)
        except BaseException as error:
            # Most replies that were read to their end close at once; what makes sure of it even if
            # the call is cancelled meanwhile would take a tenth of our own part of such a call.
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await _close(response)
            if isinstance(error, BodyError):
                raise _build_body_error(error, request, signed, response, reader) from error
            raise
    except HTTPX_ERRORS as error:
        clear_locals(error)
        clear_key(error, signed)
        raise state.map_error(error, request.url) from error
    finally:
        current_attempt.reset(token)
    return _buffer_response(request, signed, response, reader, body)


async def _close(response: httpx.Response) -> None:
    """Close a reply, also where that was cut off before, after which its `aclose` does nothing."""
    response.is_closed = True
    await cast("httpx.AsyncByteStream", response.stream).aclose()


def _send_request(sender: Sender, request: httpx.Request) -> httpx.Response:
    """Send a request, and return the reply even if a caller's event hook raises for its status."""
    try:
        return sender.send(request)
    except httpx.HTTPStatusError as error:
        return error.response


async def _send_request_async(sender: Sender, request: httpx.Request) -> httpx.Response:
    """Async `_send_request`."""
    if isinstance(request.stream, httpx.ByteStream):
        request.stream = Upload(request.content)
    try:
        return await sender.send_async(request)
    except httpx.HTTPStatusError as error:
        return error.response


def _build_body_error(
    error: BodyError,
    request: httpx.Request,
    signed: httpx.Request,
    response: httpx.Response,
    reader: BodyReader,
) -> ResponseValidationError:
    """Build the error of a success whose body cannot be used."""
    return ResponseValidationError(
        f"unexpected reply: {error}", _buffer_response(request, signed, response, reader, b"")
    )


def _buffer_response(
    request: httpx.Request,
    signed: httpx.Request,
    response: httpx.Response,
    reader: BodyReader,
    body: bytes,
) -> httpx.Response:
    """Return the reply without its connection and any key, its inflated body in memory."""
    key = read_key(signed)
    body = redact(body, key)
    headers = redact_headers(response.headers, reader.fields, key)
    if reader.is_encoded:
        headers = headers.copy()
        del headers["content-encoding"]
        headers["content-length"] = str(len(body))
    extensions: dict[str, object] = {KEY_SENT: bool(key)}
    for name, value in response.extensions.items():
        if name != "network_stream":
            extensions[name] = redact(value, key) if isinstance(value, bytes) else value
    return BufferedResponse(
        response.status_code,
        headers=headers,
        body=body,
        request=strip_key(request),
        extensions=extensions,
    )
