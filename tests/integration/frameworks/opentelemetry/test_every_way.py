"""Every way to make calls goes through one loop, so each of them is traced."""

import asyncio

import httpcore
import httpx
import pytest
from integration.frameworks.opentelemetry.recorder import (
    COMMON,
    KEY,
    REPLY,
    Recorder,
    parent_id,
    span_id,
)
from openrouter_rerank import BackoffStrategy, HooksTransport, OpenRouter, RerankJob, RetryConfig
from openrouter_rerank.errors import ResponseValidationError, RunStoppedError
from openrouter_rerank.testing import FakeOpenRouter, ScriptedTransport, Step, answer
from openrouter_rerank_api import AuthenticatedClient
from openrouter_rerank_api.api.rerank import create_rerank
from openrouter_rerank_api.models import CreateRerankRequestBody
from opentelemetry import trace

ONE_RESULT = answer(body={"model": "m", "results": [{"index": 0, "relevance_score": 0.5}]})
JOB = RerankJob(query="q", documents=["a"], model="m")


def make_generated_client(transport: HooksTransport) -> AuthenticatedClient:
    """Make a client of the generated functions over the transport."""
    return AuthenticatedClient(
        base_url="https://openrouter.ai/api/v1", token="x", httpx_args={"transport": transport}
    )


@pytest.mark.parametrize("is_async", [False, True])
def test_generated_functions_are_traced(is_async: bool, recorder: Recorder) -> None:
    """A generated function's call has its span, its attempts and what the reply says."""
    result = {"index": 0, "relevance_score": 0.5, "document": {"text": "a"}}
    reply = answer(body={**REPLY, "results": [result]})
    inner = ScriptedTransport(503, reply)
    at_once = RetryConfig(backoff=BackoffStrategy(initial_interval=0))
    transport = HooksTransport(KEY, transport=inner, async_transport=inner, retry_config=at_once)
    recorder.watch(transport)
    body = CreateRerankRequestBody(documents=["a", "b"], model="m", query="q", top_n=2)
    client = make_generated_client(transport)
    if is_async:
        asyncio.run(create_rerank.asyncio_detailed(client=client, body=body))
    else:
        create_rerank.sync_detailed(client=client, body=body)

    attributes = dict(recorder.call.attributes or {})
    assert attributes.items() >= {**COMMON, "openrouter.attempts": 2}.items()
    assert attributes["gen_ai.rerank.candidate.count"] == 2
    assert attributes["gen_ai.rerank.top_n"] == 2
    assert attributes["openrouter.usage.cost"] == 0.002
    assert [each["openrouter.attempt.number"] for each in recorder.attempts] == [1, 2]


@pytest.mark.parametrize("content", [b"[]", b"{}", b"\xff"])
def test_transport_sends_what_it_cannot_read(content: bytes, recorder: Recorder) -> None:
    """A request that is no rerank has no span, and is sent as it is."""
    inner = ScriptedTransport(answer(body=REPLY))
    transport = HooksTransport(KEY, transport=inner)
    recorder.watch(transport)
    with httpx.Client(transport=transport) as client:
        client.post("https://openrouter.ai/api/v1/rerank", content=content)

    assert [request.content for request in inner.requests] == [content]
    assert recorder.exporter.get_finished_spans() == ()


def test_batches_are_calls(recorder: Recorder) -> None:
    """Each request of a call in batches has a call's span."""
    with FakeOpenRouter(ONE_RESULT, ONE_RESULT, ONE_RESULT) as client:
        recorder.watch(client)
        client.rerank.rerank_batched(documents=["a", "b", "c"], model="m", query="q", batch_size=1)

    assert len(recorder.find("rerank m")) == len(recorder.attempts) == 3


@pytest.mark.parametrize("is_async", [False, True])
def test_job_with_two_retries_is_one_call(is_async: bool, recorder: Recorder) -> None:
    """A job's attempts are children of one span, below the span that the run was started in."""
    current: list[object] = []

    def look(_event: object) -> None:
        current.append(trace.get_current_span().get_span_context().span_id)

    steps: list[Step] = [503, 503, ONE_RESULT]
    with FakeOpenRouter(*steps) as client:
        recorder.watch(client)
        client.hooks.on_retry(look)
        tracer = recorder.tracers.get_tracer("test")
        with tracer.start_as_current_span("run") as run:
            if is_async:
                outcomes = asyncio.run(collect(client))
            else:
                outcomes = [outcome.attempts for outcome in client.rerank.rerank_many([JOB])]

    call = recorder.call
    assert outcomes == [3]
    assert parent_id(call) == run.get_span_context().span_id
    assert (call.attributes or {})["openrouter.attempts"] == 3
    assert len(recorder.attempts) == 3
    assert {parent_id(span) for span in recorder.find("rerank attempt")} == {span_id(call)}
    assert current == [span_id(call)] * 2


async def collect(client: FakeOpenRouter) -> list[int]:
    """Return the attempts of the only job's outcome."""
    return [outcome.attempts async for outcome in client.rerank.rerank_many_async([JOB])]


def test_span_of_a_waiting_job_is_not_current(recorder: Recorder) -> None:
    """Another job in the same worker, while the first one waits, is no child of the first."""
    with FakeOpenRouter(503, ONE_RESULT, ONE_RESULT) as client:
        recorder.watch(client)
        list(client.rerank.rerank_many([JOB, JOB], max_concurrency=1))

    calls = recorder.find("rerank m")
    assert [call.parent for call in calls] == [None, None]


def test_abandoned_job_ends_its_span(recorder: Recorder) -> None:
    """When the run stops while a job waits for its next attempt, the job's span has its error."""
    with FakeOpenRouter(500, 402) as client:
        recorder.watch(client)
        with pytest.raises(RunStoppedError):
            list(client.rerank.rerank_many([JOB, JOB], max_concurrency=1))

    kinds = [(span.attributes or {})["error.type"] for span in recorder.find("rerank m")]
    assert sorted(map(str, kinds)) == [
        "InternalServerResponseError",
        "PaymentRequiredResponseError",
    ]


def test_request_that_is_sent_again_at_once_is_an_attempt(recorder: Recorder) -> None:
    """After a stale connection the second request is a child of the same call."""
    sent: list[httpx.Request] = []

    class StaleTransport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request)
            event = "http11.send_request_headers.started"
            request.extensions["trace"](event, {"request": httpcore.Request("POST", "http://h/")})
            if len(sent) == 1:
                raise httpx.ReadError("reset")
            return ONE_RESULT.build(request)

    with OpenRouter(KEY, transport=StaleTransport()) as client:
        recorder.watch(client)
        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert {parent_id(span) for span in recorder.find("rerank attempt")} == {span_id(recorder.call)}
    assert len(sent) == len(recorder.attempts) == 2


def test_job_that_only_the_decoder_refuses_is_an_outcome(recorder: Recorder) -> None:
    """A reply of the wrong shape is the job's error, on its span too."""
    broken = answer(body={"model": "m", "results": [{"index": 9, "relevance_score": 1.0}]})
    with FakeOpenRouter(broken) as client:
        (untraced,) = client.rerank.rerank_many([JOB])
    with FakeOpenRouter(broken) as client:
        recorder.watch(client)
        (outcome,) = client.rerank.rerank_many([JOB])

    assert isinstance(untraced.error, ResponseValidationError)
    assert isinstance(outcome.error, ResponseValidationError)
    assert (outcome.attempts, untraced.attempts) == (1, 1)
    assert (recorder.call.attributes or {})["error.type"] == "ResponseValidationError"
