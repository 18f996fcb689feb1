"""The user's functions that are called during a call, and the observers of calls."""

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
    A retry that is about to happen.

    Attributes:
        attempt: The number of the attempt that failed, from 1.
        delay: Seconds until the next attempt.
        error: The error of the failed attempt.
    """

    attempt: int
    delay: float
    error: OpenRouterError


class Observation(Protocol):
    """
    Observes one call, in the thread or the task that makes the attempt.

    A job of a run may make each attempt in another thread or task. If a method raises, the error is
    logged and the call goes on. However the call ends, either `on_success` or `on_failure` is
    called last.
    """

    def on_attempt(self, request: httpx.Request) -> None:
        """Record an attempt, before its request is sent; the key is not on it yet."""
        ...

    def on_response(self, response: httpx.Response) -> None:
        """Record the attempt's reply, fully read."""
        ...

    def on_retry(self, event: RetryEvent) -> None:
        """Record that the attempt failed, before the wait for the next one."""
        ...

    def on_wait(self) -> None:
        """Record that the wait begins; the next attempt may come in another thread or task."""
        ...

    def on_success(self, reply: Reply, model: CreateRerankResponseBody) -> None:
        """Record that the call succeeded."""
        ...

    def on_failure(self, error: BaseException, *, keeps_order: bool) -> None:
        """Record that the call ended in an error, or was cancelled, and whether `rank` goes on."""
        ...


class CallObserver(Protocol):
    """Observes the calls of a client."""

    def on_call(self, encoded: EncodedRequest, url: httpx.URL) -> Observation:
        """Begin to observe a call to a URL."""
        ...

    def on_kept_order(self, model: str, error: OpenRouterError) -> None:
        """Record that a ranking kept its order, since all calls for it have failed."""
        ...


class Signal(Generic[T]):
    """The functions for one kind of event, called in the order in which they were added."""

    def __init__(self, functions: Iterable[Function[T]] = ()) -> None:
        """Start with these functions."""
        self._functions = list(functions)

    def __bool__(self) -> bool:
        """Return whether there is anything to call."""
        return bool(self._functions)

    def add(self, function: Function[T]) -> None:
        """Add a function, to be called last."""
        self._functions.append(function)

    def remove(self, function: Function[T]) -> None:
        """
        Take out a function that was added.

        Raises:
            ValueError: It is not there.
        """
        self._functions.remove(function)

    def with_first(self, function: Function[T]) -> "Signal[T]":
        """Return a copy that calls another function first."""
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
        """Call the functions from an async call, and await those that are async."""
        for function in self._functions:
            result = function(value)
            if inspect.isawaitable(result):
                await result


class Hooks:
    """
    Registers functions that are called during every call of a client.

    Each method takes a function of one argument and returns it, so you can use it as a decorator.
    Functions are called in the order of registration, in the thread or the task of the call. Async
    calls await those that return an awaitable; sync calls refuse them with `TypeError`. If a
    function raises, the error ends the call and reaches the caller unchanged.

    Attributes:
        observer: Observes whole calls; None for no observer.
    """

    def __init__(self) -> None:
        """Start without functions."""
        self.observer: CallObserver | None = None
        self.requests: Signal[httpx.Request] = Signal()
        self.responses: Signal[httpx.Response] = Signal()
        self.retries: Signal[RetryEvent] = Signal()
        self.errors: Signal[OpenRouterError] = Signal()

    def before_request(self, function: Function[httpx.Request]) -> Function[httpx.Request]:
        """
        Call a function with the `httpx.Request` before each attempt.

        It may change the headers, for this attempt only; the key is added later, so the function
        does not see it. Redirects to the same origin are part of an attempt.
        """
        self.requests.add(function)
        return function

    def after_response(self, function: Function[httpx.Response]) -> Function[httpx.Response]:
        """
        Call a function with the `httpx.Response` of each attempt, whatever its status.

        The reply is fully read. Do not change it: it is decoded afterwards.
        """
        self.responses.add(function)
        return function

    def on_retry(self, function: Function[RetryEvent]) -> Function[RetryEvent]:
        """
        Call a function with a `RetryEvent` before the wait for the next attempt.

        Nothing in the event can be changed; raising ends the call.
        """
        self.retries.add(function)
        return function

    def on_error(self, function: Function[OpenRouterError]) -> Function[OpenRouterError]:
        """
        Call a function with the `OpenRouterError` that a call ends in, before it is raised.

        It may add notes to the error, or raise another one instead. It is not called for wrong
        arguments, or for replies that only the decoder finds to be wrong, unless
        `retry_invalid_replies` has them decoded within the call. It is called for each model that
        fails, whether another one or the kept order makes up for it or not.
        """
        self.errors.add(function)
        return function
