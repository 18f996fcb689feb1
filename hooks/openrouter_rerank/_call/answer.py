"""A call's ranking, and how it came about."""

from collections.abc import Sequence
from typing import NamedTuple

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank.operations import CreateRerankResponseBody


class Answer(NamedTuple):
    """
    What a call ends in when it succeeds.

    Attributes:
        response: The ranking; its indices are the caller's positions.
        document_count: How many documents the caller gave.
        set_aside: Positions of those that could not be ranked.
        attempts: How many requests were tried, by all models.
        generation_id: The request's name in OpenRouter's logs; None if there is no single one.
        is_cached: Whether nothing was sent for it.
        saved_cost: What its cached part cost when it was sent, in credits; None if nothing was
            cached, or if that is unknown.
        has_spans: Whether results say where a document's best passage stands.
    """

    response: CreateRerankResponseBody
    document_count: int
    set_aside: Sequence[int] = ()
    attempts: int = 0
    generation_id: str | None = None
    is_cached: bool = False
    saved_cost: float | None = None
    has_spans: bool = False


def make_answer(reply: Reply, encoded: EncodedRequest) -> Answer:
    """
    Decode a reply.

    Raises:
        ResponseValidationError: The reply is not the contract's shape.
    """
    return Answer(
        reply.decode(encoded),
        encoded.document_count,
        encoded.set_aside,
        reply.attempts,
        reply.generation_id,
        reply.is_cached,
        reply.saved_cost,
        has_spans=encoded.passages is not None,
    )


def make_empty_answer(encoded: EncodedRequest) -> Answer:
    """Return what stands for an answer when there is nothing to send."""
    return Answer(encoded.make_empty_response(), len(encoded.set_aside), encoded.set_aside)
