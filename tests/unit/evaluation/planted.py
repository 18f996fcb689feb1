"""A fake API whose models are planted to be better, equal or worse, and queries for them."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from openrouter_rerank import OpenRouter, RetryConfig
from openrouter_rerank.evaluation import Dataset, Query

KEY = "sk-or-fake"
GOOD, EQUAL, BAD = "planted/good", "planted/equal", "planted/bad"
RELEVANT = "right"
ONCE = RetryConfig("none")
COSTS: Mapping[str, float | None] = {GOOD: 0.002, EQUAL: 0.001, BAD: None}
Answer = Callable[[dict[str, Any]], httpx.Response | None]


class PlantedApi(httpx.BaseTransport):
    """
    Ranks by what a model is called.

    Attributes:
        bodies: The requests so far.
        answer: May answer a request instead; None lets it pass.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        """Begin without requests."""
        self.bodies: list[dict[str, Any]] = []
        self.answer = answer
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with a ranking and its cost."""
        body: dict[str, Any] = json.loads(request.read())
        with self._lock:
            self.bodies.append(body)
        if self.answer is not None and (given := self.answer(body)) is not None:
            return given
        return make_reply(body, COSTS[body["model"]])

    def open_client(self, retries: RetryConfig = ONCE, **options: Any) -> OpenRouter:
        """Open a client of this API."""
        return OpenRouter(api_key=KEY, transport=self, retry_config=retries, **options)


def make_reply(body: dict[str, Any], cost: float | None) -> httpx.Response:
    """Make the reply of a planted model."""
    documents: list[str] = body["documents"]
    results = [
        {"index": index, "relevance_score": score_planted(body["model"], index, document)}
        for index, document in enumerate(documents)
    ]
    usage = {} if cost is None else {"cost": cost}
    return httpx.Response(200, json={"model": body["model"], "results": results, "usage": usage})


def score_planted(model: str, index: int, document: str) -> float:
    """Score a document: the good model knows the right one, the equal one keeps the order."""
    if model == EQUAL:
        return 1 / (index + 2)
    is_right = document.startswith(RELEVANT)
    return (0.9 if is_right == (model == GOOD) else 0.1) - index / 1000


def make_planted(queries: int, candidates: int = 5, right_at: Sequence[int] = (2,)) -> Dataset:
    """Make queries with one relevant document each, at one of the given positions in turn."""
    documents: dict[str, str] = {}
    made: list[Query] = []
    for number in range(queries):
        right = right_at[number % len(right_at)]
        names = [f"d{number}.{position}" for position in range(candidates)]
        for position, name in enumerate(names):
            documents[name] = f"{RELEVANT if position == right else 'wrong'} {name}"
        made.append(
            Query(
                id=f"q{number}", text=f"query {number}", grades={names[right]: 1}, candidates=names
            )
        )
    return Dataset(name="planted", queries=made, documents=documents, first_stage="planted")
