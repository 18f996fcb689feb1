"""Ranking a request's documents in this process, by a `Ranker`, instead of sending them."""

import math
import threading
from collections.abc import Callable, Sequence

import anyio.to_thread

from openrouter_rerank._codec.documents import EncodedDocument
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response_model import drop_below, sort_results
from openrouter_rerank.errors import DeadlineExceededError
from openrouter_rerank.operations import (
    CreateRerankResponseBody,
    CreateRerankUsage,
    DocumentResponse,
    Result,
)

from .answer import Answer
from .config import Settings
from .ranker import Ranker


def rank(
    ranker: Ranker, encoded: EncodedRequest, settings: Settings, now: Callable[[], float]
) -> Answer:
    """
    Rank a request's documents in this process.

    Raises:
        DeadlineExceededError: The ranker was not done by the deadline.
        ValueError: It gave too few or too many scores, or one that is not finite.
    """
    return _build_answer(
        ranker,
        encoded,
        settings,
        ranker.score(encoded.query, encoded.documents, _make_checkpoint(settings, now)),
    )


async def rank_async(
    ranker: Ranker, encoded: EncodedRequest, settings: Settings, now: Callable[[], float]
) -> Answer:
    """Async `rank`, in a thread; a call that is cancelled or out of time does not wait for it."""
    is_abandoned = threading.Event()
    checkpoint = _make_checkpoint(settings, now, is_abandoned)

    def score() -> Sequence[float | None]:
        return ranker.score(encoded.query, encoded.documents, checkpoint)

    try:
        with anyio.move_on_after(settings.deadline):
            scores = await anyio.to_thread.run_sync(score, abandon_on_cancel=True)
            return _build_answer(ranker, encoded, settings, scores)
    finally:
        is_abandoned.set()
    raise _make_error(settings)


def _make_checkpoint(
    settings: Settings, now: Callable[[], float], is_abandoned: threading.Event | None = None
) -> Callable[[], None]:
    """Return what raises when the time is over, or nobody waits for the ranking any more."""
    ends_at = math.inf if settings.deadline is None else now() + settings.deadline

    def checkpoint() -> None:
        if now() >= ends_at or (is_abandoned is not None and is_abandoned.is_set()):
            raise _make_error(settings)

    return checkpoint


def _make_error(settings: Settings) -> DeadlineExceededError:
    error = DeadlineExceededError(f"not ranked within the deadline of {settings.deadline or 0:g} s")
    error.ended_call = True
    return error


def _build_answer(
    ranker: Ranker,
    encoded: EncodedRequest,
    settings: Settings,
    scores: Sequence[float | None],
) -> Answer:
    results: list[Result] = []
    unscored: list[int] = []
    pairs = zip(encoded.documents, scores, strict=True)
    for index, (document, score) in enumerate(pairs):
        if score is None:
            unscored.append(index)
        elif not math.isfinite(score):
            raise ValueError(f"{ranker.model}: the score of document {index} is not finite")
        else:
            results.append(
                Result(index=index, relevance_score=float(score), document=make_document(document))
            )
    sort_results(results)
    response = CreateRerankResponseBody(
        model=ranker.model, results=results[: encoded.top_n], usage=CreateRerankUsage(cost=0.0)
    )
    drop_below(response, settings.min_score, ranker.model)
    positions = encoded.find_unscored(unscored)
    return Answer(
        encoded.restore(response),
        encoded.document_count,
        sorted([*encoded.set_aside, *positions]),
        has_spans=encoded.passages is not None,
    )


def make_document(document: EncodedDocument) -> DocumentResponse:
    """Return a document as a result has it."""
    fields = {"text": document} if isinstance(document, str) else document
    return DocumentResponse.from_dict(fields)
