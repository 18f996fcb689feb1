"""The loop around one `send`: attempts, waits and redirects, once for sync and once for async.

What follows an attempt is decided in one place for both, by `_Course` and the policy; the two
halves differ only in how they send, read and sleep.
"""

import random
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import anyio
import httpx
from attrs import frozen

from ._auth import BearerAuth, has_origin
from ._body import BodyError, read, read_async
from ._network import Attempt, current_attempt
from ._response import JsonObject, read_reply
from ._retries import RetryConfig, plan_delay
from .errors import (
    ConnectionFailedError,
    DeadlineExceededError,
    DisconnectedError,
    NoResponseError,
    OpenRouterDefaultError,
    OpenRouterError,
    ReadTimeoutError,
    ResponseValidationError,
)

MAX_REDIRECTS = 5
# RFC 9110, sections 15.4.8 and 15.4.9: these two alone keep the method and the body.
FOLLOWED_REDIRECTS = frozenset({307, 308})
CLOSE_SECONDS = 1.0
# The names of httpx's timeouts in a request's extensions.
TIMEOUTS = ("connect", "read", "write", "pool")
_DROPPED_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})

# The most specific first.
_NO_RESPONSE: tuple[tuple[type[Exception], type[NoResponseError]], ...] = (
    (httpx.ConnectTimeout, ConnectionFailedError),
    (httpx.PoolTimeout, ConnectionFailedError),
    (httpx.TimeoutException, ReadTimeoutError),
    (httpx.ConnectError, ConnectionFailedError),
    (httpx.ProxyError, ConnectionFailedError),
    (httpx.UnsupportedProtocol, ConnectionFailedError),
    (httpx.LocalProtocolError, ConnectionFailedError),
    (httpx.InvalidURL, ConnectionFailedError),
    (UnicodeError, ConnectionFailedError),
    (httpx.TransportError, DisconnectedError),
)
_HTTPX_ERRORS = (
    httpx.DecodingError,
    httpx.InvalidURL,
    httpx.TooManyRedirects,
    httpx.TransportError,
    UnicodeError,
)
_PERMANENT = (
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
    UnicodeError,
    ssl.SSLCertVerificationError,
)


@frozen
class Clock:
    """The passing of time, in seconds, and chance; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = anyio.sleep
    draw: Callable[[], float] = random.random


SYSTEM_CLOCK = Clock()


@frozen
class Call:
    """What one call may do.

    Attributes:
        auth: Sets the key, on requests to the origin alone.
        server_url: The server whose origin gets the key.
        retry_config: When to try again.
        deadline: Seconds for the whole call; None for no limit.
        max_response_bytes: The longest body to accept, as sent and as inflated.
        is_foreign: Whether `send` is not of our making; its attempts are watched by trace events.
    """

    auth: BearerAuth
    server_url: httpx.URL
    retry_config: RetryConfig
    deadline: float | None
    max_response_bytes: int
    is_foreign: bool = False


@frozen
class Reply:
    """A success.

    Attributes:
        response: The reply, fully read.
        body: Its JSON object.
        attempts: How many attempts it took.
        waited: Seconds slept between them.
    """

    response: httpx.Response
    body: JsonObject
    attempts: int
    waited: float


Send = Callable[[httpx.Request], httpx.Response]
SendAsync = Callable[[httpx.Request], Awaitable[httpx.Response]]


def run(send: Send, request: httpx.Request, call: Call, clock: Clock = SYSTEM_CLOCK) -> Reply:
    """Send a request until it succeeds or the policy gives up.

    Raises:
        OpenRouterError: What the last attempt ended in.
    """
    course = _Course(call, clock)
    while True:
        try:
            response = _exchange(send, request, course)
            return course.finish(response)
        except OpenRouterError as error:
            delay = course.plan(error)
            if delay is None:
                raise
            clock.sleep(delay)


async def run_async(
    send: SendAsync, request: httpx.Request, call: Call, clock: Clock = SYSTEM_CLOCK
) -> Reply:
    """Do what `run` does, on asyncio or trio."""
    course = _Course(call, clock)
    while True:
        try:
            with anyio.move_on_after(course.time_left()):
                response = await _exchange_async(send, request, course)
                return course.finish(response)
            raise course.deadline_error()
        except OpenRouterError as error:
            delay = course.plan(error)
            if delay is None:
                raise
            await clock.sleep_async(delay)


class _Course:
    """How a call has gone so far; every decision about its way on is made here."""

    def __init__(self, call: Call, clock: Clock) -> None:
        self.call = call
        self.clock = clock
        self.attempt = Attempt(None)
        self._began = clock.now()
        self._ends_at = None if call.deadline is None else self._began + call.deadline
        self._attempts = 0
        self._redirects = 0
        self._waited = 0.0
        self._has_met_stale_connection = False
        self._timeouts: dict[str, float | None] | None = None

    def begin_attempt(self) -> None:
        """Count an attempt and note where it has to end."""
        self._attempts += 1
        self._redirects = 0
        self.attempt = Attempt(self._ends_at)

    def count_redirect(self, response: httpx.Response) -> None:
        """Count a redirect that is to be followed.

        Raises:
            OpenRouterDefaultError: It is one too many.
        """
        self._redirects += 1
        if self._redirects > MAX_REDIRECTS:
            raise OpenRouterDefaultError(f"more than {MAX_REDIRECTS} redirects", response)

    def time_left(self) -> float | None:
        """Return the seconds until the deadline; None if there is none."""
        return None if self._ends_at is None else max(0.0, self._ends_at - self.clock.now())

    def deadline_error(self) -> DeadlineExceededError:
        """Build the error of a call that took too long."""
        return DeadlineExceededError(f"no reply within the deadline of {self.call.deadline:g} s")

    def limit(self, request: httpx.Request) -> None:
        """Cut the request's timeouts to the time left.

        Raises:
            DeadlineExceededError: There is none left.
        """
        left = self.time_left()
        if left is None:
            return
        if left == 0:
            raise self.deadline_error()
        if self._timeouts is None:
            self._timeouts = dict(request.extensions.get("timeout", {}))
        request.extensions["timeout"] = {
            name: left if (limit := self._timeouts.get(name)) is None else min(limit, left)
            for name in TIMEOUTS
        }

    def finish(self, response: httpx.Response) -> Reply:
        """Read the reply; raise the error that it is, if it is one."""
        response.elapsed = timedelta(seconds=self.clock.now() - self._began)
        return Reply(response, read_reply(response), self._attempts, self._waited)

    def plan(self, error: OpenRouterError) -> float | None:
        """Return the seconds to wait before the next attempt, or None to raise the error."""
        stale = isinstance(error, DisconnectedError) and self.attempt.met_stale_connection
        if stale and not self._has_met_stale_connection:
            self._has_met_stale_connection = True
            self._attempts -= 1
            return 0.0
        error.attempts = self._attempts
        elapsed = self.clock.now() - self._began
        delay = plan_delay(
            self.call.retry_config,
            error,
            attempt=self._attempts,
            elapsed=elapsed,
            chance=self.clock.draw(),
        )
        left = self.time_left()
        if delay is None or (left is not None and delay >= left):
            return None
        self._waited += delay
        return delay

    def map_error(self, error: Exception) -> OpenRouterError:
        """Return our error for one of httpx's."""
        if isinstance(error, httpx.TimeoutException) and self.time_left() == 0:
            return self.deadline_error()
        if isinstance(error, httpx.TooManyRedirects):
            return OpenRouterDefaultError(f"redirect not followed: {error}")
        if isinstance(error, httpx.DecodingError):
            return ResponseValidationError(f"unexpected reply: {error}")
        text = " ".join(str(error).split()) or type(error).__name__
        kind = next(ours for theirs, ours in _NO_RESPONSE if isinstance(error, theirs))
        mapped = kind(f"{_SUMMARIES[kind]}: {text}")
        if isinstance(mapped, ConnectionFailedError):
            mapped.is_permanent = any(isinstance(cause, _PERMANENT) for cause in walk_causes(error))
        return mapped


_SUMMARIES: dict[type[NoResponseError], str] = {
    ConnectionFailedError: "could not connect",
    DisconnectedError: "the connection broke",
    ReadTimeoutError: "timed out waiting for the server",
}


def walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _exchange(send: Send, request: httpx.Request, course: _Course) -> httpx.Response:
    """Make one attempt, redirects to the same origin included."""
    course.begin_attempt()
    while True:
        course.limit(request)
        if has_origin(request.url, course.call.server_url):
            course.call.auth.apply(request)
        if course.call.is_foreign:
            request.extensions["trace"] = course.attempt.trace
        response = _send_and_read(send, request, course)
        following = follow(request, response)
        if following is None:
            return response
        course.count_redirect(response)
        request = following


async def _exchange_async(
    send: SendAsync, request: httpx.Request, course: _Course
) -> httpx.Response:
    """Make one attempt, redirects to the same origin included."""
    course.begin_attempt()
    while True:
        course.limit(request)
        if has_origin(request.url, course.call.server_url):
            await course.call.auth.apply_async(request)
        if course.call.is_foreign:
            request.extensions["trace"] = course.attempt.trace_async
        response = await _send_and_read_async(send, request, course)
        following = follow(request, response)
        if following is None:
            return response
        course.count_redirect(response)
        request = following


def follow(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """Return the request that a redirect asks for; None if there is none or it is not followed."""
    location = response.headers.get("location")
    if response.status_code not in FOLLOWED_REDIRECTS or location is None:
        return None
    try:
        url = request.url.join(location)
    except httpx.InvalidURL:
        return None
    if not has_origin(url, request.url):
        return None
    return httpx.Request(
        request.method,
        url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def _send_and_read(send: Send, request: httpx.Request, course: _Course) -> httpx.Response:
    """Send a request, read the reply to its end, and give its connection back."""
    token = current_attempt.set(course.attempt)
    try:
        response = _open(send, request)
        try:
            body = read(response, course.call.max_response_bytes, lambda: course.time_left() == 0)
        except BodyError as error:
            raise _refuse_body(error, request, response) from error
        finally:
            # httpx closes nothing when a transport raises: three errors would use up a pool of
            # three connections.
            response.close()
    except _HTTPX_ERRORS as error:
        raise course.map_error(error) from error
    finally:
        current_attempt.reset(token)
    return _seal(request, response, body)


async def _send_and_read_async(
    send: SendAsync, request: httpx.Request, course: _Course
) -> httpx.Response:
    """Send a request, read the reply to its end, and give its connection back."""
    token = current_attempt.set(course.attempt)
    try:
        response = await _open_async(send, request)
        try:
            body = await read_async(response, course.call.max_response_bytes)
        except BodyError as error:
            raise _refuse_body(error, request, response) from error
        finally:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await response.aclose()
    except _HTTPX_ERRORS as error:
        raise course.map_error(error) from error
    finally:
        current_attempt.reset(token)
    return _seal(request, response, body)


def _open(send: Send, request: httpx.Request) -> httpx.Response:
    """Send a request; a caller's event hook that raises for a status has the reply on its error."""
    try:
        return send(request)
    except httpx.HTTPStatusError as error:
        return error.response


async def _open_async(send: SendAsync, request: httpx.Request) -> httpx.Response:
    """Do what `_open` does for async."""
    try:
        return await send(request)
    except httpx.HTTPStatusError as error:
        return error.response


def _refuse_body(
    error: BodyError, request: httpx.Request, response: httpx.Response
) -> ResponseValidationError:
    """Build the error of a success whose body cannot be used."""
    return ResponseValidationError(f"unexpected reply: {error}", _seal(request, response, b""))


def _seal(request: httpx.Request, response: httpx.Response, body: bytes) -> httpx.Response:
    """Return the reply with its body in memory, inflated, and without its connection."""
    headers = [
        (name, value)
        for name, value in response.headers.raw
        if name.lower() not in _DROPPED_HEADERS
    ]
    extensions = {
        name: value for name, value in response.extensions.items() if name != "network_stream"
    }
    return httpx.Response(
        response.status_code, headers=headers, content=body, request=request, extensions=extensions
    )
