"""Spans and metrics of calls, through OpenTelemetry's own SDK."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import anyio
import httpx
import pytest
from attrs import field, frozen
from frameworks.readme import read_example
from openrouter_rerank import OpenRouter, RetryConfig, errors, local
from openrouter_rerank.opentelemetry import instrument, uninstrument
from openrouter_rerank.testing import FakeOpenRouter, Step, answer
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

KEY = "sk-or-telemetry"
QUERY = "a secret query"
DOCUMENTS = ["first secret", "second secret"]
COMMON = {
    "gen_ai.operation.name": "rerank",
    "gen_ai.provider.name": "openrouter",
    "gen_ai.request.model": "m",
    "server.address": "openrouter.ai",
    "server.port": 443,
}
REPLY = {
    "id": "gen-1",
    "model": "m-2",
    "provider": "Cohere",
    "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
    "usage": {"cost": 0.002, "search_units": 1, "total_tokens": 34},
}
SUCCESS = answer(body=REPLY, headers={"X-Generation-Id": "gen-1"})


@frozen
class Recorder:
    """Providers of OpenTelemetry's SDK that keep in memory what they are given."""

    exporter: InMemorySpanExporter = field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(factory=InMemoryMetricReader)
    tracers: TracerProvider = field(factory=TracerProvider)
    meters: MeterProvider = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Connect the providers with what keeps."""
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        object.__setattr__(self, "meters", MeterProvider([self.reader]))

    def watch(self, client: OpenRouter, **options: Any) -> None:
        """Instrument a client."""
        instrument(client, tracer_provider=self.tracers, meter_provider=self.meters, **options)

    def find(self, name: str) -> list[ReadableSpan]:
        """Return the ended spans of a name."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    @property
    def call(self) -> ReadableSpan:
        """The only call's span."""
        (found,) = self.find("rerank m")
        return found

    @property
    def attempts(self) -> list[Mapping[str, Any]]:
        """The attributes of the attempts' spans."""
        return [dict(span.attributes or {}) for span in self.find("rerank attempt")]

    def measure(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """Return the metrics: for each name the attributes and the values, a histogram's count."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
            found[metric.name] = [
                (
                    dict(point.attributes or {}),
                    point.count
                    if isinstance(point, HistogramDataPoint)
                    else cast("Any", point).value,
                )
                for point in metric.data.data_points
            ]
        return found

    def dump(self) -> str:
        """Return all that was recorded, as text."""
        spans = [span.to_json() for span in self.exporter.get_finished_spans()]
        data = self.reader.get_metrics_data()
        return "\n".join([*spans, data.to_json() if data else ""])


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Give a recorder, and check that no span is left as the current one."""
    recorder = Recorder()
    yield recorder
    assert trace.get_current_span() is trace.INVALID_SPAN
    recorder.tracers.shutdown()
    recorder.meters.shutdown()


def rerank_sync(client: OpenRouter, **options: Any) -> object:
    """Make a call."""
    return client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY, **options)


def rerank_async(client: OpenRouter, **options: Any) -> object:
    """Make an async call, in an event loop of its own."""

    async def run() -> object:
        try:
            return await client.rerank.rerank_async(
                documents=DOCUMENTS, model="m", query=QUERY, **options
            )
        finally:
            assert trace.get_current_span() is trace.INVALID_SPAN

    return asyncio.run(run())


Call = Callable[..., object]


@pytest.fixture(params=[rerank_sync, rerank_async], ids=["sync", "async"])
def rerank(request: pytest.FixtureRequest) -> Call:
    """Give both ways to make a call."""
    chosen: Call = request.param
    return chosen


def parent_id(span: ReadableSpan) -> int | None:
    """Return the id of the span that a span is a child of."""
    return None if span.parent is None else span.parent.span_id


def span_id(span: ReadableSpan) -> int:
    """Return the id of a span."""
    assert span.context is not None
    return int(span.context.span_id)


def test_call_is_a_span(recorder: Recorder, rerank: Call) -> None:
    """A call is a span of kind CLIENT with what was asked for, replied and paid."""
    with FakeOpenRouter(SUCCESS) as client:
        recorder.watch(client)
        rerank(client, top_n=2)

    assert dict(recorder.call.attributes or {}) == {
        **COMMON,
        "gen_ai.rerank.candidate.count": 2,
        "gen_ai.rerank.top_n": 2,
        "gen_ai.response.id": "gen-1",
        "gen_ai.response.model": "m-2",
        "openrouter.attempts": 1,
        "openrouter.generation.id": "gen-1",
        "openrouter.response.provider": "Cohere",
        "openrouter.results.count": 2,
        "openrouter.usage.cost": 0.002,
        "openrouter.usage.search_units": 1,
        "openrouter.usage.total_tokens": 34,
    }
    assert recorder.call.kind is SpanKind.CLIENT
    assert recorder.call.status.status_code is StatusCode.UNSET


def test_what_a_reply_lacks_is_absent(recorder: Recorder, rerank: Call) -> None:
    """What was not asked for and what the reply does not say is nowhere."""
    with FakeOpenRouter(answer(body={"model": "m", "results": []})) as client:
        recorder.watch(client)
        rerank(client)

    assert dict(recorder.call.attributes or {}) == {
        **COMMON,
        "gen_ai.rerank.candidate.count": 2,
        "gen_ai.response.model": "m",
        "openrouter.attempts": 1,
        "openrouter.results.count": 0,
    }
    assert "openrouter.rerank.cost" not in recorder.measure()


def test_attempts_are_children(recorder: Recorder, rerank: Call) -> None:
    """Each attempt is a child of its call, with its status and the wait for the next."""
    script: tuple[Step, ...] = (answer(429, retry_after=3), httpx.ReadError("broken"), SUCCESS)
    with FakeOpenRouter(*script) as client:
        recorder.watch(client)
        rerank(client)
        waits = client.waits

    assert recorder.attempts == [
        {
            "openrouter.attempt.number": 1,
            "http.response.status_code": 429,
            "openrouter.retry.delay": 3.0,
            "error.type": "TooManyRequestsResponseError",
        },
        {
            "openrouter.attempt.number": 2,
            "openrouter.retry.delay": waits[1],
            "error.type": "DisconnectedError",
        },
        {"openrouter.attempt.number": 3, "http.response.status_code": 200},
    ]
    call = span_id(recorder.call)
    assert [parent_id(span) for span in recorder.find("rerank attempt")] == [call] * 3


@pytest.mark.parametrize(
    ("step", "kind", "status"),
    [
        (404, "NotFoundResponseError", "NotFoundResponseError (404)"),
        (httpx.ConnectError(KEY), "ConnectionFailedError", "ConnectionFailedError"),
        (
            answer(body={"error": {"code": 402, "message": QUERY}}),
            "PaymentRequiredResponseError",
            "PaymentRequiredResponseError (402)",
        ),
        (
            answer(body={"model": "m", "results": [{"index": 7, "relevance_score": 1.0}]}),
            "ResponseValidationError",
            "ResponseValidationError (200)",
        ),
    ],
)
def test_error_is_on_the_spans(
    recorder: Recorder, rerank: Call, step: Step, kind: str, status: str
) -> None:
    """What a call ends in is the status of its span and of the last attempt's, by class alone."""
    with FakeOpenRouter(step, retry_config=RetryConfig(max_attempts=1)) as client:
        recorder.watch(client)
        with pytest.raises(getattr(errors, kind)):
            rerank(client)

    (attempt,) = recorder.find("rerank attempt")
    for span in (recorder.call, attempt):
        assert (span.attributes or {})["error.type"] == kind
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == status
        assert span.events == ()


def test_generation_of_an_error_is_named(recorder: Recorder, rerank: Call) -> None:
    """An error that OpenRouter gave a generation id has it on its call's span."""
    with FakeOpenRouter(answer(400, headers={"X-Generation-Id": "gen-2"})) as client:
        recorder.watch(client)
        with pytest.raises(errors.BadRequestResponseError):
            rerank(client)

    assert (recorder.call.attributes or {})["openrouter.generation.id"] == "gen-2"


def test_raw_reply_is_judged_at_once(recorder: Recorder) -> None:
    """A raw reply that cannot be decoded has the error on its span and raises it when parsed."""
    with FakeOpenRouter(answer(body={"model": "m", "results": None}), SUCCESS) as client:
        recorder.watch(client)
        broken, sound = (
            client.rerank.with_raw_response.rerank(documents=DOCUMENTS, model="m", query=QUERY)
            for _ in range(2)
        )
        with pytest.raises(errors.ResponseValidationError, match="results") as caught:
            broken.parse()

        assert caught.value.attempts == 1
        assert sound.parse() is sound.parse()
        assert [result.index for result in sound.parse().results] == [1, 0]

    first, second = recorder.find("rerank m")
    assert first.status.description == "ResponseValidationError (200)"
    assert second.status.status_code is StatusCode.UNSET


def test_nothing_secret_is_recorded(recorder: Recorder, rerank: Call) -> None:
    """Neither content nor the key is recorded, not even where a server quotes them."""
    body = {"error": {"code": 400, "message": f"{QUERY} {DOCUMENTS[0]} {KEY}"}}
    with FakeOpenRouter(
        answer(429, body=body), answer(400, body=body), SUCCESS, api_key=KEY
    ) as client:
        recorder.watch(client)
        with pytest.raises(errors.BadRequestResponseError):
            rerank(client)
        rerank(client)

    dump = recorder.dump()
    assert "rerank attempt" in dump
    assert [text for text in (QUERY, *DOCUMENTS, KEY, "scores") if text in dump] == []


def test_content_is_recorded_on_demand(recorder: Recorder, rerank: Call) -> None:
    """With `record_content` the query, the documents and the ranking are on the call's span."""
    documents: list[str | dict[str, str]] = ["text", {"image": "https://example.com/ü.png"}]
    with FakeOpenRouter(SUCCESS, api_key=KEY) as client:
        recorder.watch(client, record_content=True)
        client.rerank.rerank(documents=documents, model="m", query=QUERY)

    found = recorder.call.attributes or {}
    assert found["openrouter.query"] == QUERY
    assert found["openrouter.documents"] == ("text", '{"image": "https://example.com/ü.png"}')
    assert found["gen_ai.rerank.scores"] == (0.9, 0.1)
    assert found["openrouter.indices"] == (1, 0)
    assert KEY not in recorder.dump()


def test_calls_are_measured(recorder: Recorder, rerank: Call) -> None:
    """Durations, retries, documents and cost are metrics, by model, server and error."""
    with FakeOpenRouter(503, SUCCESS, SUCCESS, 404) as client:
        recorder.watch(client)
        rerank(client)
        rerank(client)
        with pytest.raises(errors.NotFoundResponseError):
            rerank(client)

    good = {**COMMON, "gen_ai.response.model": "m-2"}
    bad = {**COMMON, "error.type": "NotFoundResponseError"}
    assert recorder.measure() == {
        "gen_ai.client.operation.duration": [(good, 2), (bad, 1)],
        "openrouter.rerank.retries": [(COMMON, 1)],
        "openrouter.rerank.documents": [(good, 4), (bad, 2)],
        "openrouter.rerank.cost": [(good, 0.004)],
    }


def test_durations_are_seconds(recorder: Recorder, rerank: Call) -> None:
    """The duration is that of the call's span, in the buckets of the conventions."""
    with FakeOpenRouter(SUCCESS) as client:
        recorder.watch(client)
        rerank(client)

    data = recorder.reader.get_metrics_data()
    assert data is not None
    (metric,) = [
        metric
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "gen_ai.client.operation.duration"
    ]
    (point,) = cast("list[HistogramDataPoint]", metric.data.data_points)
    call = recorder.call
    assert metric.unit == "s"
    assert 0 < point.sum <= ((call.end_time or 0) - (call.start_time or 0)) / 1e9
    assert (point.explicit_bounds[0], point.explicit_bounds[-1]) == (0.01, 81.92)


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

    def note(value: object) -> None:
        span = trace.get_current_span()
        seen.append((type(value).__name__, cast("Any", span).name))

    with FakeOpenRouter(503, 404) as client:
        recorder.watch(client)
        client.hooks.before_request(note)
        client.hooks.after_response(note)
        client.hooks.on_retry(note)
        client.hooks.on_error(note)
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


class FailingAtStart(SpanProcessor):
    """Raises when a span begins."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Raise."""
        raise RuntimeError(span, parent_context, QUERY)


class FailingAtAttempt(SpanProcessor):
    """Raises when a span begins that is another's child."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Raise, if the span is a child."""
        if span.parent is not None:
            raise RuntimeError(span, parent_context, QUERY)


class FailingAtEnd(SpanProcessor):
    """Raises when a span ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Raise."""
        raise RuntimeError(span, QUERY)


@pytest.mark.parametrize("kind", [FailingAtStart, FailingAtAttempt, FailingAtEnd])
def test_failing_processor_changes_no_call(
    recorder: Recorder, rerank: Call, caplog: pytest.LogCaptureFixture, kind: type[SpanProcessor]
) -> None:
    """What a span processor raises is a line in the log, without its message."""
    recorder.tracers.add_span_processor(kind())
    with FakeOpenRouter(503, SUCCESS, 404) as client:
        recorder.watch(client)
        rerank(client)
        with pytest.raises(errors.NotFoundResponseError):
            rerank(client)

    lines = [record.message for record in caplog.records if "observer" in record.message]
    assert set(lines) == {"an observer of calls failed: RuntimeError"}


def test_uninstrumented_client_is_left_alone(recorder: Recorder, rerank: Call) -> None:
    """After `uninstrument` nothing is recorded; without need it has no effect."""
    with FakeOpenRouter(SUCCESS, SUCCESS) as client:
        recorder.watch(client)
        recorder.watch(client)
        rerank(client)
        uninstrument(client)
        uninstrument(client)
        rerank(client)

    assert len(recorder.exporter.get_finished_spans()) == 2


def test_refused_arguments_are_no_call(recorder: Recorder) -> None:
    """What is refused before anything is sent has no span."""
    with FakeOpenRouter() as client:
        recorder.watch(client)
        with pytest.raises(ValueError, match="documents"):
            client.rerank.rerank(documents=[], model="m", query=QUERY)

    assert recorder.exporter.get_finished_spans() == ()


@pytest.mark.parametrize("function", [instrument, uninstrument])
def test_only_clients_are_instrumented(function: Callable[[Any], None]) -> None:
    """What is not a client is refused."""
    with pytest.raises(TypeError, match="client: expected OpenRouter, got str"):
        function("client")


def test_example_runs(clean_environment: pytest.MonkeyPatch) -> None:
    """The README's example prints the spans of its call, the attempt's first."""
    clean_environment.setenv("OPENROUTER_API_KEY", KEY)
    with local.running(api_key=KEY) as url:
        clean_environment.setenv("OPENROUTER_BASE_URL", url)
        printed = run_script(read_example("OpenTelemetry"))

    attempt, end = json.JSONDecoder().raw_decode(printed)
    call, _ = json.JSONDecoder().raw_decode(printed[end:].strip())
    assert attempt["name"] == "rerank attempt"
    assert call["name"] == "rerank cohere/rerank-v3.5"
    assert attempt["parent_id"] == call["context"]["span_id"]


SCRIPT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
try:
    from openrouter_rerank.opentelemetry import instrument
    from openrouter_rerank.testing import FakeOpenRouter
    with FakeOpenRouter() as client:
        instrument(client)
        print(client.rerank.rerank(documents=["a"], model="m", query="q").model)
except ModuleNotFoundError as error:
    print(error)
"""


def run_script(script: str) -> str:
    """Run a script in a new process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60
    )
    return done.stdout


def run_without(*missing: str) -> str:
    """Instrument a client in a new process that lacks some packages, and return what it prints."""
    return run_script(SCRIPT.format(missing=missing))


def test_api_alone_is_enough() -> None:
    """Without the SDK, calls go on as ever."""
    missing = ("opentelemetry.sdk", "opentelemetry.semconv", "opentelemetry.instrumentation")

    assert run_without(*missing) == "m\n"


def test_missing_api_is_named() -> None:
    """Without the API the module raises one error that says what to install."""
    assert 'pip install "openrouter-rerank[opentelemetry]"' in run_without("opentelemetry")
