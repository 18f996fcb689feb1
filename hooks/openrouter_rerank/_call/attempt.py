"""One attempt: sign a request, send it, follow redirects, and read the reply to its end."""

from typing import cast

import anyio
import httpx

from openrouter_rerank._codec.response_body import (
    BodyError,
    BodyReader,
    read,
    read_async,
)
from openrouter_rerank._network.auth import copy_request, read_origin, strip_key
from openrouter_rerank._network.deadline import current_attempt
from openrouter_rerank._network.received_reply import ReceivedReply
from openrouter_rerank._network.upload import Upload
from openrouter_rerank.errors import OpenRouterError, ResponseValidationError

from .error_mapping import HTTPX_ERRORS, clear_key, clear_locals
from .sender import Sender
from .state import CallState

# RFC 9110, sections 15.4.8 and 15.4.9: only these two keep the method and the body.
FOLLOWED_REDIRECTS = frozenset({307, 308})
CLOSE_SECONDS = 1.0


def make_attempt(
    sender: Sender, request: httpx.Request, state: CallState
) -> ReceivedReply | OpenRouterError:
    """
    Make one attempt, and follow redirects to the same origin.

    Args:
        sender: Sends the request.
        request: The request without the key, which the reply keeps.
        state: How far the call is.

    Raises:
        TypeError: The function for the key is async.
        ValueError: It returned a key that no header may hold.
        Exception: What it raised.
    """
    # The key goes on a copy, which is sent.
    signed = copy_request(request)
    if read_origin(signed.url) == state.settings.target.origin:
        state.settings.auth.apply(signed)
    own_trace = signed.extensions.get("trace")
    try:
        while True:
            state.limit_timeouts(signed)
            if sender.is_custom:
                signed.extensions["trace"] = state.attempt.add_trace(own_trace)
            reply = _send_and_read(sender, request, signed, state)
            redirect = build_redirect(signed, reply)
            if redirect is None:
                return reply
            state.count_redirect(reply)
            request, signed = strip_key(redirect), redirect
    except OpenRouterError as error:
        return error


async def make_attempt_async(
    sender: Sender, request: httpx.Request, state: CallState
) -> ReceivedReply | OpenRouterError:
    """Async `make_attempt`."""
    signed = copy_request(request)
    if read_origin(signed.url) == state.settings.target.origin:
        await state.settings.auth.apply_async(signed)
    own_trace = signed.extensions.get("trace")
    try:
        while True:
            state.limit_timeouts(signed)
            if sender.is_custom_async:
                signed.extensions["trace"] = state.attempt.add_trace_async(own_trace)
            reply = await _send_and_read_async(sender, request, signed, state)
            redirect = build_redirect(signed, reply)
            if redirect is None:
                return reply
            state.count_redirect(reply)
            request, signed = strip_key(redirect), redirect
    except OpenRouterError as error:
        return error


def build_redirect(request: httpx.Request, reply: ReceivedReply) -> httpx.Request | None:
    """Return the request that a redirect asks for; None if there is none to follow."""
    if reply.status_code not in FOLLOWED_REDIRECTS:
        return None
    location = reply.read_header("Location")
    if location is None:
        return None
    try:
        url = request.url.join(location)
        if read_origin(url) != read_origin(request.url):
            return None
    except (httpx.InvalidURL, UnicodeError):
        return None
    redirect = copy_request(request)
    redirect.url = url
    return redirect


def _send_and_read(
    sender: Sender, request: httpx.Request, signed: httpx.Request, state: CallState
) -> ReceivedReply:
    """Send a request, read the reply to its end, and release its connection."""
    token = current_attempt.set(state.attempt)
    try:
        try:
            response = sender.send(signed)
        except httpx.HTTPStatusError as error:
            # An event hook of the caller's has raised for the status.
            response = error.response
        reader = BodyReader(response.headers, state.settings.max_response_bytes)
        try:
            body = read(response, reader, state.has_expired)
        except BodyError as error:
            reply = _receive(request, signed, state, response, reader, b"")
            raise _build_body_error(error, reply) from error
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
    return _receive(request, signed, state, response, reader, body)


async def _send_and_read_async(
    sender: Sender, request: httpx.Request, signed: httpx.Request, state: CallState
) -> ReceivedReply:
    """Async `_send_and_read`."""
    token = current_attempt.set(state.attempt)
    try:
        if isinstance(signed.stream, httpx.ByteStream):
            signed.stream = Upload(signed.content)
        try:
            response = await sender.send_async(signed)
        except httpx.HTTPStatusError as error:
            # An event hook of the caller's has raised for the status.
            response = error.response
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
                reply = _receive(request, signed, state, response, reader, b"")
                raise _build_body_error(error, reply) from error
            raise
    except HTTPX_ERRORS as error:
        clear_locals(error)
        clear_key(error, signed)
        raise state.map_error(error, request.url) from error
    finally:
        current_attempt.reset(token)
    return _receive(request, signed, state, response, reader, body)


async def _close(response: httpx.Response) -> None:
    """Close a reply, also where that was cut off before, after which its `aclose` does nothing."""
    response.is_closed = True
    await cast("httpx.AsyncByteStream", response.stream).aclose()


def _receive(
    request: httpx.Request,
    signed: httpx.Request,
    state: CallState,
    response: httpx.Response,
    reader: BodyReader,
    body: bytes,
) -> ReceivedReply:
    """Return the reply without its connection and any key."""
    return ReceivedReply(
        response,
        reader.fields,
        body,
        signed=signed,
        request=request,
        is_encoded=reader.is_encoded,
        seconds=state.attempt_seconds,
    )


def _build_body_error(error: BodyError, reply: ReceivedReply) -> ResponseValidationError:
    """Build the error of a success whose body cannot be used."""
    return ResponseValidationError(f"unexpected reply: {error}", reply.response)
