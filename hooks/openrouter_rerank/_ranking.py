"""What `rank` returns: the caller's own objects in order, and how the order came about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from attrs import frozen

from . import operations
from ._call.answer import Answer
from ._codec.passages import Span, read_span
from .errors import OpenRouterError
from .types import Unset

T = TypeVar("T")


@frozen
class Ranked(Generic[T]):
    """
    One of your objects with its score.

    Attributes:
        item: The object itself.
        score: How relevant it is; higher is better. Scores of different models do not compare. None
            if the ranking kept the order in which the items came.
        index: Its position among the items, from 0.
        span: Where the passage that has this score stands in the document's text as it was sent:
            its first character and the one after its last. None without `passages`, for an item
            with an image, and if the ranking kept the order.
    """

    item: T
    score: float | None
    index: int
    span: Span | None = None


class Ranking(list[Ranked[T]]):
    """
    Your objects in order, and how the order came about.

    It is a list, and a slice or a copy of it is a plain list.

    Attributes:
        model: The model that answered; the one that was asked for if none did.
        reranked: Whether a model ordered the items. If not, they have the order in which they came,
            and no scores.
        failure: Why they have it; None if a model ordered them.
        usage: What the call used, as the reply says; None if it does not.
        cost: The price of the call in credits, with what models cost that failed before another one
            answered; None if it is unknown.
        generation_id: Names the request in OpenRouter's logs; None if unknown, or if there were
            several.
        attempts: How many requests were tried, 0 if none was sent.
        cached: Whether the whole answer is from the client's cache, and so cost nothing.
        saved_cost: What the cached part of the answer cost when it was sent, in credits; None if
            nothing was cached, or if that is unknown.
        set_aside: Positions of the items that could not be ranked, such as blank ones. They are in
            the list only if it was not reranked.
    """

    def __init__(
        self,
        ranked: Sequence[Ranked[T]] = (),
        *,
        model: str = "",
        failure: OpenRouterError | None = None,
        usage: operations.CreateRerankUsage | None = None,
        cost: float | None = None,
        generation_id: str | None = None,
        attempts: int = 0,
        cached: bool = False,
        saved_cost: float | None = None,
        set_aside: Sequence[int] = (),
    ) -> None:
        """Take the items, and how their order came about."""
        super().__init__(ranked)
        self.model = model
        self.failure = failure
        self.usage = usage
        self.cost = cost
        self.generation_id = generation_id
        self.attempts = attempts
        self.cached = cached
        self.saved_cost = saved_cost
        self.set_aside = set_aside

    @property
    def reranked(self) -> bool:
        """Whether a model ordered the items."""
        return self.failure is None

    def to_frame(self) -> object:
        """
        Return a DataFrame, if the items are the rows of one: see `FrameRanking`.

        Raises:
            TypeError: They are not.
        """
        raise TypeError(
            "to_frame: the items were not a DataFrame; rank one, as in"
            ' rank(frame, key="column", ...), or make one of the items and their scores'
        )


def pair_with_scores(items: Sequence[T], answer: Answer) -> Ranking[T]:
    """Return the items with their scores, in the order of the answer's results."""
    response = answer.response
    usage = response.usage if isinstance(response.usage, operations.CreateRerankUsage) else None
    return Ranking(
        [
            Ranked(
                items[result.index],
                result.relevance_score,
                result.index,
                read_span(result) if answer.has_spans else None,
            )
            for result in response.results
        ],
        model=response.model,
        usage=usage,
        cost=None if usage is None or isinstance(usage.cost, Unset) else usage.cost,
        generation_id=answer.generation_id,
        attempts=answer.attempts,
        cached=answer.is_cached,
        saved_cost=answer.saved_cost,
        set_aside=answer.set_aside,
    )


def keep_order(
    items: Sequence[T],
    failure: OpenRouterError,
    *,
    model: str,
    top_n: int | None,
    set_aside: Sequence[int] = (),
) -> Ranking[T]:
    """Return the items in the order in which they came, without scores."""
    return Ranking(
        [Ranked(item, None, index) for index, item in enumerate(items[:top_n])],
        model=model,
        failure=failure,
        cost=failure.cost,
        generation_id=failure.generation_id,
        attempts=failure.attempts,
        set_aside=set_aside,
    )
