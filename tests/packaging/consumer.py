"""
A program of a user: type-checked against the installed wheel, and run with it.

It takes the server's URL as its argument and prints the texts in the order of their relevance.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Any, assert_type

from openrouter_rerank import (
    FrameRanking,
    OpenRouter,
    Ranked,
    Ranker,
    Ranking,
    __version__,
    components,
    errors,
    operations,
    types,
)

QUERY = "What is the capital of France?"
DOCUMENTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
MODEL = "cohere/rerank-v3.5"


def rerank(server_url: str) -> operations.CreateRerankResponseBody:
    """Make the plain call, and use each part of the reply as what it is declared to be."""
    with OpenRouter(api_key="a-key", server_url=server_url) as client:
        res = client.rerank.rerank(query=QUERY, documents=DOCUMENTS, model=MODEL)
        assert_type(res, operations.CreateRerankResponseBody)
        assert_type(res.model, str)
        assert_type(res.results, list[operations.Result])
        assert_type(res.results[0].index, int)
        assert_type(res.results[0].relevance_score, float)
        assert_type(res.results[0].document.text, str | types.Unset)
        assert_type(res.usage, operations.CreateRerankUsage | None | types.Unset)
        return res


async def rerank_async(server_url: str) -> operations.CreateRerankResponseBody:
    """Make the asynchronous call with every kind of document and a preference."""
    provider = components.ProviderPreferences(allow_fallbacks=False, sort="price")
    async with OpenRouter(server_url=server_url, http_referer="https://app.example.com") as client:
        res = await client.rerank.rerank_async(
            documents=[DOCUMENTS[0], operations.DocumentRequest(text=DOCUMENTS[1])],
            model=MODEL,
            query=QUERY,
            provider=provider,
            session_id="session",
            top_n=1,
            trace={"trace_name": "consumer"},
            user=None,
            timeout_ms=10_000,
        )
        assert_type(res, operations.CreateRerankResponseBody)
        return res


class LengthRanker:
    """A ranker of one's own, to fall back to."""

    model = "length"

    def score(
        self,
        _query: str,
        documents: Sequence[str | dict[str, str]],
        checkpoint: Callable[[], None],
        /,
    ) -> list[float | None]:
        """Score each text by its length."""
        checkpoint()
        return [float(len(text)) if isinstance(text, str) else None for text in documents]


def rank(server_url: str) -> list[str]:
    """Order objects of one's own; a score is None where the order was kept."""
    with OpenRouter(server_url=server_url, fallback_models=["b", LengthRanker()]) as client:
        view = client.with_options(on_failure="keep_order", min_score={MODEL: 0.0})
        ranking = view.rerank.rank(DOCUMENTS, query=QUERY, model=MODEL, follow_fallbacks=True)
        assert_type(view, OpenRouter)
        assert_type(ranking, Ranking[str])
        assert_type(ranking[0], Ranked[str])
        assert_type(ranking[0].score, float | None)
        assert_type(ranking.reranked, bool)
        assert_type(ranking.failure, errors.OpenRouterError | None)
        assert_type(ranking.cost, float | None)
        fallback: Ranker = LengthRanker()
        assert_type(fallback.model, str)
        return [ranked.item for ranked in ranking]


class Frame:
    """A DataFrame as type checkers see it: what pandas and polars have in common."""

    columns: Sequence[str] = ("text",)
    shape: tuple[int, int] = (1, 1)


def rank_frame(client: OpenRouter, frame: Frame) -> Frame:
    """Order the rows of a DataFrame; what comes back is one of the same library."""
    ranking = client.rerank.rank(frame, key="text", query=QUERY, model=MODEL)
    assert_type(ranking, FrameRanking[Frame])
    assert_type(ranking[0].item, dict[str, Any])
    assert_type(ranking.reranked, bool)
    assert_type(ranking.to_frame(score="relevance"), Frame)
    return ranking.to_frame()


async def rank_frame_async(client: OpenRouter, frame: Frame) -> Frame:
    """Do the same asynchronously, by several columns."""
    ranking = await client.rerank.rank_async(frame, fields=["text"], query=QUERY, model=MODEL)
    assert_type(ranking, FrameRanking[Frame])
    return ranking.to_frame()


def describe_failure(server_url: str) -> str:
    """Make a call that the server refuses, and catch the error by its class."""
    with OpenRouter(server_url=f"{server_url}/nowhere") as client:
        try:
            client.rerank.rerank(query=QUERY, documents=DOCUMENTS, model=MODEL)
        except errors.NotFoundResponseError as error:
            assert_type(error.status_code, int | None)
            assert_type(error.message, str)
            return f"{error.status_code}"
        except errors.OpenRouterError as error:
            return type(error).__name__
    return "no error"


def main(server_url: str) -> None:
    """Print the version, the texts of three calls, and the status of an error."""
    print(__version__)
    for res in (rerank(server_url), asyncio.run(rerank_async(server_url))):
        print([result.document.text or "" for result in res.results])
    print(rank(server_url))
    print(describe_failure(server_url))


if __name__ == "__main__":
    main(sys.argv[1])
