"""A cache that keeps the score of each document: what is sent, and what the ranking is made of."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.resilience.test_cache import COST, open_client, price, show
from integration.resilience.ways import ASK, WAYS
from openrouter_rerank import MemoryCache, Ranking, errors
from openrouter_rerank.testing import FakeOpenRouter, Step

TEXTS = [f"{'word ' * (number % 13)}{number}" for number in range(100)]
Answer = Callable[[httpx.Request], httpx.Response]


def by(model: str, provider: str | None = "p") -> Answer:
    """Return a server where such a model of such a provider answers."""
    return lambda request: price(request, model=model, provider=provider)


def sweep(*depths: int) -> tuple[list[Ranking[str]], list[dict[str, Any]]]:
    """Rank so many of the texts, and return the rankings and what was sent."""
    with open_client(MemoryCache(by="document")) as client:
        rankings = [client.rerank.rank(TEXTS[:depth], **ASK, top_n=10) for depth in depths]
    return rankings, client.bodies


def test_deepest_first_is_one_call() -> None:
    """After the deepest, no depth is sent or paid."""
    rankings, bodies = sweep(100, 50, 20, 10)
    assert [len(body["documents"]) for body in bodies] == [100]
    assert [ranking.cost for ranking in rankings] == [COST, 0, 0, 0]
    assert rankings[1].saved_cost == pytest.approx(COST / 2)
    assert [ranking.cached for ranking in rankings] == [False, True, True, True]


def test_ascending_sends_each_document_once() -> None:
    """Each depth sends what is new, without `top_n`, and costs a call."""
    rankings, bodies = sweep(10, 20, 50, 100)
    assert [len(body["documents"]) for body in bodies] == [10, 10, 30, 50]
    assert [text for body in bodies for text in body["documents"]] == TEXTS
    assert not any("top_n" in body for body in bodies)
    assert [ranking.cost for ranking in rankings] == [COST] * 4
    assert [ranking.saved_cost for ranking in rankings[:2]] == [None, pytest.approx(COST)]
    assert [len(ranking) for ranking in rankings] == [10] * 4


def test_both_orders_rank_as_without_a_cache() -> None:
    """A ranking of kept and new scores is that of one request."""
    descending, _ = sweep(100, 50, 20, 10)
    ascending, _ = sweep(10, 20, 50, 100)
    with FakeOpenRouter(*[price] * 4) as client:
        fresh = [client.rerank.rank(TEXTS[:n], **ASK, top_n=10) for n in (10, 20, 50, 100)]
    assert [show(each) for each in ascending] == [show(each) for each in fresh]
    assert [show(each) for each in descending[::-1]] == [show(each) for each in fresh]


OTHERS: dict[str, Answer] = {"model": by("moved"), "provider": by("m", "q"), "none": by("m", None)}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_scores_of_two_never_meet(other: Answer) -> None:
    """If another model or provider answers what is new, all is sent to it, and both are paid."""
    script: list[Step] = [by("m"), other, other]
    with open_client(MemoryCache(by="document"), *script) as client:
        client.rerank.rank(TEXTS[:2], **ASK)
        ranking = client.rerank.rank(TEXTS[:3], **ASK)
        again = client.rerank.rank(TEXTS[:3], **ASK)
    assert [len(body["documents"]) for body in client.bodies] == [2, 1, 3]
    assert (ranking.cost, ranking.saved_cost, ranking.attempts) == (2 * COST, None, 2)
    assert show(again) == show(ranking)
    assert (again.cached, again.model) == (True, ranking.model)


def test_price_of_a_request_that_was_of_no_use_is_in_the_error() -> None:
    """If the second request fails, the error tells what the first has cost."""
    script: list[Step] = [by("m"), by("n"), 404]
    with open_client(MemoryCache(by="document"), *script) as client:
        client.rerank.rank(TEXTS[:2], **ASK)
        with pytest.raises(errors.NotFoundResponseError) as caught:
            client.rerank.rank(TEXTS[:3], **ASK)
    assert (caught.value.cost, caught.value.attempts) == (COST, 2)


def test_unknown_price_stays_unknown() -> None:
    """Where a reply names no price, neither is there a sum nor something saved."""

    def free(request: httpx.Request) -> httpx.Response:
        reply = price(request).json()
        del reply["usage"]
        return httpx.Response(200, json=reply)

    with FakeOpenRouter(*[free] * 3, cache=MemoryCache(by="document")) as client:
        client.rerank.rank(TEXTS[:2], **ASK)
        partly = client.rerank.rank(TEXTS[:3], **ASK)
        wholly = client.rerank.rank(TEXTS[:3], **ASK)
    assert (partly.cost, partly.saved_cost) == (None, None)
    assert (wholly.cost, wholly.saved_cost) == (0.0, None)


def test_equal_documents_are_sent_once() -> None:
    """A document that comes twice is sent once, and ranked twice."""
    with open_client(MemoryCache(by="document")) as client:
        ranking = client.rerank.rank(["a", "bb", "a"], **ASK)
    assert client.bodies[0]["documents"] == ["a", "bb"]
    assert [each.index for each in ranking] == [1, 0, 2]


@pytest.mark.parametrize("kept_by", ["request", "document"])
def test_images_behind_urls_may_change(kept_by: Any) -> None:
    """They are kept only with an age limit; images in data URIs always are."""
    remote = [{"image": "https://a.example/a.png", "text": "one"}, "two"]
    local = [{"image": "data:image/png;base64,AA==", "text": "one"}, "two"]
    for documents, max_age, expected in (
        (remote, None, [2, 2 if kept_by == "request" else 1]),
        (remote, 60, [2]),
        (local, None, [2]),
    ):
        with open_client(MemoryCache(max_age=max_age, by=kept_by)) as client:
            first, second = (client.rerank.rank(documents, **ASK) for _ in range(2))
        assert [len(body["documents"]) for body in client.bodies] == expected
        assert [each.score for each in first] == [each.score for each in second]


def test_failed_attempts_are_repeated_for_what_is_missing() -> None:
    """A retry sends the same documents again, also when a job makes it."""
    for way in ("sync", "job", "job-asyncio"):
        cache = MemoryCache(by="document")
        with open_client(cache, price, 503) as client:
            WAYS[way](client, TEXTS[:2])
            ranking = WAYS[way](client, TEXTS[:4])
        assert [len(body["documents"]) for body in client.bodies] == [2, 2, 2]
        assert (len(ranking), ranking.attempts) == (4, 2)


def test_reply_of_another_shape_is_the_calls_error() -> None:
    """What cannot be read raises, and nothing is kept of it."""
    invalid = httpx.Response(200, json={"results": 5})
    with open_client(MemoryCache(by="document"), invalid) as client:
        with pytest.raises(errors.ResponseValidationError):
            client.rerank.rank(TEXTS[:2], **ASK)
        assert not client.rerank.rank(TEXTS[:2], **ASK).cached


@given(
    way=st.sampled_from(sorted(WAYS)),
    kept_by=st.sampled_from(["request", "document"]),
    calls=st.lists(
        st.tuples(
            st.lists(st.sampled_from(["a", "bb", "ccc", "dddd", " ", None]), max_size=6),
            st.sampled_from([None, 1, 2, 9]),
            st.sampled_from([None, 0.02, 0.03]),
        ),
        min_size=1,
        max_size=5,
    ),
)
@settings(max_examples=200, deadline=None)
def test_cached_partly_cached_and_fresh_rankings_are_equal(
    way: str, kept_by: Any, calls: list[tuple[list[str | None], int | None, float | None]]
) -> None:
    """Whatever was asked before, a ranking is what it would be without a cache."""
    cache = MemoryCache(by=kept_by)
    paid: list[httpx.Request] = []

    def count(request: httpx.Request) -> httpx.Response:
        paid.append(request)
        return price(request)

    total = 0.0
    with (
        FakeOpenRouter(*[count] * 20, cache=cache) as kept,
        FakeOpenRouter(*[price] * 20) as fresh,
    ):
        for documents, top_n, min_score in calls:
            arguments: dict[str, Any] = {
                "top_n": top_n,
                "min_score": min_score,
                "unrankable": "set_aside",
            }
            ranking = WAYS[way](kept, documents, **arguments)
            expected = WAYS[way](fresh, documents, **arguments)
            assert show(ranking) == show(expected)
            assert list(ranking.set_aside) == list(expected.set_aside)
            total += ranking.cost or 0
    assert total == pytest.approx(len(paid) * COST)


def test_order_of_equal_scores_is_the_callers() -> None:
    """Documents with equal scores keep their order, whichever of them were known."""
    with open_client(MemoryCache(by="document")) as client:
        client.rerank.rank(["bb", "dd"], **ASK)
        ranking = client.rerank.rank(["aa", "bb", "cc", "dd"], **ASK)
    assert [each.index for each in ranking] == [0, 1, 2, 3]
    assert json.loads(client.requests[1].content)["documents"] == ["aa", "cc"]


@pytest.mark.parametrize("is_priced", [False, True])
def test_unknown_price_of_a_request_of_no_use(is_priced: bool) -> None:
    """If what was sent for nothing names no price, the sum is unknown, in an error, too."""

    def unpriced(request: httpx.Request) -> httpx.Response:
        reply = by("n")(request).json()
        del reply["usage"]
        return httpx.Response(200, json=reply)

    last = by("n") if is_priced else unpriced
    script: list[Step] = [by("m"), unpriced, last, unpriced, 404]
    with open_client(MemoryCache(by="document"), *script) as client:
        client.rerank.rank(TEXTS[:2], **ASK)
        assert client.rerank.rank(TEXTS[:3], **ASK).cost is None
    script = [404, by("m"), unpriced, 404]
    with open_client(MemoryCache(by="document"), *script) as client:
        with pytest.raises(errors.NotFoundResponseError) as caught:
            client.rerank.rank(TEXTS[:2], **ASK)
        assert (caught.value.cost, caught.value.attempts) == (None, 1)
        client.rerank.rank(TEXTS[:2], **ASK)
        with pytest.raises(errors.NotFoundResponseError) as caught:
            client.rerank.rank(TEXTS[:3], **ASK)
        assert (caught.value.cost, caught.value.attempts) == (None, 2)
