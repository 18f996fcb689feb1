"""Who watches whole calls: told of a call, of each of its attempts and of how it ended."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import httpx

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._codec.results import Document
from openrouter_rerank._events.hooks import CallObserver, Hooks, Observation
from openrouter_rerank._events.logging import logger
from openrouter_rerank.errors import ResponseValidationError
from openrouter_rerank.operations import CreateRerankResponseBody

from .config import CallSettings

P = ParamSpec("P")
T = TypeVar("T")


class DecodedReply(Reply):
    """A success that was decoded while its call was watched."""

    def __init__(
        self, reply: Reply, outcome: CreateRerankResponseBody | ResponseValidationError
    ) -> None:
        """Take the reply and what decoding it gave, or the error that this ended in."""
        super().__init__(reply.response, reply.body, reply.attempts, reply.waited)
        self._outcome = outcome

    def decode(self, documents: Sequence[Document]) -> CreateRerankResponseBody:  # noqa: ARG002
        """
        Return the model, or raise the error, that is there already.

        Raises:
            ResponseValidationError: The body is not the contract's shape.
        """
        if isinstance(self._outcome, ResponseValidationError):
            raise self._outcome
        return self._outcome


class ObservedCall:
    """
    One call under the eyes of an observer, from `with` to the end of the block.

    Attributes:
        settings: What the call may do, its hooks telling the observer first.
    """

    def __init__(
        self,
        observer: CallObserver,
        encoded: EncodedRequest,
        request: httpx.Request,
        settings: CallSettings,
    ) -> None:
        """Begin to watch."""
        self.settings = settings
        self._documents = encoded.documents
        self._observation = log_exceptions(observer.on_call)(encoded, request.url)

    def __enter__(self) -> Self:
        """Have the hooks tell the observer."""
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
        """Tell the observer what the call ended in, if that is an error."""
        if error is not None:
            self._record_failure(error)

    def decode(self, reply: Reply) -> DecodedReply:
        """Decode a success at once and tell the observer what came of it."""
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
    """Return a call's hooks, which tell who watches it before they call the user's functions."""
    observed = Hooks()
    observed.requests = hooks.requests.with_first(log_exceptions(observation.on_attempt))
    observed.responses = hooks.responses.with_first(log_exceptions(observation.on_response))
    observed.retries = hooks.retries.with_first(log_exceptions(observation.on_retry))
    observed.errors = hooks.errors
    return observed


def log_exceptions(function: Callable[P, T]) -> Callable[P, T | None]:
    """Have a function of an observer return None, and write a line to the log, when it raises."""

    def logged(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  a call must not end because of who watches it
            logger.warning("an observer of calls failed: %s", type(error).__name__)
            return None

    return logged
