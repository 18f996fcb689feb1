"""What each part sends, and how the replies to the parts are merged."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrouter_rerank.operations import CreateRerankResponseBody, CreateRerankUsage
from openrouter_rerank.testing import FakeOpenRouter, answer
from openrouter_rerank.types import UNSET
from unit.bulk.batched.parts import (
    ASK,
    HALVES,
    Half,
    every_half,
    list_sent,
    number_texts,
    rank_by_text,
    run_sync,
    score,
)


@settings(max_examples=100)
@given(
    texts=st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=30),
    batch_size=st.integers(1, 12),
    top_n=st.none() | st.integers(1, 40),
    max_concurrency=st.integers(1, 5),
    half=st.sampled_from(HALVES[:2]),
)
def test_parts_rank_as_the_whole(
    texts: list[str], batch_size: int, top_n: int | None, max_concurrency: int, half: Half
) -> None:
    """However it is cut, the outcome is the sorted whole, with the caller's positions."""
    parts = -(-len(texts) // batch_size)
    with FakeOpenRouter(*[rank_by_text] * parts) as client:
        res = half(
            client,
            documents=iter(texts),
            batch_size=batch_size,
            top_n=top_n,
            max_concurrency=max_concurrency,
        )

    best = sorted(range(len(texts)), key=lambda index: (-score(texts[index]), index))[:top_n]
    assert [(each.index, each.document.text, each.relevance_score) for each in res.results] == [
        (index, texts[index], score(texts[index])) for index in best
    ]
    assert isinstance(res.usage, CreateRerankUsage)
    assert (res.usage.cost, res.usage.search_units) == (parts / 4, parts)
    assert len(client.requests) == parts


@every_half
def test_requests_hold_the_parts(half: Half) -> None:
    """Each part is a request with its documents and no more `top_n` than it has documents."""
    with FakeOpenRouter() as client:
        half(client, documents=number_texts(5), batch_size=2, top_n=2)

    assert list_sent(client) == [["x", "xx"], ["xxx", "xxxx"], ["xxxxx"]]
    assert sorted(body["top_n"] for body in client.bodies) == [1, 2, 2]


@every_half
def test_single_part_is_the_reply(half: Half) -> None:
    """Of one part the reply comes back as it came, in its order and with unknown fields."""
    reply = {
        "id": "gen-1",
        "model": "m",
        "provider": "p",
        "odd": 1,
        "usage": {"total_tokens": 5, "strange": 2},
        "results": [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.5}],
    }
    with FakeOpenRouter(answer(body=reply), answer(body=reply)) as client:
        expected = client.rerank.rerank(documents=["a", "b"], **ASK)
        res = half(client, documents=["a", "b"])

    assert res == expected
    assert res.to_dict() == expected.to_dict()


def merge(*fields: Mapping[str, object]) -> CreateRerankResponseBody:
    """Merge the replies to parts of one document each, sent in turn."""
    replies = [
        {"model": "m", "results": [{"index": 0, "relevance_score": 0.5}], **each} for each in fields
    ]
    with FakeOpenRouter(*(answer(body=reply) for reply in replies)) as client:
        return run_sync(client, documents=["a"] * len(fields), batch_size=1, max_concurrency=1)


def test_usage_is_summed() -> None:
    """Each count is the sum over the parts that have it, and absent if none has."""
    usages: list[dict[str, object]] = [{"cost": 0.1}, {"cost": 0.2, "total_tokens": 3}, {}]

    res = merge(*({"usage": usage} for usage in [*usages, None]))

    assert res.usage == CreateRerankUsage(cost=0.1 + 0.2, total_tokens=3)


@pytest.mark.parametrize("fields", [{}, {"usage": None}])
def test_no_usage_is_none(fields: Mapping[str, object]) -> None:
    """When no part says what it used, neither does the whole."""
    assert merge(fields, fields).usage is UNSET


def test_fields_of_several_replies() -> None:
    """The id is the first part's, and what the parts do not agree on is absent."""
    first = {"id": "gen-1", "provider": "p", "same": [1], "other": 1, "once": None}
    second = {"id": "gen-2", "provider": "r", "same": [1], "other": 2}

    res = merge(first, second, first)

    assert (res.id, res.model, res.provider) == ("gen-1", "m", UNSET)
    assert dict(res.additional_properties) == {"same": [1]}
    assert merge(first, {**second, "provider": "p"}).provider == "p"


@pytest.mark.parametrize(
    ("counts", "expected"), [([2, None, 3], 5), ([2, 2], 4), ([None] * 2, None)]
)
def test_cut_documents_are_summed(counts: list[int | None], expected: int | None) -> None:
    """How many documents were cut is the sum over the parts that say it."""
    fields = [{} if count is None else {"truncated_documents": count} for count in counts]

    assert merge(*fields).additional_properties.get("truncated_documents") == expected
