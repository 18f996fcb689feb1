"""What is httpx2's does as well as what is httpx's; the tables of faults have rows of their own."""

import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.calling import (
    ALL_MODES,
    DOCUMENTS,
    KEY,
    ONCE,
    QUICK,
    TLS,
    Outcome,
    call_once,
    observe_async,
)
from integration.client.conftest import CERTIFICATE, Serve
from integration.client.fault_server import Exchange, Fault, closed_port
from integration.client.fault_tables.row import BODY, SUCCESS, once
from integration.client.over_httpx2 import WAYS, call_over, httpx2, make_own
from openrouter_rerank import HooksTransport, OpenRouter
from openrouter_rerank._call.error_mapping import walk_causes
from openrouter_rerank.errors import (
    ConnectionFailedError,
    DeadlineExceededError,
    DisconnectedError,
    ReadTimeoutError,
    ResponseValidationError,
)

POOL_SIZE = 3
LARGE = "x" * 8_000_000


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        pytest.param(faults.page(524), None, id="HTML 524"),
        pytest.param(faults.raw(faults.LONG_HEAD + b"{"), None, id="truncated"),
        pytest.param(
            faults.repeat(faults.CHUNKED_HEAD, b"100\r\n" + b" " * 256 + b"\r\n"),
            None,
            id="too large",
        ),
        pytest.param(faults.reset_after(b""), None, id="reset"),
        pytest.param(faults.trickle(faults.LONG_HEAD, b" ", 600), 0.02, id="silence"),
    ],
)
def test_failed_calls_give_their_connection_back(
    mode: str, way: str, fault: Fault, seconds: float | None, serve: Serve
) -> None:
    """More failures than the pool has room for leave none of its connections in use."""
    server = serve(fault)
    limits = httpx2.Limits(max_connections=POOL_SIZE, max_keepalive_connections=0)
    own = make_own(way, mode, limits=limits)
    timeout = None if seconds is None else httpx2.Timeout(5, read=seconds)
    settings: dict[str, Any] = {"timeout": timeout, "max_response_bytes": 1000, **once()}
    times = POOL_SIZE + 2

    outcomes = call_over(mode, server.url, own, times, **settings)

    assert len({outcome.kind for outcome in outcomes}) == 1
    assert outcomes[0].kind is not SUCCESS
    assert len(server.requests) == times
    assert server.wait_for_open(0)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("way", WAYS)
def test_connection_that_is_refused_is_retried(mode: str, way: str) -> None:
    """Nobody listens: the connection failed, at each of three attempts."""
    with closed_port() as port:
        [outcome] = call_over(mode, f"http://127.0.0.1:{port}/api/v1", make_own(way, mode))

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert outcome.error.attempts == 3


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("way", WAYS)
def test_bad_certificate_is_not_retried(
    mode: str, way: str, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """A certificate that the own client does not trust ends the call, with nothing sent."""
    server = serve(faults.ok, tls=server_tls)

    [outcome] = call_over(mode, server.url, make_own(way, mode))

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert (outcome.error.attempts, server.requests) == (1, [])


@pytest.mark.parametrize("way", WAYS)
def test_client_certificate_that_is_missing_is_not_retried(
    way: str, serve: Serve, client_tls: ssl.SSLContext
) -> None:
    """A server that wants a certificate says so by an alert, which async httpcore2 may not tell."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.load_verify_locations(CERTIFICATE)
    context.verify_mode = ssl.CERT_REQUIRED
    server = serve(faults.ok, tls=context)

    [outcome] = call_over("sync", server.url, make_own(way, "sync", verify=client_tls))

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert (outcome.error.attempts, server.requests) == (1, [])


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("way", WAYS)
def test_proxy_that_refuses_is_a_failed_connection(mode: str, way: str, serve: Serve) -> None:
    """A proxy that opens no tunnel is a failed connection, and gets no key."""
    proxy = serve(faults.error(502))
    own = make_own(way, mode, proxy=httpx2.Proxy(proxy.origin))

    [outcome] = call_over(mode, "https://rerank.invalid/api/v1", own)

    assert outcome.kind is ConnectionFailedError
    assert [request.method for request in proxy.requests] == ["CONNECT"] * 3
    assert {request.header("authorization") for request in proxy.requests} == {None}


@pytest.mark.parametrize("mode", ["asyncio", "trio"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_written", [True, False])
def test_cancelled_call_gives_its_connection_back(
    mode: str, way: str, is_written: bool, serve: Serve
) -> None:
    """A call that is cancelled while it writes or waits closes its connection; the next works."""
    reached = threading.Event()

    def hold(exchange: Exchange) -> bool:
        reached.set()
        exchange.hold()
        return False

    def hold_first(exchange: Exchange) -> None:
        server.read = None
        hold(exchange)

    server = serve(hold, faults.ok) if is_written else serve(faults.ok)
    server.read = None if is_written else hold_first
    own = make_own(way, mode, limits=httpx2.Limits(max_connections=1))
    [sender] = own.values()
    documents = DOCUMENTS if is_written else [LARGE]

    async def call(client: OpenRouter) -> None:
        await client.rerank.rerank_async(documents=documents, model="m", query="q")

    async def run() -> Outcome:
        async with sender, OpenRouter(KEY, server_url=server.url, **own) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call, client)
                await anyio.to_thread.run_sync(reached.wait)
                tasks.cancel_scope.cancel()
            return await observe_async(client, "question")

    assert anyio.run(run, backend=mode).kind is SUCCESS


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("way", WAYS)
def test_deadline_ends_a_large_upload(mode: str, way: str, serve: Serve) -> None:
    """A server that reads nothing is given up at the deadline, or at the timeout of a write."""
    server = serve(faults.ok)
    server.read = Exchange.hold
    own = make_own(way, mode)
    settings: dict[str, Any] = {"deadline_ms": 300, **once()}

    [outcome] = call_over(mode, server.url, own, query=LARGE, **settings)

    assert outcome.kind is DeadlineExceededError


@pytest.mark.parametrize("mode", ALL_MODES)
def test_our_own_connections_take_its_settings(mode: str, serve: Serve) -> None:
    """A timeout, limits and a proxy of httpx2's hold without a client of it."""
    server = serve(faults.stall)
    proxy = serve(faults.ok)
    timeout = httpx2.Timeout(5, read=0.05)

    late = call_once(mode, server.url, timeout=timeout, **once())
    through = [
        call_once(mode, "http://rerank.invalid/api/v1", proxy=given)
        for given in (
            httpx2.Proxy(proxy.origin, auth=("user", "pass"), headers={"X-Own": "a"}),
            httpx2.URL(proxy.origin.replace("//", "//user:pass@")),
        )
    ]

    assert late.kind is ReadTimeoutError
    assert [outcome.kind for outcome in through] == [SUCCESS, SUCCESS]
    assert [request.header("proxy-authorization") for request in proxy.requests] == [
        "Basic dXNlcjpwYXNz",
        "Basic dXNlcjpwYXNz",
    ]
    assert [request.header("x-own") for request in proxy.requests] == ["a", None]


def test_limits_are_of_either_library() -> None:
    """The number of connections counts as it does in httpx's limits."""
    with (
        OpenRouter(limits=httpx2.Limits(max_connections=2)) as client,
        pytest.raises(ValueError, match="max_concurrency: 3 is more than the client's 2"),
    ):
        client.rerank.rerank_many([], max_concurrency=3)
    limits: Any = httpx2.Timeout(5)
    with pytest.raises(TypeError, match=r"limits: expected httpx\.Limits, got Timeout"):
        OpenRouter(limits=limits)


def test_timeout_of_one_call(serve: Serve) -> None:
    """A call takes httpx2's timeout, over httpx's client or its own."""
    server = serve(faults.stall)
    timeout = httpx2.Timeout(5, read=0.05)
    with (
        httpx2.Client(verify=TLS) as own,
        OpenRouter(KEY, server_url=server.url, client=own, retry_config=ONCE) as client,
        pytest.raises(ReadTimeoutError),
    ):
        client.rerank.rerank(documents=DOCUMENTS, model="m", query="q", timeout=timeout)


WRONG: list[tuple[str, Callable[[], Any], str]] = [
    ("client", lambda: httpx2.AsyncClient(verify=TLS), "expected httpx.Client, got AsyncClient"),
    ("async_client", lambda: httpx2.Client(verify=TLS), "expected httpx.AsyncClient, got Client"),
    ("timeout", httpx2.Limits, "expected a number, got Limits"),
    ("proxy", lambda: httpx2.Timeout(5), "expected str or httpx.Proxy, got Timeout"),
]


@pytest.mark.parametrize(("name", "make", "message"), WRONG)
def test_wrong_object_is_refused(name: str, make: Callable[[], Any], message: str) -> None:
    """What is httpx2's but not for that argument is refused as what is httpx's would be."""
    with pytest.raises(TypeError, match=f"^{name}: {message}"):
        OpenRouter(**{name: make()})


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx2.ConnectTimeout, ConnectionFailedError),
        (httpx2.PoolTimeout, ConnectionFailedError),
        (httpx2.ReadTimeout, ReadTimeoutError),
        (httpx2.WriteTimeout, ReadTimeoutError),
        (httpx2.ConnectError, ConnectionFailedError),
        (httpx2.ProxyError, ConnectionFailedError),
        (httpx2.UnsupportedProtocol, ConnectionFailedError),
        (httpx2.LocalProtocolError, ConnectionFailedError),
        (httpx2.InvalidURL, ConnectionFailedError),
        (httpx2.ReadError, DisconnectedError),
        (httpx2.WriteError, DisconnectedError),
        (httpx2.CloseError, DisconnectedError),
        (httpx2.RemoteProtocolError, DisconnectedError),
        (httpx2.DecodingError, ResponseValidationError),
        (type("OwnTimeout", (httpx2.ReadTimeout,), {}), ReadTimeoutError),
    ],
)
def test_errors_are_mapped_by_name(mode: str, raised: Any, kind: type[Exception]) -> None:
    """Each of httpx2's errors ends as httpx's of that name does, or of its nearest base."""

    def fail(request: Any) -> Any:
        raise raised("out of order")

    own = httpx2.MockTransport(fail)

    outcome = call_once(mode, "http://a.example", transport=own, async_transport=own, **once())

    assert outcome.kind is kind
    assert "out of order" in str(outcome.error)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("way", WAYS)
def test_no_cause_keeps_the_key(mode: str, way: str, serve: Serve) -> None:
    """The request of httpx2's error, which stays as the cause, is without the key."""
    server = serve(faults.hang_up)

    [outcome] = call_over(mode, server.url, make_own(way, mode), **once())

    assert outcome.error is not None
    causes: list[Any] = list(walk_causes(outcome.error))
    [error] = [cause for cause in causes if type(cause).__module__ == "httpx2"]
    assert "authorization" not in error.request.headers
    assert server.requests[0].header("authorization") == f"Bearer {KEY}"


def test_other_exceptions_go_through() -> None:
    """What a transport raises that is no error of httpx2's arrives as it is."""

    def fail(request: Any) -> Any:
        raise ZeroDivisionError

    own = httpx2.MockTransport(fail)

    with pytest.raises(ZeroDivisionError):
        call_once("sync", "http://a.example", transport=own)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_transport_is_closed_with_the_client(mode: str) -> None:
    """A transport of httpx2's is closed with our client, as one of httpx's is."""
    closed: list[str] = []

    class Own(httpx2.MockTransport):  # type: ignore[misc]  # httpx2 may be missing, so it is Any
        def close(self) -> None:
            closed.append("sync")

        async def aclose(self) -> None:
            closed.append("async")

    def reply(_request: Any) -> Any:
        return httpx2.Response(200, content=BODY)

    own = Own(reply)

    outcome = call_once(mode, "http://a.example", transport=own, async_transport=own)

    assert outcome.kind is SUCCESS
    assert closed == (["sync"] if mode == "sync" else ["async", "sync"])


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("is_kept", [True, False])
def test_reply_that_was_read(mode: str, is_kept: bool) -> None:
    """A hook may read the reply; if it keeps nothing of it, the error says so."""

    def read(response: Any) -> None:
        if is_kept:
            response.read()
        else:
            list(response.iter_raw())

    async def read_async(response: Any) -> None:
        if is_kept:
            await response.aread()
        else:
            [chunk async for chunk in response.aiter_raw()]

    class Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):  # type: ignore[misc]  # as above
        def __iter__(self) -> Iterator[bytes]:
            yield BODY

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield BODY

    def reply(_request: Any) -> Any:
        return httpx2.Response(200, stream=Body())

    transport = httpx2.MockTransport(reply)
    own = (
        {"client": httpx2.Client(transport=transport, event_hooks={"response": [read]})}
        if mode == "sync"
        else {
            "async_client": httpx2.AsyncClient(
                transport=transport, event_hooks={"response": [read_async]}
            )
        }
    )

    [outcome] = call_over(mode, "http://a.example", own, **once())

    assert outcome.kind is (SUCCESS if is_kept else ResponseValidationError)
    assert is_kept or "have it call read()" in str(outcome.error)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_hooks_transport_goes_around_it(mode: str, serve: Serve) -> None:
    """The transport for the generated functions takes httpx2's inside, and retries over it."""
    server = serve(faults.error(503), faults.ok)
    content = b'{"documents": ["first", "second", "third"], "model": "m", "query": "question"}'
    url = f"{server.url}/rerank"

    async def run() -> httpx.Response:
        own = httpx2.AsyncHTTPTransport(verify=TLS)
        hooks = HooksTransport(KEY, server_url=server.url, async_transport=own, retry_config=QUICK)
        async with httpx.AsyncClient(transport=hooks) as client:
            return await client.post(url, content=content)

    if mode == "sync":
        own = httpx2.HTTPTransport(verify=TLS)
        hooks = HooksTransport(KEY, server_url=server.url, transport=own, retry_config=QUICK)
        with httpx.Client(transport=hooks) as client:
            response = client.post(url, content=content)
    else:
        response = anyio.run(run, backend=mode)

    assert response.status_code == 200
    assert [request.body for request in server.requests] == [content] * 2
    assert server.requests[1].header("authorization") == f"Bearer {KEY}"


def test_client_keeps_its_ways(serve: Serve) -> None:
    """Headers, cookies, parameters and hooks of the caller's client are as they are for it."""
    server = serve(faults.ok)
    seen: list[bytes] = []

    def see(request: Any) -> None:
        seen.append(request.content)

    own = httpx2.Client(
        verify=TLS,
        headers={"X-Own": "a"},
        cookies={"c": "d"},
        params={"e": "f"},
        event_hooks={"request": [see]},
    )

    [outcome] = call_over("sync", server.url, {"client": own})

    assert outcome.kind is SUCCESS
    [request] = server.requests
    assert request.target == "/api/v1/rerank?e=f"
    assert (request.header("x-own"), request.header("cookie")) == ("a", "c=d")
    assert seen == [request.body]
