"""What the embedded server asks of a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ranking:
    """
    The scores of documents for a query.

    Attributes:
        scores: One finite number for each document, in the order of the documents; higher is
            more relevant.
        token_count: How many tokens the model read, the query's included.
        truncated_documents: How many of the documents are longer than what the model read of
            them; repeated ones count each time.
    """

    scores: Sequence[float]
    token_count: int
    truncated_documents: int = 0


def proceed() -> None:
    """Do nothing: the checkpoint of a caller who never stops a ranking."""


class Ranker(Protocol):
    """
    A model that scores texts against a query; it may be called from several threads at once.

    The server asks it. What a client falls back to is an `openrouter_rerank.Ranker`.
    `openrouter_rerank.local.LocalRanker` is both.
    """

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],
    ) -> Ranking:
        """
        Score each document against the query.

        Args:
            query: What the documents are compared with; may be empty.
            documents: The texts to score, at least one; each may be empty.
            checkpoint: Call it now and then during long work. It raises to stop the ranking; don't
                catch what it raises.

        Returns:
            A score for each document.
        """
        ...
