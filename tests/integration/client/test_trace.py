"""A caller's own function for the events of a connection: httpx's request extension "trace"."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, DOCUMENTS, KEY, TLS
from integration.client.conftest import Serve
from openrouter_rerank import BackoffStrategy, HooksTransport, OpenRouter, RetryConfig

REQUEST: dict[str, Any] = {"documents": DOCUMENTS, "model": "m", "query": "q"}
# The dead connection costs neither of the two attempts, which only our own function can tell.
TWICE = RetryConfig(backoff=BackoffStrategy(1, 5, 1.5, 60_000), max_attempts=2)
SCRIPT = (faults.ok, faults.hang_up, faults.error(503), faults.ok)
Extend = Callable[[httpx.Request], None]


class TracedClient(httpx.Client):
    """A client that adds the extension to each request that it builds."""

    extend: Extend

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        """Build a request and add to it."""
        request = super().build_request(*args, **kwargs)
        self.extend(request)
        return request


class TracedAsyncClient(httpx.AsyncClient):
    """Async `TracedClient`."""

    extend: Extend

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        """Build a request and add to it."""
        request = super().build_request(*args, **kwargs)
        self.extend(request)
        return request


class Recorder:
    """Keeps the names of the events that its function is told of."""

    def __init__(self, *, is_async: bool) -> None:
        """Start with none."""
        self.events: list[str] = []
        self._is_async = is_async

    def extend(self, request: httpx.Request) -> None:
        """Add the function to a request."""
        request.extensions["trace"] = self.trace_async if self._is_async else self.trace

    def trace(self, event: str, _info: object) -> None:
        """Keep an event."""
        self.events.append(event)

    async def trace_async(self, event: str, _info: object) -> None:
        """Keep an event."""
        self.events.append(event)

    def count(self, ending: str) -> int:
        """Return how many events have a name with that ending."""
        return sum(event.endswith(ending) for event in self.events)


def make_settings(way: str, mode: str, recorder: Recorder) -> dict[str, Any]:
    """Return what a client sends with; `recorder` comes in by an own client or else by a hook."""
    if way == "own transport":
        return (
            {"transport": httpx.HTTPTransport(verify=TLS)}
            if mode == "sync"
            else {"async_transport": httpx.AsyncHTTPTransport(verify=TLS)}
        )
    if way == "our connections":
        return {}
    is_hooked = way == "own client, by a hook"
    own: Any
    if mode == "sync":
        own = httpx.Client(verify=TLS) if is_hooked else TracedClient(verify=TLS)
    else:
        own = httpx.AsyncClient(verify=TLS) if is_hooked else TracedAsyncClient(verify=TLS)
    own.extend = recorder.extend
    return {"client" if mode == "sync" else "async_client": own}


def call_twice(mode: str, url: str, way: str, recorder: Recorder) -> None:
    """Make two calls over one client."""
    settings = make_settings(way, mode, recorder)
    client = OpenRouter(KEY, server_url=url, retry_config=TWICE, **settings)
    if way != "own client, by itself":
        client.hooks.before_request(recorder.extend)

    async def run() -> None:
        async with client:
            await client.rerank.rerank_async(**REQUEST)
            await client.rerank.rerank_async(**REQUEST)
        if "async_client" in settings:
            await settings["async_client"].aclose()

    if mode != "sync":
        anyio.run(run, backend=mode)
        return
    with client:
        client.rerank.rerank(**REQUEST)
        client.rerank.rerank(**REQUEST)
    if "client" in settings:
        settings["client"].close()


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(
    "way", ["own client, by itself", "own client, by a hook", "own transport", "our connections"]
)
def test_trace_of_the_caller_hears_of_every_attempt(mode: str, way: str, serve: Serve) -> None:
    """It is told of each request once, and a dead connection still costs no attempt."""
    server = serve(*SCRIPT)
    recorder = Recorder(is_async=mode != "sync")

    call_twice(mode, server.url, way, recorder)

    assert len(server.requests) == len(SCRIPT)
    assert recorder.count(".send_request_headers.started") == len(SCRIPT)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("is_own", [True, False], ids=["own transport", "our connections"])
def test_trace_of_a_request_through_the_transport_is_kept(
    mode: str, is_own: bool, serve: Serve
) -> None:
    """`HooksTransport` passes it on with each attempt, and leaves the request as it was."""
    server = serve(*SCRIPT)
    recorder = Recorder(is_async=mode != "sync")
    hooked = HooksTransport(
        KEY,
        server_url=server.url,
        retry_config=TWICE,
        transport=httpx.HTTPTransport(verify=TLS) if is_own else None,
        async_transport=httpx.AsyncHTTPTransport(verify=TLS) if is_own else None,
    )
    request = httpx.Request("POST", f"{server.url}/rerank", json=REQUEST)
    recorder.extend(request)
    own = request.extensions["trace"]

    async def run() -> None:
        async with httpx.AsyncClient(transport=hooked) as http:
            await http.send(request)
            await http.send(request)

    if mode == "sync":
        with httpx.Client(transport=hooked) as http:
            http.send(request)
            http.send(request)
    else:
        anyio.run(run, backend=mode)

    assert recorder.count(".send_request_headers.started") == len(SCRIPT)
    assert request.extensions["trace"] == own


@pytest.mark.parametrize("mode", ALL_MODES)
def test_trace_of_the_caller_hears_of_redirects_once(mode: str, serve: Serve) -> None:
    """Of a request that is redirected it hears once, and once of where it is sent to."""
    server = serve(faults.redirect(307, "/api/v1/rerank"), faults.ok, faults.hang_up, faults.ok)
    recorder = Recorder(is_async=mode != "sync")

    call_twice(mode, server.url, "own transport", recorder)

    assert recorder.count(".send_request_headers.started") == len(server.requests) == len(SCRIPT)
