"""Functions that a user has run at the stations of a call."""

import inspect
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, Protocol, TypeVar

import httpx

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody

T = TypeVar("T")
Function = Callable[[T], object]


class RetryEvent(NamedTuple):
    """
    What is known before another attempt.

    Attributes:
        attempt: Which attempt has failed, from 1.
        delay: Seconds until the next one.
        error: What the attempt ended in.
    """

    attempt: int
    delay: float
    error: OpenRouterError


class Observation(Protocol):
    """
    Watches one call, in the thread or the task that makes it.

    What a method raises is logged, and changes nothing for the call. However the call ends, one of
    `on_success` and `on_failure` is called last.
    """

    def on_attempt(self, request: httpx.Request) -> None:
        """Take note of an attempt, before its request is sent; the key is not on it yet."""
        ...

    def on_response(self, response: httpx.Response) -> None:
        """Take note of the attempt's reply, fully read."""
        ...

    def on_retry(self, event: RetryEvent) -> None:
        """Take note that the attempt failed, before the wait for another one."""
        ...

    def on_success(self, reply: Reply, model: CreateRerankResponseBody) -> None:
        """Take note that the call ended in a success."""
        ...

    def on_failure(self, error: BaseException) -> None:
        """Take note that the call ended in an error, or was cancelled."""
        ...


class CallObserver(Protocol):
    """Watches the calls of a client."""

    def on_call(self, encoded: EncodedRequest, url: httpx.URL) -> Observation:
        """Begin to watch a call to a URL."""
        ...


class Signal(Generic[T]):
    """The functions of one station, called in the order in which they were added."""

    def __init__(self, functions: Iterable[Function[T]] = ()) -> None:
        """Begin with these."""
        self._functions = list(functions)

    def add(self, function: Function[T]) -> None:
        """Add a function at the end."""
        self._functions.append(function)

    def with_first(self, function: Function[T]) -> "Signal[T]":
        """Return a copy that calls a further function first."""
        return Signal([function, *self._functions])

    def emit(self, value: T) -> None:
        """
        Call the functions from a sync call.

        Raises:
            TypeError: One of them is async.
        """
        for function in self._functions:
            result = function(value)
            if inspect.isawaitable(result):
                if inspect.iscoroutine(result):
                    result.close()
                raise TypeError(
                    "hooks: an async function needs an async call, such as rerank_async"
                )

    async def emit_async(self, value: T) -> None:
        """Call the functions from an async call, awaiting those that are async."""
        for function in self._functions:
            result = function(value)
            if inspect.isawaitable(result):
                await result


class Hooks:
    """
    Registers functions that are called during every call of a client.

    Each method takes a function of one argument and returns it, and so serves as a decorator.
    Functions are called in the order of registration, in the thread or the task of the call. Async
    calls await those that return an awaitable; sync calls refuse them with `TypeError`. What a
    function raises reaches the caller as it is, and ends the call.

    Attributes:
        observer: Watches whole calls; None if nobody does.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.observer: CallObserver | None = None
        self.requests: Signal[httpx.Request] = Signal()
        self.responses: Signal[httpx.Response] = Signal()
        self.retries: Signal[RetryEvent] = Signal()
        self.errors: Signal[OpenRouterError] = Signal()

    def before_request(self, function: Function[httpx.Request]) -> Function[httpx.Request]:
        """
        Call a function with the `httpx.Request` before each attempt.

        It may change the headers, for this attempt alone; the key is added afterwards and is not
        to be seen. Redirects to the same origin are part of an attempt.
        """
        self.requests.add(function)
        return function

    def after_response(self, function: Function[httpx.Response]) -> Function[httpx.Response]:
        """
        Call a function with the `httpx.Response` of each attempt, whatever its status.

        The reply is fully read. It must not be changed: it is decoded afterwards.
        """
        self.responses.add(function)
        return function

    def on_retry(self, function: Function[RetryEvent]) -> Function[RetryEvent]:
        """
        Call a function with a `RetryEvent` before the wait for another attempt.

        Nothing in it can be changed; raising ends the call.
        """
        self.retries.add(function)
        return function

    def on_error(self, function: Function[OpenRouterError]) -> Function[OpenRouterError]:
        """
        Call a function with the `OpenRouterError` that a call ends in, before it is raised.

        It may add notes to the error, or raise another in its place. Wrong arguments, and replies
        that only the decoder finds to be wrong, do not come by here.
        """
        self.errors.add(function)
        return function
