"""Whatever goes wrong, a ranking is a permutation of a part of the items, and the sums hold."""

import json
import math
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.resilience.ways import WAYS
from openrouter_rerank import OpenRouter, RetryConfig, errors
from openrouter_rerank.testing import FakeOpenRouter

COST = 0.125
MODELS = ("m", "b", "c")


class FixedRanker:
    """Scores each text by its length, and no image."""

    model = "fixed"

    def score(self, _query: str, documents: Any, checkpoint: Any, /) -> list[float | None]:
        """Score."""
        checkpoint()
        return [float(len(each)) if isinstance(each, str) else None for each in documents]


class Upstream:
    """Answers each request as a plan says, and counts what it was paid."""

    def __init__(self, plan: list[str], scores: list[float]) -> None:
        """Take how the requests end, in turn; the last one repeats."""
        self.plan = plan
        self.scores = scores
        self.paid = 0
        self.models: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        body = json.loads(request.content)
        self.models.append(body["model"])
        step = self.plan[min(len(self.models), len(self.plan)) - 1]
        if step == "cut":
            raise httpx.ReadError("cut")
        if step == "refused":
            raise httpx.ConnectError("refused")
        if step.isdigit():
            return httpx.Response(int(step), json={"error": {"code": int(step), "message": "x"}})
        self.paid += 1
        usage = {"usage": {"cost": COST}}
        if step == "invalid":
            return httpx.Response(200, json={"results": 5, **usage})
        count = len(body["documents"])
        # Neither sorted nor cut, as some providers send them.
        results = [
            {"index": index, "relevance_score": self.scores[index % len(self.scores)]}
            for index in range(count)
        ]
        return httpx.Response(200, json={"model": body["model"], "results": results, **usage})


steps = st.sampled_from(["ok", "ok", "cut", "refused", "invalid", "402", "404", "429", "503"])
items = st.lists(st.sampled_from(["one", "two", " ", "", "three", None]), max_size=7)


@given(
    way=st.sampled_from(sorted(WAYS)),
    documents=items,
    plan=st.lists(steps, min_size=1, max_size=6),
    scores=st.lists(st.floats(-1, 1), min_size=1, max_size=4),
    fallbacks=st.sampled_from([[], ["b"], ["b", "c"], ["b", FixedRanker()], [FixedRanker()]]),
    top_n=st.sampled_from([None, 1, 3, 50]),
    min_score=st.sampled_from([None, 0.0, 0.5]),
    attempts=st.integers(1, 3),
)
@settings(max_examples=300, deadline=None)
def test_any_mix_gives_a_ranking(
    way: str,
    documents: list[str | None],
    plan: list[str],
    scores: list[float],
    fallbacks: list[Any],
    top_n: int | None,
    min_score: float | None,
    attempts: int,
) -> None:
    """
    With any mix of faults, fallbacks and blank items there is a ranking and no error.

    Its items are the caller's, each once; with scores they are sorted; nothing is longer than was
    asked for; and the cost is what the server was paid, once.
    """
    upstream = Upstream(plan, scores)
    client = FakeOpenRouter(
        *[upstream] * 40,
        retry_config=RetryConfig(max_attempts=attempts),
        fallback_models=fallbacks,
        min_score=min_score,
        on_failure="keep_order",
    )
    with client:
        ranking = WAYS[way](client, documents, top_n=top_n)

    positions = [each.index for each in ranking]
    assert len(positions) == len(set(positions))
    assert all(each.item == documents[each.index] for each in ranking)
    assert top_n is None or len(ranking) <= top_n
    blank = {at for at, text in enumerate(documents) if not (text or "").strip()}
    assert set(ranking.set_aside) == blank
    if not ranking.reranked:
        assert [each.index for each in ranking] == list(range(len(documents)))[:top_n]
        assert all(each.score is None for each in ranking)
        return
    assert not blank & set(positions)
    values = [each.score for each in ranking]
    assert values == sorted((value for value in values if value is not None), reverse=True)
    assert all(value is not None and math.isfinite(value) for value in values)
    if min_score is not None:
        assert all(value is not None and value >= min_score for value in values)
    if len(blank) < len(documents):
        assert ranking.model in {*MODELS, "fixed"}
        assert ranking.cost == upstream.paid * COST


@given(plan=st.lists(steps, min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_other_calls_end_typed(plan: list[str]) -> None:
    """Without a kept order the same mixes end in a reply, or in an error of the call's own."""
    upstream = Upstream(plan, [0.5])
    transport = httpx.MockTransport(upstream)
    caught = None
    with OpenRouter("key", transport=transport, deadline_ms=20, fallback_models=["b"]) as client:
        try:
            client.rerank.rerank(documents=["one"], model="m", query="q")
        except errors.OpenRouterError as error:
            caught = error
    assert caught is None or caught.ended_call
    assert set(upstream.models) <= set(MODELS)
