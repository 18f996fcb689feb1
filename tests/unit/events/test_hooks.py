"""The user's functions: when they are called, with what, and what they may change."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from openrouter_rerank import RetryConfig, RetryEvent, errors
from openrouter_rerank.testing import FakeOpenRouter, answer

ARGUMENTS = {"documents": ["a", "b"], "model": "m", "query": "q"}


def test_stations_are_called_in_order() -> None:
    """A call that is retried passes every station, functions in the order of registration."""
    seen: list[str] = []
    with FakeOpenRouter(503, 200) as client:
        client.hooks.before_request(lambda request: seen.append(f"1 {request.method}"))
        client.hooks.before_request(lambda request: seen.append(f"2 {request.url.path}"))
        client.hooks.after_response(lambda response: seen.append(f"3 {response.status_code}"))
        client.hooks.on_retry(lambda event: seen.append(f"4 {event.attempt} {event.error}"))

        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert seen == [
        "1 POST",
        "2 /api/v1/rerank",
        "3 503",
        "4 1 503: scripted error",
        "1 POST",
        "2 /api/v1/rerank",
        "3 200",
    ]


@pytest.mark.anyio
async def test_async_functions_are_awaited() -> None:
    """An async call takes sync and async functions alike."""
    seen: list[object] = []

    async def note_request(request: httpx.Request) -> None:
        seen.append(request.url.host)

    async def note_response(response: httpx.Response) -> None:
        seen.append(response.status_code)

    async def note_retry(event: RetryEvent) -> None:
        seen.append(event.delay)

    async def note_error(error: errors.OpenRouterError) -> None:
        seen.append(type(error))

    config = RetryConfig(max_attempts=2)
    async with FakeOpenRouter(answer(429, retry_after=3), 404, retry_config=config) as client:
        client.hooks.before_request(note_request)
        client.hooks.after_response(note_response)
        client.hooks.on_retry(note_retry)
        client.hooks.on_error(note_error)
        client.hooks.on_error(lambda error: seen.append(error.attempts))
        with pytest.raises(errors.NotFoundResponseError):
            await client.rerank.rerank_async(documents=["a"], model="m", query="q")

    host = "openrouter.ai"
    assert seen == [host, 429, 3.0, host, 404, errors.NotFoundResponseError, 2]


def test_reply_tells_a_function_how_long_it_took() -> None:
    """The time of an attempt is known when its reply is shown."""
    seen: list[timedelta] = []
    with FakeOpenRouter() as client:
        client.hooks.after_response(lambda response: seen.append(response.elapsed))

        raw = client.rerank.with_raw_response.rerank(documents=["a"], model="m", query="q")

    assert seen == [raw.http_response.elapsed]


def test_sync_call_refuses_an_async_function() -> None:
    """A coroutine that nobody would await is a clear error, and nothing is sent."""

    async def note(_request: httpx.Request) -> None: ...

    with FakeOpenRouter() as client:
        client.hooks.before_request(note)
        with pytest.raises(TypeError, match="hooks: an async function needs an async call"):
            client.rerank.rerank(documents=["a"], model="m", query="q")

        assert client.requests == []


class Later:
    """Something that can be awaited and is no coroutine."""

    def __await__(self) -> Iterator[None]:
        """Wait for nothing."""
        yield from ()


def test_sync_call_refuses_whatever_is_to_be_awaited() -> None:
    """An awaitable of another kind is refused alike."""
    with FakeOpenRouter() as client:
        client.hooks.before_request(lambda _request: Later())
        with pytest.raises(TypeError, match="hooks: an async function"):
            client.rerank.rerank(documents=["a"], model="m", query="q")


def test_headers_of_a_hook_last_for_one_attempt() -> None:
    """What a function adds is sent, and does not pile up from attempt to attempt."""
    numbers = iter("12")
    with FakeOpenRouter(503, 200) as client:

        @client.hooks.before_request
        def sign(request: httpx.Request) -> None:
            request.headers[f"X-Number-{next(numbers)}"] = "yes"

        client.rerank.rerank(documents=["a"], model="m", query="q")

    own = [[name for name in request.headers if "number" in name] for request in client.requests]
    assert own == [["x-number-1"], ["x-number-2"]]


def test_hooks_do_not_see_the_key() -> None:
    """The key is added after the functions have run, at every attempt."""
    seen: list[bool] = []
    with FakeOpenRouter(503, 200) as client:
        client.hooks.before_request(lambda request: seen.append("Authorization" in request.headers))
        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert seen == [False, False]
    assert all("Authorization" in request.headers for request in client.requests)


@pytest.mark.parametrize("station", ["before_request", "after_response", "on_retry", "on_error"])
@pytest.mark.parametrize(
    "error", [LookupError("mine"), errors.TooManyRequestsResponseError("mine")]
)
def test_an_exception_reaches_the_caller(station: str, error: Exception) -> None:
    """What a function raises ends the call as it is, even where it looks like one of ours."""

    def fail(_value: object) -> None:
        raise error

    with FakeOpenRouter(503, 404) as client:
        getattr(client.hooks, station)(fail)
        with pytest.raises(type(error)) as caught:
            client.rerank.rerank(documents=["a"], model="m", query="q")

    assert caught.value is error


def test_a_function_can_be_taken_out_again() -> None:
    """What was added for a while is not called afterwards, and its neighbours still are."""
    seen: list[str] = []

    def note(_: httpx.Request) -> None:
        seen.append("removed")

    with FakeOpenRouter() as client:
        client.hooks.before_request(note)
        client.hooks.before_request(lambda _: seen.append("kept"))
        client.hooks.requests.remove(note)
        client.rerank.rerank(documents=["a"], model="m", query="q")

        with pytest.raises(ValueError, match="not in list"):
            client.hooks.requests.remove(note)

    assert seen == ["kept"]


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_hook_sets_any_header_before_every_attempt(failures: int) -> None:
    """A header beyond ASCII can be set before a retry as before the first attempt."""

    def add(request: httpx.Request) -> None:
        request.headers["X-Note"] = "café"

    with FakeOpenRouter(*[503] * failures, 200) as client:
        client.hooks.before_request(add)

        client.rerank.rerank(documents=["a"], model="m", query="q")

    notes = [request.headers["X-Note"] for request in client.requests]
    assert notes == ["café"] * (failures + 1)
