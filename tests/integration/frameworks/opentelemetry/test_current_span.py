"""Which span is the parent of another, whatever runs at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import anyio
import httpx
import pytest
from integration.frameworks.opentelemetry.recorder import (
    DOCUMENTS,
    KEY,
    QUERY,
    SUCCESS,
    Call,
    Recorder,
    parent_id,
    rerank_sync,
    span_id,
)
from openrouter_rerank import OpenRouter, RetryConfig, errors, local
from openrouter_rerank.testing import FakeOpenRouter, answer
from opentelemetry import context, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor


@pytest.mark.anyio
async def test_concurrent_calls_keep_their_spans(recorder: Recorder) -> None:
    """Calls that overlap have their own attempts, each below the span that it was made in."""
    tracer = recorder.tracers.get_tracer("test")
    arrived = 0
    everybody_is_there = anyio.Event()

    class Rendezvous(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal arrived
            arrived += 1
            if arrived == 4:
                everybody_is_there.set()
            await everybody_is_there.wait()
            status = 503 if arrived <= 4 else 200
            arrived += status == 503
            return answer(status).build(request)

    async def rerank(number: int) -> None:
        with tracer.start_as_current_span(f"task {number}"):
            await client.rerank.rerank_async(documents=DOCUMENTS, model="m", query=QUERY)

    config = RetryConfig(max_attempts=9)
    transport = Rendezvous()
    async with OpenRouter(KEY, async_transport=transport, retry_config=config) as client:
        recorder.watch(client)
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for number in range(4):
                    tasks.start_soon(rerank, number)

    calls = {span_id(span): span for span in recorder.find("rerank m")}
    parents = {parent_id(span) for span in calls.values()}
    assert parents == {span_id(recorder.find(f"task {number}")[0]) for number in range(4)}
    for identity, span in calls.items():
        own = [each for each in recorder.find("rerank attempt") if parent_id(each) == identity]
        assert len(own) == (span.attributes or {})["openrouter.attempts"]
    assert len(recorder.find("rerank attempt")) == 5


@pytest.mark.anyio
async def test_cancelled_call_ends_its_spans(recorder: Recorder) -> None:
    """A call that is cancelled leaves no span open, and none as the current one."""
    started = anyio.Event()

    class Silence(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            started.set()
            await anyio.sleep_forever()
            return answer().build(request)

    async def rerank() -> None:
        try:
            await client.rerank.rerank_async(documents=DOCUMENTS, model="m", query=QUERY)
        finally:
            current.append(trace.get_current_span())

    current: list[trace.Span] = []
    async with OpenRouter(KEY, async_transport=Silence()) as client:
        recorder.watch(client)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rerank)
            await started.wait()
            tasks.cancel_scope.cancel()

    kind = anyio.get_cancelled_exc_class().__qualname__
    assert current == [trace.INVALID_SPAN]
    assert (recorder.call.attributes or {})["error.type"] == kind
    assert [attributes["error.type"] for attributes in recorder.attempts] == [kind]


def test_spans_of_httpx_are_below_the_attempts(recorder: Recorder, rerank: Call) -> None:
    """Over real connections the spans of httpx's instrumentation are children of the attempts."""
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=recorder.tracers)
    try:
        faults = local.Faults("503,ok", retry_after=0)
        with local.running(faults=faults) as url, OpenRouter(KEY, server_url=url) as client:
            recorder.watch(client)
            rerank(client)
    finally:
        instrumentor.uninstrument()

    attempts = [span_id(span) for span in recorder.find("rerank attempt")]
    assert [parent_id(span) for span in recorder.find("POST")] == attempts
    assert len(attempts) == 2
    assert (recorder.call.attributes or {})["server.address"] == "127.0.0.1"
    assert (recorder.call.attributes or {})["server.port"] == httpx.URL(url).port


def test_threads_keep_their_spans(recorder: Recorder) -> None:
    """Calls of several threads have one attempt each."""
    with FakeOpenRouter(*[SUCCESS] * 8) as client, ThreadPoolExecutor(4) as threads:
        recorder.watch(client)
        list(threads.map(rerank_sync, [client] * 8))

    parents = [parent_id(span) for span in recorder.find("rerank attempt")]
    assert sorted(map(str, parents)) == sorted(str(span_id(x)) for x in recorder.find("rerank m"))


def test_hooks_of_the_user_are_called(recorder: Recorder, rerank: Call) -> None:
    """The user's own functions run as before, those of an attempt inside its span."""
    seen: list[object] = []

    def record(value: object) -> None:
        span = trace.get_current_span()
        seen.append((type(value).__name__.removeprefix("Buffered"), cast("Any", span).name))

    with FakeOpenRouter(503, 404) as client:
        recorder.watch(client)
        client.hooks.before_request(record)
        client.hooks.after_response(record)
        client.hooks.on_retry(record)
        client.hooks.on_error(record)
        with pytest.raises(errors.NotFoundResponseError):
            rerank(client)

    assert seen == [
        ("Request", "rerank attempt"),
        ("Response", "rerank attempt"),
        ("RetryEvent", "rerank m"),
        ("Request", "rerank attempt"),
        ("Response", "rerank attempt"),
        ("NotFoundResponseError", "rerank attempt"),
    ]


def test_span_that_a_hook_leaves_open_is_no_parent(recorder: Recorder, rerank: Call) -> None:
    """Attempts are children of their call, whatever a user's function makes the current span."""
    tracer = recorder.tracers.get_tracer("test")

    def attach(_event: object) -> None:
        context.attach(trace.set_span_in_context(tracer.start_span("left open")))

    with FakeOpenRouter(503, SUCCESS) as client:
        recorder.watch(client)
        client.hooks.on_retry(attach)
        rerank(client)

    call = span_id(recorder.call)
    assert [parent_id(span) for span in recorder.find("rerank attempt")] == [call] * 2


def test_hook_that_raises_ends_the_spans(recorder: Recorder, rerank: Call) -> None:
    """What a user's function raises is the error of the call and of its attempt."""

    def fail(_request: httpx.Request) -> None:
        raise LookupError(QUERY)

    with FakeOpenRouter() as client:
        recorder.watch(client)
        client.hooks.before_request(fail)
        with pytest.raises(LookupError):
            rerank(client)

    assert recorder.call.status.description == "LookupError"
    assert [attributes["error.type"] for attributes in recorder.attempts] == ["LookupError"]
