"""
Falling back: which model is asked next when one has failed, and for how long. Pure: no I/O.

A ranking is always that of one model; scores of several never meet.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, cast

from openrouter_rerank._codec.reply_cost import add_cost
from openrouter_rerank._events.logging import logger, name_error
from openrouter_rerank._policy.failures import PAYMENT_REQUIRED, is_recoverable
from openrouter_rerank.errors import BatchError, OpenRouterError, ResponseValidationError

from .answer import Answer
from .config import Settings
from .ranker import Ranker


class Candidate(NamedTuple):
    """
    A model whose turn it is.

    Attributes:
        model: Its slug, or a ranker in this process.
        settings: The call's settings, with this model's share of the time.
    """

    model: str | Ranker
    settings: Settings


class FallbackChain:
    """
    The models of one call, asked in turn until one answers.

    All share the call's deadline: each may take an equal part of what is left when its turn comes,
    so the last one still gets its part, and what one leaves is for those after it. With
    `follow_fallbacks`, a part is kept back for the models that the server may name.

    Attributes:
        attempts: How many requests the models that failed have tried.
    """

    def __init__(self, settings: Settings, model: str, now: Callable[[], float]) -> None:
        """Take the call's settings and the model that was asked for; its time begins now."""
        self.attempts = 0
        self._settings = settings
        self._now = now
        self._began_at = now()
        self._waiting: list[str | Ranker] = [model, *settings.fallback_models]
        self._asked: set[str] = set()
        self._follows = settings.follow_fallbacks
        self._error: OpenRouterError | None = None
        self._failures: list[str] = []
        self._spent: float | None = 0.0

    def next(self) -> Candidate:
        """
        Return the model whose turn it is.

        Raises:
            OpenRouterError: That of the model before, since no time is left.
        """
        settings = self._settings
        shares = len(self._waiting) + self._follows
        model = self._waiting.pop(0)
        if isinstance(model, str):
            self._asked.add(model)
        if shares > 1:
            # Its failure is not the end of the call.
            settings = settings._replace(on_failure="raise")
        if settings.deadline is None:
            return Candidate(model, settings)
        left = settings.deadline - (self._now() - self._began_at)
        if left <= 0 and self._error is not None:
            raise self._error
        return Candidate(model, settings._replace(deadline=left / shares))

    def fall_back(self, candidate: Candidate, error: OpenRouterError) -> None:
        """
        Note that a model has failed, and go on to the next.

        Raises:
            OpenRouterError: The same error: no other model makes up for it, or there is none left.
        """
        self.attempts += error.attempts
        error.attempts = self.attempts
        self._add_cost(error)
        error.cost = self._spent or None
        self._add_suggestions(error)
        if error.status_code == PAYMENT_REQUIRED:
            self._waiting = [model for model in self._waiting if not isinstance(model, str)]
        if not self._waiting or not is_recoverable(error):
            for failure in self._failures:
                error.add_note(f"before it, {failure}")
            raise error
        self._error = error
        self._failures.append(
            f"{name_model(candidate.model)} failed with {name_error(find_cause(error))}"
        )
        logger.warning(
            "%s failed with %s; falling back to %s",
            name_model(candidate.model),
            name_error(find_cause(error)),
            name_model(self._waiting[0]),
        )

    def finish(self, answer: Answer) -> Answer:
        """Return the answer of a model, with what the models before it tried and cost."""
        if self._error is None:
            return answer
        add_cost(answer.response, self._spent)
        return answer._replace(attempts=answer.attempts + self.attempts)

    def _add_cost(self, error: OpenRouterError) -> None:
        """Add what a model cost all the same; a reply that does not tell makes the sum unknown."""
        paid = isinstance(error, BatchError) and bool(error.responses)
        if error.cost is not None and self._spent is not None:
            self._spent += error.cost
        elif error.cost is None and (
            paid or isinstance(find_cause(error), ResponseValidationError)
        ):
            self._spent = None

    def _add_suggestions(self, error: OpenRouterError) -> None:
        """Put the models that the server names after the caller's, but before any ranker."""
        if not self._follows or error.availability is None:
            return
        self._follows = False
        known = {*self._asked, *(model for model in self._waiting if isinstance(model, str))}
        rankers = [model for model in self._waiting if not isinstance(model, str)]
        slugs = [model for model in self._waiting if isinstance(model, str)]
        suggested = read_names(error.availability.fallback_models)
        self._waiting = [*slugs, *(name for name in suggested if name not in known), *rankers]


def follow_fallbacks(chain: FallbackChain, ask: Callable[[Candidate], Answer]) -> Answer:
    """
    Ask the models of a chain in turn until one answers.

    Raises:
        OpenRouterError: The error of the last model that was asked.
    """
    while True:
        candidate = chain.next()
        try:
            return chain.finish(ask(candidate))
        except OpenRouterError as error:
            chain.fall_back(candidate, error)


async def follow_fallbacks_async(
    chain: FallbackChain, ask: Callable[[Candidate], Awaitable[Answer]]
) -> Answer:
    """Async `follow_fallbacks`, on asyncio or trio."""
    while True:
        candidate = chain.next()
        try:
            return chain.finish(await ask(candidate))
        except OpenRouterError as error:
            chain.fall_back(candidate, error)


def find_cause(error: OpenRouterError) -> OpenRouterError:
    """Return the error of the batch that failed, or else the error itself."""
    cause = error.cause if isinstance(error, BatchError) else error
    return cause if isinstance(cause, OpenRouterError) else error


def read_names(names: object) -> list[str]:
    """Return the models that a server names, which may send anything, each once."""
    given = cast("list[object]", names) if isinstance(names, list) else []
    return list(dict.fromkeys(name for name in given if isinstance(name, str) and name.strip()))


def name_model(model: str | Ranker) -> str:
    """Return the name of a model or of a ranker."""
    return model if isinstance(model, str) else model.model
