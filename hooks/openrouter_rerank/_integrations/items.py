"""What a framework hands to its adapter, a list of its own documents, and what it gets back."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from openrouter_rerank._call.arguments import Document
from openrouter_rerank._codec.documents import Unrankable, is_unrankable, require_iterable
from openrouter_rerank._codec.passages import Span
from openrouter_rerank._events.logging import name_error, warn_of_unranked
from openrouter_rerank._ranking import Ranking

T = TypeVar("T")


@frozen
class Scored(Generic[T]):
    """
    A framework's document with its score.

    Attributes:
        item: The document.
        score: Its score; None if it was set aside, or if the order was kept.
        passage: Where its best passage stands in what was sent of it, as plain JSON; None if it was
            not split.
    """

    item: T
    score: float | None
    passage: dict[str, int] | None = None


@frozen
class Arranged(Generic[T]):
    """
    A framework's documents in order, and how the order came about.

    Attributes:
        scored: The documents.
        origin: What a `Ranking` knows of itself, as plain JSON: `model`, `reranked`, `failure` (the
            error's class and status, or None), `cost`, `cached`, `generation_id` and `attempts`.
    """

    scored: list[Scored[T]]
    origin: dict[str, Any]


class Selection(Generic[T]):
    """
    A framework's documents, those that can be ranked apart from those that are set aside.

    Attributes:
        entries: What is to be ranked, each with the document that is sent.
    """

    def __init__(
        self, items: Sequence[T], read: Callable[[T], Document], unrankable: Unrankable
    ) -> None:
        """Read each document; with "raise", none is set aside, and the client refuses it."""
        entries = [(item, read(item)) for item in items]
        set_aside = [
            at
            for at, (_, document) in enumerate(entries)
            if unrankable == "set_aside" and is_unrankable(document)
        ]
        warn_of_unranked(set_aside)
        self._items = items
        self._set_aside = [items[at] for at in set_aside]
        left_out = frozenset(set_aside)
        self.entries = [entry for at, entry in enumerate(entries) if at not in left_out]

    def arrange(self, ranking: Ranking[tuple[T, Document]], top_n: int | None) -> Arranged[T]:
        """Return the ranking, with what was set aside after it, cut to `top_n`."""
        if ranking.reranked:
            ranked = [
                Scored(each.item[0], each.score, describe_span(each.span)) for each in ranking
            ]
            left = [entry[0] for entry in map(self.entries.__getitem__, ranking.set_aside)]
            found = [*ranked, *(Scored(item, None) for item in [*self._set_aside, *left])]
        else:
            # As if there were no reranker: what was set aside is in its place, too.
            found = [Scored(item, None) for item in self._items]
        return Arranged(found[:top_n], describe_origin(ranking))

    def arrange_nothing(self, model: str, top_n: int | None) -> Arranged[T]:
        """Return what there is when none of the documents can be ranked."""
        return self.arrange(Ranking(model=model), top_n)


def describe_origin(ranking: Ranking[Any]) -> dict[str, Any]:
    """Return how a ranking came about, as plain JSON and without content."""
    return {
        "model": ranking.model,
        "reranked": ranking.reranked,
        "failure": None if ranking.failure is None else name_error(ranking.failure),
        "cost": ranking.cost,
        "cached": ranking.cached,
        "generation_id": ranking.generation_id,
        "attempts": ranking.attempts,
    }


def describe_span(span: Span | None) -> dict[str, int] | None:
    """Return where a passage stands, as plain JSON; None if there is none."""
    return None if span is None else {"start": span[0], "end": span[1]}


def read_entry(entry: tuple[object, Document]) -> Document:
    """Return the document of an entry of a selection."""
    return entry[1]


def limit_count(top_n: int | None, count: int) -> int | None:
    """
    Return how many of `count` documents to ask for; None for all.

    An adapter has a default for all its calls, and some providers refuse more than there are.
    """
    return None if top_n is None else min(top_n, count)


def require_items(items: object, kind: type[T], name: str) -> list[T]:
    """
    Return the framework's documents as a list.

    Args:
        items: What was handed in.
        kind: The framework's class of a document.
        name: What messages call it.

    Raises:
        TypeError: It is no list of documents, or holds something else; the message names the place.
    """
    checked: list[T] = []
    for position, item in enumerate(require_iterable(items, name)):
        if not isinstance(item, kind):
            found = type(item).__name__
            raise TypeError(f"{name}[{position}]: expected {kind.__name__}, got {found}")
        checked.append(item)
    return checked
