"""Another model answers when one has failed, by every way in; nobody is deceived about it."""

import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from integration.resilience.ways import ASK, Rank, every_way
from openrouter_rerank import OpenRouter, RerankJob, RerankOutcome, RetryConfig, errors
from openrouter_rerank.local import LOCAL
from openrouter_rerank.operations import CreateRerankResponseBody
from openrouter_rerank.testing import Answer, FakeOpenRouter, Step, answer

ITEMS = ["one", "two", "three"]
ONCE = RetryConfig("none")


class LengthRanker:
    """Scores a text by its length; it has no score for an image."""

    model = "length"

    def score(
        self,
        query: str,  # noqa: ARG002  the protocol's
        documents: Sequence[str | dict[str, str]],
        checkpoint: Callable[[], None],
        /,
    ) -> list[float | None]:
        """Score each document."""
        checkpoint()
        return [float(len(each)) if isinstance(each, str) else None for each in documents]


def by_model(**replies: int | Answer | Exception) -> Step:
    """Answer each model as it is told to, and all others with a ranking."""

    def act(request: httpx.Request) -> httpx.Response:
        step = replies.get(json.loads(request.content)["model"], 200)
        if isinstance(step, Exception):
            raise step
        return (answer(step) if isinstance(step, int) else step).build(request)

    return act


def unavailable(*models: object) -> Answer:
    """Answer that no provider has the model, and which models could serve the request."""
    said = {"retryable": False, "fallback_models": list(models)}
    return answer(503, body={"error": {"code": 503, "message": "gone", "availability": said}})


def open_fake(step: Step, **options: Any) -> FakeOpenRouter:
    """Open a client whose every request, up to 20, meets the same step."""
    return FakeOpenRouter(*[step] * 20, **{"retry_config": ONCE, **options})


def asked(client: FakeOpenRouter) -> list[str]:
    """Return the models that were asked, in order."""
    return [body["model"] for body in client.bodies]


@every_way
def test_next_model_answers(way: Rank, caplog: pytest.LogCaptureFixture) -> None:
    """The models are asked in turn; the ranking is that of the first to answer, and says so."""
    with open_fake(by_model(m=503, b=404)) as client:
        ranking = way(client, ITEMS, top_n=2, fallback_models=["b", "c", "d"])

    assert asked(client) == ["m", "b", "c"]
    assert [each.index for each in ranking] == [0, 1]
    assert (ranking.model, ranking.reranked, ranking.failure) == ("c", True, None)
    assert ranking.attempts == 3
    said = [each.getMessage() for each in caplog.records if "falling back" in each.message]
    assert len(said) == 2
    assert "b failed with NotFoundResponseError (404); falling back to c" in said


@every_way
def test_each_model_has_its_own_retries(way: Rank) -> None:
    """A model is given up only by its own policy."""
    with open_fake(by_model(m=503, b=503), retry_config=RetryConfig(max_attempts=2)) as client:
        ranking = way(client, ITEMS, fallback_models=["b", "c"])

    assert asked(client) == ["m", "m", "b", "b", "c"]
    assert ranking.attempts == 5


@every_way
def test_other_bodies_differ_by_the_model_alone(way: Rank) -> None:
    """Everything else that was asked for goes to each model."""
    with open_fake(by_model(m=503)) as client:
        way(client, ITEMS, fallback_models=["b"], provider={"sort": "price"}, user="u", top_n=1)

    first, second = client.bodies
    assert {**first, "model": "b"} == second


@every_way
def test_last_error_is_raised_with_the_others_noted(way: Rank) -> None:
    """When all have failed, the error is the last model's, and its notes name those before."""
    with (
        open_fake(by_model(m=503, b=404)) as client,
        pytest.raises(errors.OpenRouterError) as caught,
    ):
        way(client, ITEMS, fallback_models=["b"])

    assert caught.value.status_code == 404
    assert caught.value.attempts == 2
    assert caught.value.__notes__ == [
        "before it, m failed with ServiceUnavailableResponseError (503)"
    ]


@every_way
@pytest.mark.parametrize("status", [401, 403])
def test_wrong_key_asks_no_other(way: Rank, status: int) -> None:
    """No other model makes up for a key that is wrong."""
    with open_fake(by_model(m=status)) as client, pytest.raises(errors.OpenRouterError):
        way(client, ITEMS, fallback_models=["b", LengthRanker()])
    assert asked(client) == ["m"]


@every_way
def test_without_credits_only_a_ranker_is_asked(way: Rank) -> None:
    """After a 402 every model of the API would answer the same."""
    with open_fake(by_model(m=402)) as client:
        ranking = way(client, ITEMS, fallback_models=["b", LengthRanker()])

    assert asked(client) == ["m"]
    assert (ranking.model, ranking.cost, ranking.attempts) == ("length", 0.0, 1)
    assert [(each.item, each.score) for each in ranking] == [
        ("three", 5.0),
        ("one", 3.0),
        ("two", 3.0),
    ]


@every_way
def test_servers_own_suggestions_are_followed(way: Rank) -> None:
    """They come after the caller's models and before a ranker, each model once, nonsense never."""
    steps = by_model(m=unavailable("b", "x", 5, "", "x", "m"), b=503, x=503, c=503)
    with open_fake(steps) as client:
        ranking = way(client, ITEMS, fallback_models=["c", LengthRanker()], follow_fallbacks=True)
    assert asked(client) == ["m", "c", "b", "x"]
    assert ranking.model == "length"


@every_way
def test_suggestions_are_not_followed_unasked(way: Rank) -> None:
    """Nobody is switched to another model without a word."""
    with open_fake(by_model(m=unavailable("b"))) as client, pytest.raises(errors.OpenRouterError):
        way(client, ITEMS)
    assert asked(client) == ["m"]


@every_way
def test_costs_are_summed(way: Rank) -> None:
    """What an unusable reply cost is in the sum; if it does not say, the sum is unknown."""
    good = {"results": [{"index": 0, "relevance_score": 0.5}], "usage": {"cost": 0.25}}
    bad: dict[str, Any] = {"results": 5, "usage": {"cost": 0.5}}
    with open_fake(by_model(m=answer(body=bad), b=answer(body=good))) as client:
        known = way(client, ITEMS, fallback_models=["b"])
    with open_fake(by_model(m=answer(body={"results": 5}), b=answer(body=good))) as client:
        unknown = way(client, ITEMS, fallback_models=["b"])

    assert (known.cost, unknown.cost) == (0.75, None)


@every_way
def test_all_fail_and_the_order_is_kept(way: Rank, caplog: pytest.LogCaptureFixture) -> None:
    """With both, the caller's order is the last resort, and the log has one line about it."""
    with open_fake(by_model(m=503, b=502)) as client:
        ranking = way(client, ITEMS, fallback_models=["b"], on_failure="keep_order")

    assert (ranking.reranked, ranking.model, ranking.attempts) == (False, "m", 2)
    assert sum("the order is kept" in each.getMessage() for each in caplog.records) == 1


@every_way
def test_client_has_defaults(way: Rank) -> None:
    """The client's models are asked unless the call has its own, or none."""
    with open_fake(by_model(m=503), fallback_models=["b"], follow_fallbacks=True) as client:
        assert way(client, ITEMS).model == "b"
        assert way(client, ITEMS, fallback_models=["c"]).model == "c"
        with pytest.raises(errors.OpenRouterError):
            way(client, ITEMS, fallback_models=[], follow_fallbacks=False)
    assert asked(client) == ["m", "b", "m", "c", "m"]


@every_way
def test_ranker_without_a_score_sets_an_item_aside(way: Rank) -> None:
    """What a ranker cannot read is missing in its ranking, and named."""
    items = ["one", "", {"image": "data:image/png;base64,"}, "three"]
    with open_fake(by_model(m=503)) as client:
        ranking = way(
            client, items, fallback_models=[LengthRanker()], unrankable="set_aside", top_n=3
        )
    assert [each.index for each in ranking] == [3, 0]
    assert ranking.set_aside == [1, 2]


@every_way
def test_local_ranks_for_real(way: Rank) -> None:
    """`LOCAL` is the model of the embedded server, in this process."""
    items = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
    with open_fake(by_model(m=httpx.ConnectError("refused"))) as client:
        ranking = way(client, items, query="capital of France", fallback_models=[LOCAL])

    assert (ranking.model, ranking.cost) == ("local/minilm", 0.0)
    assert [each.index for each in ranking] == [1, 0]
    assert all(0 <= (each.score or 0) <= 1 for each in ranking)


class BrokenRanker(LengthRanker):
    """Gives what it must not."""

    def __init__(self, scores: list[float | None]) -> None:
        """Take the scores."""
        self.scores = scores

    def score(self, _query: str, _documents: object, _checkpoint: object, /) -> list[float | None]:
        """Return the scores."""
        return self.scores


@every_way
@pytest.mark.parametrize("scores", [[1.0], [1.0, 2.0, float("nan")]], ids=["few", "nan"])
def test_broken_ranker_is_not_hidden(way: Rank, scores: list[float | None]) -> None:
    """A ranker's own mistake reaches the caller, whatever becomes of failures."""
    with open_fake(by_model(m=503)) as client, pytest.raises(ValueError):  # noqa: PT011  ours and zip's
        way(client, ITEMS, fallback_models=[BrokenRanker(scores)], on_failure="keep_order")


def rerank(client: OpenRouter, name: str, backend: str | None, **arguments: Any) -> Any:
    """Call a method of the operation by its name."""
    method = getattr(client.rerank, name)
    call = partial(method, **{**ASK, "documents": ITEMS, **arguments})
    return call() if backend is None else anyio.run(call, backend=backend)


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("rerank", None),
        ("rerank_async", "asyncio"),
        ("rerank_async", "trio"),
        ("rerank_batched", None),
        ("rerank_batched_async", "asyncio"),
        ("rerank_batched_async", "trio"),
    ],
)
def test_contracts_reply_is_another_models(name: str, backend: str | None) -> None:
    """`rerank` and `rerank_batched` fall back too; a batched call as a whole."""
    with open_fake(by_model(m=503)) as client:
        other: CreateRerankResponseBody = rerank(client, name, backend, fallback_models=["b"])
        own = rerank(client, name, backend, fallback_models=[LengthRanker()], top_n=1)

    assert (other.model, own.model) == ("b", "length")
    assert [(each.index, each.document.text) for each in own.results] == [(2, "three")]


@pytest.mark.parametrize("backend", [None, "asyncio", "trio"])
def test_batched_call_falls_back_as_a_whole(backend: str | None) -> None:
    """Scores of two models never meet: when one batch fails, the other model gets all of them."""

    def refuse_three(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        fails = body["model"] == "m" and "three" in body["documents"]
        return answer(503 if fails else 200).build(request)

    name = "rerank_batched" if backend is None else "rerank_batched_async"
    with open_fake(refuse_three) as client:
        reply = rerank(
            client,
            name,
            backend,
            documents=iter(ITEMS),
            batch_size=2,
            max_concurrency=1,
            fallback_models=["b"],
        )
    assert asked(client) == ["m", "m", "b", "b"]
    assert sorted(each.index for each in reply.results) == [0, 1, 2]
    assert reply.model == "b"


@pytest.mark.anyio
async def test_async_documents_are_read_once() -> None:
    """An async iterable of documents reaches the second model, too."""

    async def give() -> AsyncIterator[str]:
        for item in ITEMS:
            yield item

    async with open_fake(by_model(m=503)) as client:
        reply = await client.rerank.rerank_batched_async(
            documents=give(), model="m", query="q", fallback_models=["b"]
        )
    assert (reply.model, len(reply.results)) == ("b", 3)


@pytest.mark.parametrize("name", ["fallback_models", "follow_fallbacks"])
def test_raw_reply_is_that_of_one_model(name: str) -> None:
    """A raw reply cannot be another model's; the client's defaults do not apply to it."""
    given: Any = {name: True if name == "follow_fallbacks" else ["b"]}
    with open_fake(by_model(m=503), fallback_models=["b"]) as client:
        with pytest.raises(TypeError, match="a raw reply is that of one model"):
            client.rerank.with_raw_response.rerank(documents=ITEMS, **ASK, **given)
        assert client.requests == []
        with pytest.raises(errors.ServiceUnavailableResponseError):
            client.rerank.with_raw_response.rerank(documents=ITEMS, **ASK)
    assert asked(client) == ["m"]


@pytest.mark.parametrize(
    ("models", "kind", "message"),
    [
        ("b", TypeError, "a list of models"),
        (5, TypeError, "a list of models"),
        ([5], TypeError, r"fallback_models\[0\]"),
        (["b", " "], ValueError, r"fallback_models\[1\]"),
    ],
)
def test_wrong_models_are_refused(models: Any, kind: type[Exception], message: str) -> None:
    """What is no list of models is refused, by the client and by a call."""
    with pytest.raises(kind, match=message):
        OpenRouter("key", fallback_models=models)
    with FakeOpenRouter() as client, pytest.raises(kind, match=message):
        client.rerank.rank(ITEMS, **ASK, fallback_models=models)
    with pytest.raises(TypeError, match="follow_fallbacks"):
        OpenRouter("key", follow_fallbacks="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("backend", [None, "asyncio", "trio"])
def test_deadline_is_shared(backend: str | None) -> None:
    """Each model has an equal part of the time left, so that the last one has its chance."""
    limits: list[float] = []

    def note(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        return answer(503).build(request)

    with FakeOpenRouter(note, note, note, retry_config=ONCE, deadline_ms=9000) as client:
        name = "rerank" if backend is None else "rerank_async"
        with pytest.raises(errors.ServiceUnavailableResponseError):
            rerank(client, name, backend, fallback_models=["b", "c"])
    # The fake clock stands still, and nobody used any time.
    assert limits == [3, 4.5, 9]


def test_time_is_kept_for_what_the_server_may_name() -> None:
    """With `follow_fallbacks` the first model has not all the time."""
    limits: list[float] = []

    def note(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        return unavailable("b").build(request)

    with (
        FakeOpenRouter(note, note, retry_config=ONCE, deadline_ms=9000) as client,
        pytest.raises(errors.ServiceUnavailableResponseError),
    ):
        client.rerank.rerank(documents=ITEMS, **ASK, follow_fallbacks=True)
    assert limits == [4.5, 9]


class SlowRanker(LengthRanker):
    """Ranks until it is stopped."""

    def __init__(self) -> None:
        """Note when the ranking was stopped."""
        self.has_stopped = threading.Event()

    def score(self, _query: str, _documents: object, checkpoint: Callable[[], None], /) -> Any:
        """Go on for ever."""
        try:
            while True:
                checkpoint()
        except errors.DeadlineExceededError:
            self.has_stopped.set()
            raise


@pytest.mark.parametrize("backend", [None, "asyncio", "trio"])
def test_ranker_stops_at_the_deadline(backend: str | None) -> None:
    """A ranker in this process is told when the time is over."""
    ranker = SlowRanker()

    def refuse(request: httpx.Request) -> httpx.Response:
        return answer(503).build(request)

    transport = httpx.MockTransport(refuse)
    with OpenRouter(
        "key", transport=transport, async_transport=transport, retry_config=ONCE, deadline_ms=60
    ) as client:
        name = "rerank" if backend is None else "rerank_async"
        with pytest.raises(errors.DeadlineExceededError, match="not ranked"):
            rerank(client, name, backend, fallback_models=[ranker])
    assert ranker.has_stopped.wait(10)


class StuckRanker(LengthRanker):
    """Does not look whether it is to stop."""

    def __init__(self) -> None:
        """Rank when told."""
        self.goes_on = threading.Event()

    def score(self, _query: str, _documents: object, _checkpoint: object, /) -> Any:
        """Wait."""
        self.goes_on.wait(20)
        return []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_task_does_not_wait_for_a_ranker_that_is_stuck(backend: str) -> None:
    """An async call ends at its deadline, although the ranker in its thread does not."""
    ranker = StuckRanker()
    with open_fake(by_model(m=503), deadline_ms=60) as client:
        with pytest.raises(errors.DeadlineExceededError, match="not ranked"):
            rerank(client, "rerank_async", backend, fallback_models=[ranker])
        assert not ranker.goes_on.is_set()
        ranker.goes_on.set()


@pytest.mark.parametrize("backend", [None, "asyncio", "trio"])
def test_ranker_of_a_job_stops_at_its_deadline(backend: str | None) -> None:
    """A job whose last model, in this process, is too slow fails with that, and the run goes on."""
    job = RerankJob(
        documents=["a"], model="m", query="q", deadline_ms=60, fallback_models=[SlowRanker()]
    )
    transport = httpx.MockTransport(lambda request: answer(503).build(request))
    with OpenRouter(
        "key", transport=transport, async_transport=transport, retry_config=ONCE
    ) as client:

        async def run() -> list[RerankOutcome]:
            return [outcome async for outcome in client.rerank.rerank_many_async([job, job])]

        if backend is None:
            outcomes = list(client.rerank.rerank_many([job, job]))
        else:
            outcomes = anyio.run(run, backend=backend)
    assert [type(outcome.error) for outcome in outcomes] == [errors.DeadlineExceededError] * 2
    assert [outcome.attempts for outcome in outcomes] == [1, 1]


def test_without_time_no_other_model_is_asked() -> None:
    """When a model has used up all the time, its error is the end."""

    def take_all(request: httpx.Request) -> httpx.Response:
        client.waits.append(10.0)
        return answer(503).build(request)

    with FakeOpenRouter(take_all, retry_config=ONCE, deadline_ms=9000) as client:
        with pytest.raises(errors.OpenRouterError):
            client.rerank.rerank(documents=ITEMS, **ASK, fallback_models=["b", LengthRanker()])
        assert asked(client) == ["m"]


@pytest.mark.anyio
async def test_cancelled_ranker_stops() -> None:
    """A cancelled call does not leave its ranker at work."""
    ranker = SlowRanker()
    async with open_fake(by_model(m=503)) as client:
        with anyio.move_on_after(0.05) as scope:
            await client.rerank.rerank_async(documents=ITEMS, **ASK, fallback_models=[ranker])
        assert scope.cancelled_caught
        await anyio.to_thread.run_sync(ranker.has_stopped.wait, 10)
    assert ranker.has_stopped.is_set()


def test_stopped_job_ends_in_the_error_before() -> None:
    """A job whose next model is not asked, since the run is stopped, has the error of the last."""
    job = RerankJob(documents=["a"], model="m", query="q", fallback_models=["b"])
    with (
        open_fake(by_model(m=503)) as client,
        client.rerank.rerank_many([job], max_concurrency=1) as outcomes,
    ):
        # A hook of the job's only request stops the run before the other model is asked.
        client.hooks.on_error(lambda _: outcomes.stop())
        outcome = next(outcomes)
        with pytest.raises(errors.RunStoppedError):
            next(outcomes)

    assert isinstance(outcome.error, errors.ServiceUnavailableResponseError)
    assert (outcome.attempts, asked(client)) == (1, ["m"])


def test_without_a_deadline_there_is_nothing_to_share() -> None:
    """A call without a limit gives its models none either."""
    with open_fake(by_model(m=503), deadline_ms=None) as client:
        assert client.rerank.rerank(documents=ITEMS, **ASK, fallback_models=["b"]).model == "b"
