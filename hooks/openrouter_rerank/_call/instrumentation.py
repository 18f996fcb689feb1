"""Observing whole calls: their start, each of their attempts, and how they ended."""

import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import httpx

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import Hooks, Observation, RetryEvent
from openrouter_rerank._events.logging import logger
from openrouter_rerank._policy.failures import is_recoverable
from openrouter_rerank.errors import OpenRouterError, ResponseValidationError

from .config import Settings

P = ParamSpec("P")
T = TypeVar("T")


class ObservedCall:
    """
    One call under the eyes of the client's observer; each attempt is made in a `with` block.

    Attributes:
        hooks: The call's hooks; they call the observer first.
    """

    def __init__(
        self, settings: Settings, request: httpx.Request, encoded: EncodedRequest | None
    ) -> None:
        """Begin to observe."""
        self.hooks = hooks = settings.hooks
        self._may_keep_order = settings.on_failure == "keep_order"
        self._observation: Observation | None = None
        encoded = encoded or read_request(request)
        if encoded is None or hooks.observer is None:
            return
        self._encoded = encoded
        self._observation = log_exceptions(hooks.observer.on_call)(encoded, request.url)
        if self._observation is not None:
            self.hooks = add_observation(self._observation, hooks)

    def __enter__(self) -> Self:
        """Return the observed call."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Report the error that the call ended in, if any, to the observer."""
        if error is not None:
            self.record_failure(error)

    def read(self, result: Reply | RetryEvent) -> Reply | RetryEvent:
        """Report how an attempt ended; a success is decoded at once."""
        if self._observation is None:
            return result
        if isinstance(result, RetryEvent):
            log_exceptions(self._observation.on_wait)()
            return result
        try:
            model = result.decode(self._encoded)
        except ResponseValidationError as error:
            self.record_failure(error)
        else:
            log_exceptions(self._observation.on_success)(result, model)
        return result

    def record_failure(self, error: BaseException) -> None:
        """Report the error that the call ended in to the observer."""
        if self._observation is not None:
            keeps_order = (
                self._may_keep_order
                and isinstance(error, OpenRouterError)
                and is_recoverable(error)
            )
            log_exceptions(self._observation.on_failure)(error, keeps_order=keeps_order)


def add_observation(observation: Observation, hooks: Hooks) -> Hooks:
    """Return hooks that call the observer before the user's functions."""
    observed = Hooks()
    observed.requests = hooks.requests.with_first(log_exceptions(observation.on_attempt))
    observed.responses = hooks.responses.with_first(log_exceptions(observation.on_response))
    observed.retries = hooks.retries.with_first(log_exceptions(observation.on_retry))
    observed.errors = hooks.errors
    return observed


def read_request(request: httpx.Request) -> EncodedRequest | None:
    """Return what a request asks for; None if it is no rerank request that can be read."""
    try:
        body: dict[str, Any] = json.loads(request.content)
        return EncodedRequest(
            request.content, body["documents"], body["model"], body["query"], body.get("top_n")
        )
    except (httpx.RequestNotRead, KeyError, TypeError, ValueError):
        return None


def log_exceptions(function: Callable[P, T]) -> Callable[P, T | None]:
    """Make an observer's function log what it raises, and return None then."""

    def logged(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  an observer must not end its call
            logger.warning("an observer of calls failed: %s", type(error).__name__)
            return None

    return logged
