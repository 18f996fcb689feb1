"""Rankers that need no model."""

import threading
from collections.abc import Callable, Sequence

from openrouter_rerank.local import Ranker, Ranking


class ConstantRanker:
    """Gives every document the same score."""

    def rank(
        self,
        query: str,  # noqa: ARG002  the protocol has it
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],  # noqa: ARG002  the protocol has it
    ) -> Ranking:
        """Score without reading."""
        return Ranking([0.5] * len(documents), 7)


class WaitingRanker:
    """Waits for `go_on` before it ranks, with checkpoints."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.stopped = threading.Event()

    def rank(
        self,
        query: str,  # noqa: ARG002  the protocol has it
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],
    ) -> Ranking:
        """Wait, with a checkpoint now and then."""
        self.started.release()
        try:
            while not self.go_on.wait(0.01):
                checkpoint()
        except BaseException:
            self.stopped.set()
            raise
        return Ranking([0.5] * len(documents), 7)


class FailingRanker:
    """Fails with a message that quotes the caller's text."""

    def rank(
        self,
        query: str,  # noqa: ARG002  the protocol has it
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],  # noqa: ARG002  the protocol has it
    ) -> Ranking:
        """Fail."""
        raise LookupError(documents[0])


class TirelessRanker:
    """
    Has another ranker rank, what is large again and again until `is_over` is set.

    So a large request does not end before a test has looked, however fast the machine is.
    """

    def __init__(self, inner: Ranker, large: int) -> None:
        self.started = threading.Semaphore(0)
        self.is_over = threading.Event()
        self._inner = inner
        self._large = large

    def rank(
        self, query: str, documents: Sequence[str], *, checkpoint: Callable[[], None]
    ) -> Ranking:
        """Rank as the other ranker does."""
        self.started.release()
        ranking = self._inner.rank(query, documents, checkpoint=checkpoint)
        while sum(map(len, documents)) >= self._large and not self.is_over.is_set():
            ranking = self._inner.rank(query, documents, checkpoint=checkpoint)
        return ranking
