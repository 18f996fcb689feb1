"""The spans of calls and attempts, and what they say."""

import httpx
import pytest
from integration.client import faults
from integration.client.fault_server import FaultServer
from integration.frameworks.opentelemetry.recorder import (
    COMMON,
    DOCUMENTS,
    KEY,
    QUERY,
    SUCCESS,
    Call,
    Recorder,
    parent_id,
    span_id,
)
from openrouter_rerank import OpenRouter, RetryConfig, errors
from openrouter_rerank.testing import FakeOpenRouter, Step, answer
from opentelemetry.trace import SpanKind, StatusCode


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


def test_dead_connection_is_an_attempt_of_the_same_call(recorder: Recorder) -> None:
    """A request that follows at once on a dead connection has a span under the call's own."""
    with (
        FaultServer(faults.ok, faults.hang_up, faults.ok) as server,
        OpenRouter(KEY, server_url=server.url) as client,
    ):
        client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)
        recorder.watch(client)
        client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)

    attempts = recorder.find("rerank attempt")
    assert [parent_id(attempt) for attempt in attempts] == [span_id(recorder.call)] * 2


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
