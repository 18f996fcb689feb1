"""Observing whole calls: their start, each of their attempts, and how they ended."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import httpx

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._codec.response_model import Document
from openrouter_rerank._events.hooks import CallObserver, Hooks, Observation
from openrouter_rerank._events.logging import logger
from openrouter_rerank.errors import ResponseValidationError
from openrouter_rerank.operations import CreateRerankResponseBody

from .config import CallSettings

P = ParamSpec("P")
T = TypeVar("T")


class DecodedReply(Reply):
    """A success that was decoded while its call was observed."""

    def __init__(
        self, reply: Reply, outcome: CreateRerankResponseBody | ResponseValidationError
    ) -> None:
        """Take the reply, and the model or the error that decoding gave."""
        super().__init__(reply.response, reply.body, reply.attempts, reply.waited)
        self._outcome = outcome

    def decode(self, documents: Sequence[Document]) -> CreateRerankResponseBody:  # noqa: ARG002
        """
        Return the decoded model, or raise the error.

        Raises:
            ResponseValidationError: The body is not the contract's shape.
        """
        if isinstance(self._outcome, ResponseValidationError):
            raise self._outcome
        return self._outcome


class ObservedCall:
    """
    One observed call; it lasts as long as the `with` block.

    Attributes:
        settings: The call's settings; inside the block, their hooks call the observer first.
    """

    def __init__(
        self,
        observer: CallObserver,
        encoded: EncodedRequest,
        request: httpx.Request,
        settings: CallSettings,
    ) -> None:
        """Begin to observe."""
        self.settings = settings
        self._documents = encoded.documents
        self._observation = log_exceptions(observer.on_call)(encoded, request.url)

    def __enter__(self) -> Self:
        """Add the observer to the call's hooks."""
        if self._observation is not None:
            hooks = add_observation(self._observation, self.settings.hooks)
            self.settings = self.settings._replace(hooks=hooks)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Report the error that the call ended in, if any, to the observer."""
        if error is not None:
            self._record_failure(error)

    def decode(self, reply: Reply) -> DecodedReply:
        """Decode a success at once and report the result to the observer."""
        outcome: CreateRerankResponseBody | ResponseValidationError
        try:
            outcome = reply.decode(self._documents)
        except ResponseValidationError as error:
            outcome = error
            self._record_failure(error)
        else:
            if self._observation is not None:
                log_exceptions(self._observation.on_success)(reply, outcome)
        return DecodedReply(reply, outcome)

    def _record_failure(self, error: BaseException) -> None:
        if self._observation is not None:
            log_exceptions(self._observation.on_failure)(error)


def add_observation(observation: Observation, hooks: Hooks) -> Hooks:
    """Return hooks that call the observer before the user's functions."""
    observed = Hooks()
    observed.requests = hooks.requests.with_first(log_exceptions(observation.on_attempt))
    observed.responses = hooks.responses.with_first(log_exceptions(observation.on_response))
    observed.retries = hooks.retries.with_first(log_exceptions(observation.on_retry))
    observed.errors = hooks.errors
    return observed


def log_exceptions(function: Callable[P, T]) -> Callable[P, T | None]:
    """Make an observer's function log what it raises, and return None then."""

    def logged(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  an observer must not end its call
            logger.warning("an observer of calls failed: %s", type(error).__name__)
            return None

    return logged
