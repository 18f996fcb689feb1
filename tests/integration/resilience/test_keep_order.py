"""A search goes on when its reranking fails: `on_failure="keep_order"`, by every way in."""

import json
import logging
import ssl
from typing import Any

import httpx
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.resilience.ways import Rank, every_way
from openrouter_rerank import OpenRouter, Ranked, Ranking, RetryConfig, errors
from openrouter_rerank.testing import FakeOpenRouter, Step, answer

ITEMS = ["one", "two", "three"]
ONCE = RetryConfig("none")
MODERATED = {
    "error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}},
}


def refuse(status: int) -> Step:
    """Answer every request with a status."""
    return lambda request: answer(status).build(request)


def fail(error: Exception) -> Step:
    """Raise for every request."""

    def act(_: httpx.Request) -> httpx.Response:
        raise error

    return act


FAILURES: dict[str, tuple[Step, type[errors.OpenRouterError]]] = {
    "400": (refuse(400), errors.BadRequestResponseError),
    "402": (refuse(402), errors.PaymentRequiredResponseError),
    "403 moderated": (answer(403, body=MODERATED), errors.ForbiddenResponseError),
    "404": (refuse(404), errors.NotFoundResponseError),
    "413": (refuse(413), errors.PayloadTooLargeResponseError),
    "429": (refuse(429), errors.TooManyRequestsResponseError),
    "503": (refuse(503), errors.ServiceUnavailableResponseError),
    "no ranking": (answer(body={"results": 5}), errors.ResponseValidationError),
    "refused": (fail(httpx.ConnectError("refused")), errors.ConnectionFailedError),
    "cut": (fail(httpx.ReadError("cut")), errors.DisconnectedError),
    "silent": (fail(httpx.ReadTimeout("silent")), errors.ReadTimeoutError),
}


@every_way
@pytest.mark.parametrize("name", FAILURES)
def test_failure_keeps_the_order(way: Rank, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The items come as they were, cut and without scores, with the error and a line in the log."""
    step, kind = FAILURES[name]
    with FakeOpenRouter(step, retry_config=ONCE) as client:
        ranking = way(client, ITEMS, top_n=2, on_failure="keep_order")

    assert list(ranking) == [Ranked("one", None, 0), Ranked("two", None, 1)]
    assert (ranking.reranked, ranking.model, ranking.attempts) == (False, "m", 1)
    cause = getattr(ranking.failure, "cause", ranking.failure)
    assert type(cause) is kind
    said = [each for each in caplog.records if "the order is kept" in each.message]
    assert [each.levelno for each in said] == [logging.ERROR if name == "402" else logging.WARNING]
    assert "one" not in said[0].getMessage()


@every_way
@pytest.mark.parametrize("status", [401, 403])
def test_wrong_key_is_raised_all_the_same(way: Rank, status: int) -> None:
    """What somebody has to put right is not hidden behind a ranking that is none."""
    with (
        FakeOpenRouter(status) as client,
        pytest.raises(errors.OpenRouterError) as caught,
    ):
        way(client, ITEMS, on_failure="keep_order")
    assert caught.value.status_code == status


def test_set_up_fault_and_closed_client_are_raised(
    server_tls: ssl.SSLContext, serve: Serve
) -> None:
    """A certificate that nobody vouches for, and a client that was closed, are no bad luck."""
    with (
        OpenRouter(
            "key", server_url=serve(faults.ok, tls=server_tls).url, on_failure="keep_order"
        ) as client,
        pytest.raises(errors.ConnectionFailedError) as caught,
    ):
        client.rerank.rank(ITEMS, model="m", query="q")
    assert caught.value.is_permanent
    with pytest.raises(errors.ClientClosedError):
        client.rerank.rank(ITEMS, model="m", query="q")


@every_way
def test_what_a_hook_raises_is_raised(way: Rank) -> None:
    """An error of the caller's own, even of our class, is never swallowed."""
    own = errors.ServiceUnavailableResponseError("mine", status_code=503)
    with FakeOpenRouter(200, on_failure="keep_order") as client:

        @client.hooks.before_request
        def refuse_all(_: httpx.Request) -> None:
            raise own

        with pytest.raises(errors.OpenRouterError) as caught:
            way(client, ITEMS)
    assert own in {caught.value, caught.value.__cause__}


@every_way
@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"top_n": 0}, "top_n"), ({"query": ""}, "query"), ({"on_failure": "give_up"}, "on_failure")],
)
def test_wrong_arguments_are_raised(way: Rank, arguments: dict[str, Any], message: str) -> None:
    """A mistake in the call is not taken for a failure of the server."""
    with (
        FakeOpenRouter(on_failure="keep_order") as client,
        pytest.raises(ValueError, match=message),
    ):
        way(client, ITEMS, **arguments)
    assert client.requests == []


@every_way
def test_blank_items_are_set_aside(way: Rank) -> None:
    """They are not sent; in a ranking they are missing, in the order that was kept they are not."""
    items = ["one", " ", None, "two"]
    with FakeOpenRouter(200, refuse(503), retry_config=ONCE, on_failure="keep_order") as client:
        ranked, kept = way(client, items), way(client, items)

    assert [each.index for each in ranked] == [0, 3]
    assert [each.item for each in kept] == items
    assert ranked.set_aside == kept.set_aside == [1, 2]
    assert [body["documents"] for body in client.bodies] == [["one", "two"]] * 2


@every_way
def test_nothing_to_rank_is_no_failure(way: Rank) -> None:
    """Without an item that can be ranked nothing is sent."""
    with FakeOpenRouter(on_failure="keep_order") as client:
        rankings = [way(client, [""]), way(client, [])]

    assert [(list(each), each.reranked, each.attempts) for each in rankings] == [([], True, 0)] * 2
    assert [each.set_aside for each in rankings] == [[0], []]
    assert client.requests == []


@every_way
def test_own_choice_about_blank_items_holds(way: Rank) -> None:
    """With `unrankable="raise"` a blank item is the mistake that the caller wants to hear of."""
    with (
        FakeOpenRouter(on_failure="keep_order") as client,
        pytest.raises(ValueError, match="blank"),
    ):
        way(client, ["one", ""], unrankable="raise")


@every_way
def test_success_says_how_it_came_about(way: Rank) -> None:
    """A ranking knows who answered, at what price, by which name, after how many attempts."""
    body = {
        "id": "id",
        "model": "m-2",
        "results": [{"index": 1, "relevance_score": 0.5}],
        "usage": {"cost": 0.25, "search_units": 1},
    }
    told = answer(body=body, headers={"X-Generation-Id": "gen-1"})
    with FakeOpenRouter(503, told) as client:
        ranking = way(client, ITEMS)

    assert list(ranking) == [Ranked("two", 0.5, 1)]
    assert (ranking.model, ranking.reranked, ranking.failure) == ("m-2", True, None)
    assert (ranking.cost, ranking.generation_id, ranking.attempts) == (0.25, "gen-1", 2)
    assert ranking.usage is not None
    assert ranking.usage.search_units == 1


@every_way
def test_unknown_cost_is_none(way: Rank) -> None:
    """A reply that does not tell its price has none, not 0."""
    with FakeOpenRouter(200) as client:
        ranking = way(client, ITEMS)

    assert (ranking.cost, ranking.usage, ranking.generation_id) == (None, None, None)


@every_way
def test_billed_reply_that_cannot_be_used_has_its_cost(way: Rank) -> None:
    """What was paid for nothing is in the ranking that was kept, too."""
    body = {"results": 5, "usage": {"cost": 0.5}}
    with FakeOpenRouter(answer(body=body)) as client:
        ranking = way(client, ITEMS, on_failure="keep_order")

    assert (ranking.reranked, ranking.cost) == (False, 0.5)


def test_batches_sum_what_they_cost() -> None:
    """When a batch fails, the cost is that of those that were paid."""

    def answer_first(request: httpx.Request) -> httpx.Response:
        if "three" in json.loads(request.content)["documents"]:
            return answer(503).build(request)
        results = [{"index": 0, "relevance_score": 0.5}, {"index": 1, "relevance_score": 0.5}]
        body = {"results": results, "usage": {"cost": 0.125}}
        return answer(body=body).build(request)

    with FakeOpenRouter(answer_first, answer_first, retry_config=ONCE) as client:
        ranking = client.rerank.rank(
            ITEMS, model="m", query="q", batch_size=2, on_failure="keep_order"
        )
    assert (ranking.reranked, ranking.cost) == (False, 0.125)


@every_way
def test_client_has_the_default_and_a_call_its_own(way: Rank) -> None:
    """The client decides unless the call does."""
    with FakeOpenRouter(503, 503, retry_config=ONCE, on_failure="keep_order") as client:
        assert not way(client, ITEMS).reranked
        with pytest.raises(errors.OpenRouterError) as caught:
            way(client, ITEMS, on_failure="raise")
    assert caught.value.status_code == 503


def test_other_methods_raise() -> None:
    """Only what returns a type of ours can do without scores; the contract's need numbers."""
    with FakeOpenRouter(503, 503, 503, retry_config=ONCE, on_failure="keep_order") as client:
        for call in (
            client.rerank.rerank,
            client.rerank.rerank_batched,
            client.rerank.with_raw_response.rerank,
        ):
            with pytest.raises(errors.OpenRouterError):
                call(documents=ITEMS, model="m", query="q")
            with pytest.raises(TypeError, match="on_failure"):
                call(documents=ITEMS, model="m", query="q", on_failure="raise")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_ranking_is_a_list() -> None:
    """It compares, slices and prints as the list that `rank` used to return."""
    ranking = Ranking([Ranked("one", 0.5, 0), Ranked("two", 0.25, 1)], model="m")

    assert ranking == [Ranked("one", 0.5, 0), Ranked("two", 0.25, 1)]
    assert ranking[:1] == [Ranked("one", 0.5, 0)]
    assert repr(ranking) == repr(list(ranking))
