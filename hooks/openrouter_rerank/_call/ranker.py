"""What can rank in this process, and stand in for a model that has failed."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Ranker(Protocol):
    """
    Ranks in this process, such as `openrouter_rerank.local.LOCAL`.

    It may be called from several threads at once. What it raises reaches the caller unchanged.
    """

    @property
    def model(self) -> str:
        """What a ranking names as its model."""
        ...

    def score(
        self,
        query: str,
        documents: Sequence[str | dict[str, str]],
        checkpoint: Callable[[], None],
        /,
    ) -> Sequence[float | None]:
        """
        Score each document against the query.

        Args:
            query: The text to compare the documents with.
            documents: Texts, or objects with `text`, `image` or both; at least one.
            checkpoint: Call it between documents. It raises when the call's time is over; let that
                pass.

        Returns:
            A finite score for each document, higher for a better one; None for a document that
            cannot be scored, such as an image alone.
        """
        ...
