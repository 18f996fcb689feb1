"""`min_score` drops what scores lower, by every way in, and only where there are scores."""

from typing import Any

import anyio
import pytest
from integration.resilience.ways import ASK, Rank, every_way
from openrouter_rerank import OpenRouter, RetryConfig
from openrouter_rerank.testing import FakeOpenRouter, answer

ITEMS = ["one", "two", "three"]
SCORED = answer(scores=[0.25, 0.5, 0.75])
ONCE = RetryConfig("none")


@every_way
@pytest.mark.parametrize(
    ("min_score", "kept"),
    [
        (None, [2, 1, 0]),
        (0.5, [2, 1]),
        (0.51, [2]),
        (1, []),
        (-5, [2, 1, 0]),
        ({"m": 0.5}, [2, 1]),
        ({"other": 0.5}, [2, 1, 0]),
    ],
    ids=["none", "equal", "above", "all", "below", "model", "other"],
)
def test_lower_scores_are_dropped(way: Rank, min_score: Any, kept: list[int]) -> None:
    """What scores as much or more stays; a mapping is for the models that it names."""
    with FakeOpenRouter(SCORED) as client:
        ranking = way(client, ITEMS, min_score=min_score)

    assert [each.index for each in ranking] == kept
    assert ranking.reranked


@every_way
def test_top_n_counts_what_is_left(way: Rank) -> None:
    """No more than `top_n` are returned, however many score enough."""
    with FakeOpenRouter(SCORED) as client:
        assert [each.index for each in way(client, ITEMS, min_score=0.3, top_n=1)] == [2]


@every_way
def test_kept_order_has_no_scores_to_compare(way: Rank) -> None:
    """Nothing is dropped from an order that was kept."""
    with FakeOpenRouter(503, retry_config=ONCE) as client:
        ranking = way(client, ITEMS, min_score=0.9, on_failure="keep_order")

    assert [each.index for each in ranking] == [0, 1, 2]


@every_way
def test_client_has_a_default(way: Rank) -> None:
    """The client's holds unless the call has its own, or none."""
    with FakeOpenRouter(SCORED, SCORED, SCORED, min_score=0.5) as client:
        assert [each.index for each in way(client, ITEMS)] == [2, 1]
        assert [each.index for each in way(client, ITEMS, min_score=0.7)] == [2]
        assert [each.index for each in way(client, ITEMS, min_score=None)] == [2, 1, 0]


def test_every_method_drops() -> None:
    """The contract's reply is shorter too, also one that is parsed later."""
    call: dict[str, Any] = {**ASK, "documents": ITEMS, "min_score": 0.5}
    with FakeOpenRouter(*[SCORED] * 6) as client:
        replies = [
            client.rerank.rerank(**call),
            client.rerank.rerank_batched(**call),
            client.rerank.with_raw_response.rerank(**call).parse(),
            anyio.run(lambda: client.rerank.rerank_async(**call)),
            anyio.run(lambda: client.rerank.rerank_batched_async(**call)),
            anyio.run(lambda: client.rerank.with_raw_response.rerank_async(**call)).parse(),
        ]
    assert [[each.index for each in reply.results] for reply in replies] == [[2, 1]] * 6


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("0.5", TypeError),
        (True, TypeError),
        (float("nan"), ValueError),
        ({"m": "0.5"}, TypeError),
        ({5: 0.5}, TypeError),
    ],
)
def test_wrong_value_is_refused(value: Any, kind: type[Exception]) -> None:
    """What is no finite number is refused, by the client and by a call."""
    with pytest.raises(kind, match="min_score"):
        OpenRouter("key", min_score=value)
    with FakeOpenRouter() as client, pytest.raises(kind, match="min_score"):
        client.rerank.rank(ITEMS, **ASK, min_score=value)
