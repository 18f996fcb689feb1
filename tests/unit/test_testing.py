"""The fakes for users' tests, and the mocks that people use already."""

from collections.abc import Callable

import httpx
import pytest
import respx
from openrouter_rerank import OpenRouter, errors
from openrouter_rerank.testing import FakeOpenRouter, ScriptedTransport, Step, answer
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_httpx import HTTPXMock

URL = "https://openrouter.ai/api/v1/rerank"
REPLY = {"model": "m", "results": [{"index": 0, "relevance_score": 0.5}]}


def test_script_is_played_in_order_without_waiting() -> None:
    """Each attempt gets the next step, and what would have been slept is noted."""
    with FakeOpenRouter(answer(429, retry_after=30), 503, 200) as client:
        res = client.rerank.rerank(documents=["a", "b"], model="m", query="q")

    assert [result.index for result in res.results] == [0, 1]
    assert client.waits[0] == 30.0
    assert len(client.waits) == 2
    assert [body["query"] for body in client.bodies] == ["q"] * 3


def test_an_answer_says_what_it_costs() -> None:
    """A scripted ranking costs what it is told to, and nothing is known of one that is not."""
    with FakeOpenRouter(answer(cost=0.4), 200) as client:
        costs = [client.rerank.rank(["a"], model="m", query="q").cost for _ in range(2)]

    assert costs == [0.4, None]


@pytest.mark.anyio
async def test_script_serves_async_calls() -> None:
    """The same script answers the async half."""
    async with FakeOpenRouter(httpx.ConnectError("refused"), answer(scores=[1, 2])) as client:
        res = await client.rerank.rerank_async(documents=["a", "b"], model="m", query="q")

    assert [result.index for result in res.results] == [1, 0]
    assert len(client.waits) == 1


def test_every_kind_of_step() -> None:
    """A ready response and a function of the request are answers too."""
    script: tuple[Step, ...] = (
        httpx.Response(200, json=REPLY),
        lambda request: httpx.Response(200, json={**REPLY, "model": request.method}),
        answer(body=REPLY, headers={"X-Own": "1"}),
    )
    with FakeOpenRouter(*script) as client:
        models = [client.rerank.rerank(documents=["a"], model="m", query="q").model for _ in script]

    assert models == ["m", "POST", "m"]


def test_end_of_the_script_is_an_assertion() -> None:
    """A request that the script did not foresee fails the test."""
    with FakeOpenRouter(200) as client:
        client.rerank.rerank(documents=["a"], model="m", query="q")

        with pytest.raises(AssertionError, match="no step for request 2"):
            client.rerank.rerank(documents=["a"], model="m", query="q")


def test_without_a_script_every_request_is_ranked() -> None:
    """The endless fake honours top_n and echoes documents of both kinds."""
    transport = ScriptedTransport()
    with OpenRouter("k", transport=transport) as client:
        replies = [
            client.rerank.rerank(documents=[{"text": "a"}, "b", "c"], model="m", query="q", top_n=2)
            for _ in range(3)
        ]

    assert [result.document.text for result in replies[2].results] == ["a", "b"]
    assert len(transport.requests) == 3


def test_fixture_makes_clients(fake_openrouter: Callable[..., FakeOpenRouter]) -> None:
    """The pytest fixture is there without any import, and takes the same arguments."""
    client = fake_openrouter(404, http_referer="https://a.example")

    with pytest.raises(errors.NotFoundResponseError):
        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert client.requests[0].headers["HTTP-Referer"] == "https://a.example"


@respx.mock
def test_respx_sees_sync_calls() -> None:
    """A respx route answers, and a request that has no route is not let through."""
    route = respx.post(URL).respond(json=REPLY)
    with OpenRouter("k") as client:
        client.rerank.rerank(documents=["a"], model="m", query="q")
        with pytest.raises(respx.models.AllMockedAssertionError):
            client.rerank.rerank(
                documents=["a"], model="m", query="q", server_url="https://other.example"
            )

    assert route.call_count == 1


@pytest.mark.anyio
@respx.mock
async def test_respx_sees_async_calls() -> None:
    """A respx route answers the async half."""
    route = respx.post(URL).respond(json=REPLY)
    async with OpenRouter("k") as client:
        await client.rerank.rerank_async(documents=["a"], model="m", query="q")

    assert route.call_count == 1


@pytest.mark.anyio
async def test_pytest_httpx_sees_calls(httpx_mock: HTTPXMock) -> None:
    """pytest-httpx answers both halves."""
    httpx_mock.add_response(url=URL, json=REPLY, is_reusable=True)
    async with OpenRouter("k") as client:
        client.rerank.rerank(documents=["a"], model="m", query="q")
        await client.rerank.rerank_async(documents=["a"], model="m", query="q")

    assert len(httpx_mock.get_requests()) == 2


@pytest.mark.httpx_mock(can_send_already_matched_responses=False)
def test_pytest_httpx_lets_nothing_through(httpx_mock: HTTPXMock) -> None:
    """With the mock on and nothing to answer with, no request leaves the process."""
    httpx_mock.add_response(url=URL, json=REPLY)
    with OpenRouter("k") as client:
        client.rerank.rerank(documents=["a"], model="m", query="q")
        with pytest.raises(errors.NoResponseError):
            client.rerank.rerank(documents=["a"], model="m", query="q")

    httpx_mock.reset()


def test_opentelemetry_sees_calls(httpx_mock: HTTPXMock) -> None:
    """The instrumentor of httpx records a span for each attempt."""
    httpx_mock.add_response(status_code=503, headers={"retry-after-ms": "0"})
    httpx_mock.add_response(json=REPLY)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        with OpenRouter("k") as client:
            client.rerank.rerank(documents=["a"], model="m", query="q")
    finally:
        instrumentor.uninstrument()

    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["POST", "POST"]
