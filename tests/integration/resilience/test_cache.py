"""What a client with a cache sends, and what it gives; against scripted and real servers."""

import gc
import json
import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from integration.resilience.ways import ASK, WAYS, Rank, every_way, rank
from openrouter_rerank import (
    Cache,
    DiskCache,
    MemoryCache,
    OpenRouter,
    Passages,
    Ranking,
    RerankJob,
    RetryConfig,
    errors,
)
from openrouter_rerank._cache.store import CacheBy
from openrouter_rerank.testing import FakeOpenRouter, Step, answer

COST = 0.125
DOCUMENTS = ["one", "two two", "three"]
every_by = pytest.mark.parametrize("by", ["request", "document"])
PATIENCE = 10.0


def price(
    request: httpx.Request, *, model: str = "answering", provider: str | None = "p"
) -> httpx.Response:
    """Rank by length, and name a price."""
    body = json.loads(request.content)
    results = [
        {"index": index, "relevance_score": len(str(document)) / 100}
        for index, document in enumerate(body["documents"])
    ]
    reply = {"model": model, "results": results, "usage": {"cost": COST, "search_units": 1}}
    if provider is not None:
        reply["provider"] = provider
    headers = {"X-Generation-Id": "gen-1"}
    return httpx.Response(200, json=reply, headers=headers)


def open_client(cache: Cache, *script: Step, **options: Any) -> FakeOpenRouter:
    """Open a client whose server names a price, after its script."""
    return FakeOpenRouter(*[*script, *[price] * 40], cache=cache, **options)


def show(ranking: Ranking[Any]) -> list[tuple[Any, float | None, int]]:
    """Return what a ranking ranks."""
    return [(each.item, each.score, each.index) for each in ranking]


@every_way
@every_by
@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_answer_is_paid_once(way: Rank, by: CacheBy, kind: str, tmp_path: Path) -> None:
    """The second time nothing is sent, the ranking is equal, and its cost is 0."""
    cache = MemoryCache(by=by) if kind == "memory" else DiskCache(tmp_path, by=by)
    with open_client(cache) as client:
        first = way(client, DOCUMENTS, top_n=2)
        second = way(client, DOCUMENTS, top_n=2)
    assert len(client.requests) == 1
    assert show(first) == show(second)
    assert [each.index for each in first] == [1, 2]
    assert (first.cached, first.cost, first.saved_cost, first.attempts) == (False, COST, None, 1)
    assert (second.cached, second.cost, second.attempts) == (True, 0.0, 0)
    assert second.saved_cost == pytest.approx(COST)
    assert first.model == second.model == "answering"
    assert by == "document" or second.generation_id == "gen-1"


@every_by
def test_raw_reply_is_flagged(by: CacheBy) -> None:
    """A raw reply from the cache says so, and its body and its model have a price of 0."""
    with open_client(MemoryCache(by=by)) as client:
        send = partial(client.rerank.with_raw_response.rerank, documents=DOCUMENTS, **ASK)
        first, second = send(), send()
    assert (first.cached, first.attempts) == (False, 1)
    assert (second.cached, second.attempts, second.waited) == (True, 0, 0.0)
    assert second.saved_cost == pytest.approx(COST)
    assert second.status_code == 200
    body = second.http_response.json()
    assert body["usage"]["cost"] == 0
    assert [each["document"]["text"] for each in body["results"]] == DOCUMENTS
    assert second.parse().results == first.parse().results
    assert second.http_response.request.url == first.http_response.request.url


class Kept:
    """Keeps everything in a dict, and shows it."""

    namespace = ""
    by: CacheBy = "request"
    max_age: float | None = None

    def __init__(self) -> None:
        """Start empty."""
        self.is_blocking = False
        self.entries: dict[bytes, bytes] = {}

    def get_many(self, keys: Sequence[bytes], _timeout: float | None, /) -> list[bytes | None]:
        """Return what there is."""
        return [self.entries.get(key) for key in keys]

    def set_many(self, entries: Mapping[bytes, bytes], _timeout: float | None, /) -> None:
        """Keep."""
        self.entries.update(entries)


@every_by
def test_neither_key_nor_content_is_kept(by: CacheBy) -> None:
    """What is kept holds neither the API key nor the query or the documents."""
    cache = Kept()
    cache.by = by
    with FakeOpenRouter(cache=cache, api_key="sk-or-secret") as client:
        client.rerank.rank(["a private text"], query="a private question", model="m")
    assert cache.entries
    kept = b"".join([*cache.entries, *cache.entries.values()])
    for secret in (b"sk-or", b"private"):
        assert secret not in kept


UNUSABLE: dict[str, Step] = {
    "status": 404,
    "shape": answer(body={"results": 5}),
    "cut short": answer(
        body={"model": "m", "results": [{"index": 0, "relevance_score": 0.5}], "usage": {}}
    ),
}


@pytest.mark.parametrize("step", UNUSABLE.values(), ids=UNUSABLE)
def test_only_complete_successes_are_kept(step: Step) -> None:
    """After an error, or a reply that lacks documents, the same request is sent again."""
    cache = Kept()
    with open_client(cache, step) as client:
        with suppress(errors.OpenRouterError):
            client.rerank.rank(DOCUMENTS, **ASK)
        assert not cache.entries
        assert len(client.rerank.rank(DOCUMENTS, **ASK)) == 3
        client.rerank.rank(DOCUMENTS, **ASK)
    assert len(client.requests) == 2


def test_call_can_leave_the_cache_out() -> None:
    """With False nothing is looked up or kept; a view can have it as its default."""
    cache = Kept()
    with open_client(cache) as client:
        client.rerank.rank(DOCUMENTS, **ASK, cache=False)
        assert not cache.entries
        client.with_options(cache=False).rerank.rank(DOCUMENTS, **ASK)
        assert not cache.entries
        client.rerank.rank(DOCUMENTS, **ASK)
        client.rerank.rank(DOCUMENTS, **ASK, cache=False)
        assert len(client.requests) == 4
        assert client.with_options(cache=False).rerank.rank(DOCUMENTS, **ASK, cache=True).cached


def test_call_can_bring_a_cache() -> None:
    """A call, a view and a job each use the cache that they are given."""
    cache = MemoryCache()
    with FakeOpenRouter() as client:
        client.rerank.rank(DOCUMENTS, **ASK, cache=cache)
        assert client.with_options(cache=cache).rerank.rank(DOCUMENTS, **ASK).cached
        job = RerankJob(documents=DOCUMENTS, **ASK, cache=cache)
        (outcome,) = client.rerank.rerank_many([job])
        assert outcome.ranking is not None
        assert outcome.ranking.cached
        assert (outcome.cost, outcome.attempts) == (0.0, 0)


@pytest.mark.parametrize("wrong", ["folder", Path("folder"), 1, {}])
def test_what_is_no_cache_is_refused(wrong: Any) -> None:
    """A folder's name is no cache, neither of a client nor of a call."""
    message = "cache: expected MemoryCache, DiskCache or a Cache of yours"
    with pytest.raises(TypeError, match=message):
        OpenRouter("key", cache=wrong)
    with FakeOpenRouter() as client, pytest.raises(TypeError, match=message):
        client.rerank.rerank(documents=DOCUMENTS, **ASK, cache=wrong)


def test_key_makes_no_difference_but_the_namespace_does() -> None:
    """A client with another key finds the answer; one with another namespace does not."""
    cache = MemoryCache()
    with open_client(cache, api_key="one") as client:
        client.rerank.rank(DOCUMENTS, **ASK)
    with open_client(cache, 401, api_key="revoked") as client:
        assert client.rerank.rank(DOCUMENTS, **ASK).cached
    other = MemoryCache(namespace="other")
    with open_client(other) as client:
        assert not client.rerank.rank(DOCUMENTS, **ASK).cached


def test_closed_client_gives_nothing() -> None:
    """A call of a closed client is refused, whatever the cache has."""
    client = open_client(MemoryCache())
    client.rerank.rank(DOCUMENTS, **ASK)
    client.close()
    with pytest.raises(errors.ClientClosedError):
        client.rerank.rank(DOCUMENTS, **ASK)
    with pytest.raises(errors.ClientClosedError):
        list(client.rerank.rerank_many([RerankJob(documents=DOCUMENTS, **ASK)]))


def test_lowest_score_and_blank_documents_are_the_calls_own() -> None:
    """One kept answer serves calls that want other scores, and other positions."""
    with open_client(MemoryCache()) as client:
        client.rerank.rank(DOCUMENTS, **ASK)
        high = client.rerank.rank(DOCUMENTS, **ASK, min_score=0.06)
        aside = client.rerank.rank([" ", *DOCUMENTS], **ASK, unrankable="set_aside")
    assert [each.index for each in high] == [1]
    assert [each.index for each in aside] == [2, 3, 1]
    assert aside.cached
    assert list(aside.set_aside) == [0]


def test_fallback_has_an_answer_of_its_own() -> None:
    """What a fallback answers is kept under its own name; the first model is asked again."""
    with open_client(MemoryCache(), 404, price, 404, fallback_models=["b"]) as client:
        first = client.rerank.rank(DOCUMENTS, **ASK)
        second = client.rerank.rank(DOCUMENTS, **ASK)
        third = client.rerank.rank(DOCUMENTS, query="q", model="b")
    assert [body["model"] for body in client.bodies] == ["m", "b", "m"]
    assert (first.cost, second.cost, second.saved_cost) == (COST, 0.0, COST)
    assert third.cached


def test_run_sends_equal_jobs_once() -> None:
    """Of equal jobs one is sent; hits need no turn of the rate limit, and cost nothing."""
    jobs = [RerankJob(documents=DOCUMENTS, **ASK, id=number) for number in range(30)]
    with open_client(MemoryCache(), 503) as client:
        outcomes = list(client.rerank.rerank_many(jobs, max_concurrency=4))
        began_at = time.monotonic()
        again = list(client.rerank.rerank_many(jobs, requests_per_minute=1, max_cost=1e-9))
        assert time.monotonic() - began_at < PATIENCE
    assert [outcome.job.id for outcome in outcomes] == list(range(30))
    assert sum(outcome.cost or 0 for outcome in outcomes) == COST
    assert sum(outcome.cost or 0 for outcome in again) == 0
    assert len(client.requests) == 2


def test_damaged_entry_is_a_miss(tmp_path: Path) -> None:
    """What cannot be read is sent again, and replaced."""
    for damage in (
        *(b"", b"\n", b"\n{}", b'\n{"results": [{"index": 7}]}', b"[1]", b"\xff\n\xff"),
        *(b'[["m"], null, 1, 0]', b'["m", 5, 1, 0]', b'["m", null, "1", 0]'),
        *(b'["m", null, NaN, 0]', b'["m", null, 1, "0"]', b'["m", null, 1%s, 0]' % (b"0" * 400)),
    ):
        for by in ("request", "document"):
            cache = DiskCache(tmp_path, namespace=f"{damage!r}", by=by)
            with open_client(cache) as client:
                client.rerank.rank(DOCUMENTS, **ASK)
                cache.set_many(dict.fromkeys(list_keys(cache), damage))
                assert not client.rerank.rank(DOCUMENTS, **ASK).cached
                assert client.rerank.rank(DOCUMENTS, **ASK).cached


def list_keys(cache: DiskCache) -> list[bytes]:
    """Return the keys of what a cache has."""
    with closing(sqlite3.connect(cache.folder / "answers.sqlite3")) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM answers")]


class Broken(Kept):
    """Fails whatever it is asked."""

    def __init__(self, error: Exception, *, is_blocking: bool) -> None:
        """Take what it raises."""
        super().__init__()
        self.error = error
        self.is_blocking = is_blocking

    def get_many(self, _keys: Sequence[bytes], _timeout: float | None, /) -> list[bytes | None]:
        """Fail."""
        raise self.error

    def set_many(self, _entries: Mapping[bytes, bytes], _timeout: float | None, /) -> None:
        """Fail."""
        raise self.error


@every_way
@pytest.mark.parametrize("is_blocking", [False, True])
def test_broken_cache_fails_no_call(
    way: Rank, is_blocking: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The call goes on without the cache; the log says why, without what may be secret."""
    for error, told in (
        (OSError("no space"), "OSError: no space"),
        (ValueError("redis://user:secret@host"), "ValueError"),
    ):
        caplog.clear()
        with open_client(Broken(error, is_blocking=is_blocking)) as client:
            assert way(client, DOCUMENTS).cost == COST
        warnings = [
            record.message for record in caplog.records if record.levelno == logging.WARNING
        ]
        assert f"the cache failed, and the call goes on without it: {told}" in warnings
        assert "secret" not in caplog.text


def test_cache_that_miscounts_fails_no_call(caplog: pytest.LogCaptureFixture) -> None:
    """Too few values are none, and the log says so."""

    class Short(Kept):
        """Forgets the last value."""

        by: CacheBy = "document"

        def get_many(self, keys: Sequence[bytes], timeout: float | None, /) -> list[bytes | None]:
            """Return too few."""
            return super().get_many(keys, timeout)[1:]

    with open_client(Short()) as client:
        assert len(client.rerank.rank(DOCUMENTS, **ASK)) == 3
    assert "it returned 2 values for 3 keys" in caplog.text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cache_that_hangs_does_not_outlast_the_deadline(backend: str) -> None:
    """An async call gives up waiting for the cache at its deadline."""
    is_over = threading.Event()

    class Hanging(Kept):
        """Hangs."""

        def __init__(self) -> None:
            """Start empty."""
            super().__init__()
            self.is_blocking = True

        def get_many(self, keys: Sequence[bytes], _timeout: float | None, /) -> list[bytes | None]:
            """Hang."""
            is_over.wait(PATIENCE)
            return [None] * len(keys)

    async def call() -> float:
        began_at = time.monotonic()
        with pytest.raises(errors.DeadlineExceededError):
            await client.rerank.rank_async(DOCUMENTS, **ASK)
        seconds = time.monotonic() - began_at
        is_over.set()
        return seconds

    client = OpenRouter(
        "key", cache=Hanging(), deadline_ms=100, async_transport=httpx.MockTransport(price)
    )
    assert anyio.run(call, backend=backend) < PATIENCE / 2


class Gate:
    """A server that holds back its replies until the test opens it."""

    def __init__(self, *steps: Callable[[httpx.Request], httpx.Response]) -> None:
        """Take how the requests end, in turn; the last one repeats."""
        self.steps = list(steps)
        self.requests = 0
        self.arrived = threading.Event()
        self.opened = threading.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer when opened."""
        self.requests += 1
        step = self.steps[min(self.requests, len(self.steps)) - 1]
        self.arrived.set()
        assert self.opened.wait(PATIENCE)
        return step(request)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Async `__call__`."""
        self.requests += 1
        step = self.steps[min(self.requests, len(self.steps)) - 1]
        self.arrived.set()
        await anyio.to_thread.run_sync(self.opened.wait, PATIENCE, abandon_on_cancel=True)
        return step(request)


def open_gated(gate: Gate) -> OpenRouter:
    """Open a client of a gate."""
    return OpenRouter(
        "key",
        cache=MemoryCache(),
        retry_config=RetryConfig(max_attempts=1),
        transport=httpx.MockTransport(gate),
        async_transport=httpx.MockTransport(gate.answer),
    )


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Count the sync calls that wait for an equal one."""
    count = threading.Semaphore(0)
    wait = futures.wait

    def count_and_wait(*arguments: Any) -> Any:
        count.release()
        return wait(*arguments)

    monkeypatch.setattr(futures, "wait", count_and_wait)
    return count


def test_equal_calls_at_once_are_sent_once(waiting: threading.Semaphore) -> None:
    """Threads with the same request share one reply, also by two clients; only the leader pays."""
    gate, cache = Gate(price), MemoryCache()
    with open_gated(gate) as one, open_gated(gate) as other, ThreadPoolExecutor(5) as threads:
        calls = [
            threads.submit(rank, client, DOCUMENTS, cache=cache)
            for client in (one, other, one, other, one)
        ]
        for _ in range(4):
            assert waiting.acquire(timeout=PATIENCE)
        gate.opened.set()
        rankings = [call.result(PATIENCE) for call in calls]
    assert gate.requests == 1
    assert sorted(ranking.cost or 0 for ranking in rankings) == [0, 0, 0, 0, COST]
    assert len({tuple(show(ranking)) for ranking in rankings}) == 1


def refuse(_request: httpx.Request) -> httpx.Response:
    """Answer with an error."""
    return httpx.Response(503, json={"error": {"code": 503, "message": "busy"}})


def test_errors_are_not_shared(waiting: threading.Semaphore) -> None:
    """When the leader fails, only it has the error; the next one is sent, for all that wait."""
    gate = Gate(refuse, price)
    with open_gated(gate) as client, ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(rank, client, DOCUMENTS) for _ in range(4)]
        for _ in range(3):
            assert waiting.acquire(timeout=PATIENCE)
        gate.opened.set()
        failures = [call.exception(PATIENCE) for call in calls]
    assert gate.requests == 2
    assert [type(error) for error in failures if error] == [errors.ServiceUnavailableResponseError]


def test_follower_keeps_its_own_deadline() -> None:
    """Whoever waits for an equal call ends in time, with an error of its own."""
    gate = Gate(price)
    with open_gated(gate) as client, ThreadPoolExecutor(1) as threads:
        leader = threads.submit(rank, client, DOCUMENTS)
        assert gate.arrived.wait(PATIENCE)
        for call in (rank, partial(run_async, "asyncio"), partial(run_async, "trio")):
            began_at = time.monotonic()
            with pytest.raises(errors.DeadlineExceededError, match=r"within the deadline of 0\.05"):
                call(client, DOCUMENTS, deadline_ms=50)
            assert time.monotonic() - began_at < PATIENCE / 2
        kept = rank(client, DOCUMENTS, deadline_ms=50, on_failure="keep_order")
        assert not kept.reranked
        gate.opened.set()
        assert leader.result(PATIENCE).reranked
    assert gate.requests == 1


def run_async(
    backend: str, client: OpenRouter, items: Sequence[Any], **arguments: Any
) -> Ranking[Any]:
    """Call `rank_async` on an event loop of its own."""

    async def call() -> Ranking[Any]:
        return await client.rerank.rank_async(items, **ASK, **arguments)

    return anyio.run(call, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_follower_takes_over_from_a_cancelled_leader(backend: str) -> None:
    """When the task that was sending is cancelled, another one sends."""
    gate = Gate(price)

    async def call() -> list[Ranking[Any]]:
        rankings: list[Ranking[Any]] = []

        async def follow() -> None:
            rankings.append(await client.rerank.rank_async(DOCUMENTS, **ASK))

        async with anyio.create_task_group() as followers:
            async with anyio.create_task_group() as leaders:
                leaders.start_soon(follow)
                await anyio.wait_all_tasks_blocked()
                for _ in range(3):
                    followers.start_soon(follow)
                await anyio.to_thread.run_sync(gate.arrived.wait, PATIENCE)
                await anyio.wait_all_tasks_blocked()
                leaders.cancel_scope.cancel()
            gate.opened.set()
        await client.aclose()
        return rankings

    client = open_gated(gate)
    rankings = anyio.run(call, backend=backend)
    assert len(rankings) == 3
    assert sum(ranking.cached for ranking in rankings) == 2
    assert gate.requests == 2


def test_thread_and_task_wait_for_each_other(waiting: threading.Semaphore) -> None:
    """A task follows a thread, and a thread a task of another loop."""
    gate = Gate(price)
    with open_gated(gate) as client, ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(rank, client, DOCUMENTS)]
        assert gate.arrived.wait(PATIENCE)
        calls += [
            threads.submit(run_async, backend, client, DOCUMENTS) for backend in ("asyncio", "trio")
        ]
        follower = ThreadPoolExecutor(1)
        calls.append(follower.submit(rank, client, DOCUMENTS))
        assert waiting.acquire(timeout=PATIENCE)
        gate.opened.set()
        assert sum(call.result(PATIENCE).cached for call in calls) == 3
        follower.shutdown()
    assert gate.requests == 1


def test_dropped_cache_is_freed() -> None:
    """A cache that nobody holds any more takes no memory, though calls were made with it."""
    cache = MemoryCache()
    with open_client(cache) as client:
        client.rerank.rank(DOCUMENTS, **ASK)
    dropped = weakref.ref(cache)
    del cache, client
    gc.collect()
    assert dropped() is None


def test_caches_that_cannot_be_shared_work_all_the_same() -> None:
    """A cache without a hash is used; only equal calls at once are then sent each."""

    class Unhashable(Kept):
        """Has no hash."""

        __hash__ = None  # type: ignore[assignment]

    with open_client(Unhashable()) as client:
        client.rerank.rank(DOCUMENTS, **ASK)
        assert client.rerank.rank(DOCUMENTS, **ASK).cached
    assert len(client.requests) == 1


@pytest.mark.parametrize("way", ["job", "job-asyncio", "job-trio"])
def test_retried_job_is_kept(way: str) -> None:
    """A job that needs a second attempt is kept like any other."""
    with open_client(MemoryCache(), 503) as client:
        first, second = (WAYS[way](client, DOCUMENTS) for _ in range(2))
    assert (first.attempts, second.attempts, second.cached) == (2, 0, True)
    assert len(client.requests) == 2


def test_stopped_run_ends_with_its_errors() -> None:
    """A job that waits for a retry when its run is stopped ends in its last error."""
    client = FakeOpenRouter(*[answer(503, retry_after=30)] * 2, cache=MemoryCache())
    jobs = [RerankJob(documents=DOCUMENTS, **ASK), RerankJob(documents=["one"], **ASK)]
    outcomes = client.rerank.rerank_many(jobs, max_concurrency=1)
    client.hooks.on_retry(lambda _: outcomes.stop())
    with pytest.raises(errors.RunStoppedError):
        list(outcomes)
    assert len(client.requests) == 1


def test_documents_that_the_server_changes_are_kept() -> None:
    """A document that comes back as another text comes back so from the cache."""

    def shorten(request: httpx.Request) -> httpx.Response:
        reply = price(request).json()
        for result in reply["results"]:
            result["document"] = {"text": "short"}
        return httpx.Response(200, json=reply)

    with FakeOpenRouter(shorten, cache=MemoryCache()) as client:
        replies = [client.rerank.rerank(documents=DOCUMENTS, **ASK) for _ in range(2)]
    for reply in replies:
        assert [each.document.text for each in reply.results] == ["short"] * 3


@pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])
def test_answer_that_comes_meanwhile_is_found(way: str) -> None:
    """If an equal call ends between a look at the cache and the sending, nothing is sent."""

    class Slow(Kept):
        """Lets an equal call begin and end while it looks for the first time."""

        looks = 0

        def get_many(self, keys: Sequence[bytes], timeout: float | None, /) -> list[bytes | None]:
            """Find what was there before the other call."""
            found = super().get_many(keys, timeout)
            self.looks += 1
            if self.looks == 1:
                with ThreadPoolExecutor(1) as threads:
                    threads.submit(rank, client, DOCUMENTS).result(PATIENCE)
            return found

    with open_client(Slow()) as client:
        assert WAYS[way](client, DOCUMENTS).cached
    assert len(client.requests) == 1


@every_way
def test_cache_is_looked_at_once(way: Rank) -> None:
    """A call that finds nothing, and a job too, looks once unless an equal one may have ended."""

    class Counted(Kept):
        """Counts how often it is asked."""

        looks = 0

        def get_many(self, keys: Sequence[bytes], timeout: float | None, /) -> list[bytes | None]:
            """Count."""
            self.looks += 1
            return super().get_many(keys, timeout)

    cache = Counted()
    with open_client(cache) as client:
        way(client, DOCUMENTS)
    assert cache.looks == 1


@every_by
def test_passages_are_found_again(by: CacheBy) -> None:
    """A call with passages has the same spans from the cache; one without finds other answers."""
    long = " ".join(f"The sentence with the number {each} stands here." for each in range(5))
    passages = Passages(max_tokens=16)
    with open_client(MemoryCache(by=by)) as client:
        rankings = [
            client.rerank.rank([long, "short"], **ASK, passages=passages, top_n=top_n)
            for top_n in (None, None, 1)
        ]
        whole = client.rerank.rank([long, "short"], **ASK)
    assert [ranking.cached for ranking in rankings] == [False, True, True]
    spans = [[each.span for each in ranking] for ranking in rankings]
    assert spans[0] == spans[1]
    assert spans[0][:1] == spans[2]
    assert spans[0][0] is not None
    assert (whole.cached, whole[0].span) == (False, None)
    sent = [len(body["documents"]) for body in client.bodies]
    assert sent[0] > 2
    assert sent[1:] == [2 if by == "request" else 1]
