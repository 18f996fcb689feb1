"""A caller's own clients, of httpx or httpx2: used as they are, and never closed by us."""

import importlib
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from integration.client import faults
from integration.client.calling import (
    ALL_MODES,
    KEY,
    MODES,
    ONCE,
    QUICK,
    TLS,
    Outcome,
    observe,
    observe_async,
)
from integration.client.conftest import Serve
from integration.client.fault_server import Fault
from integration.client.fault_tables.row import SUCCESS
from openrouter_rerank import OpenRouter
from openrouter_rerank.errors import (
    ClientClosedError,
    DeadlineExceededError,
    EdgeNetworkTimeoutResponseError,
    OpenRouterDefaultError,
    OpenRouterError,
    ProviderOverloadedResponseError,
    ReadTimeoutError,
    ResponseValidationError,
    TooManyRequestsResponseError,
)

BEARER = f"Bearer {KEY}"
Hook = Callable[[Any], None]
NO_HOOKS: dict[str, list[Hook]] = {}


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    """Give the library that the client is of."""
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return importlib.import_module(request.param)


def call_over_own(
    library: Any,
    mode: str,
    server_url: str,
    own: dict[str, Any] | None = None,
    hooks: dict[str, list[Hook]] = NO_HOOKS,
    times: int = 1,
    **settings: Any,
) -> tuple[Outcome, bool]:
    """
    Call over a client of the caller's own.

    Returns:
        How the last call ended, and whether the own client was closed after ours was.
    """
    arguments: dict[str, Any] = {"retry_config": QUICK, "deadline_ms": 20_000, **settings}
    taken: dict[str, Any] = {"trust_env": False, "verify": TLS, **(own or {})}
    if mode == "sync":
        with library.Client(event_hooks=hooks, **taken) as http:
            with OpenRouter(KEY, server_url=server_url, client=http, **arguments) as client:
                outcomes = [observe(client, "question") for _ in range(times)]
            return outcomes[-1], http.is_closed

    def adapt(hook: Hook) -> Callable[[Any], Any]:
        async def run_hook(subject: Any) -> None:
            if isinstance(subject, library.Response) and getattr(hook, "reads", False):
                await subject.aread()
            hook(subject)

        return run_hook

    async def run() -> tuple[Outcome, bool]:
        adapted = {name: [adapt(hook) for hook in found] for name, found in hooks.items()}
        async with library.AsyncClient(event_hooks=adapted, **taken) as http:
            async with OpenRouter(
                KEY, server_url=server_url, async_client=http, **arguments
            ) as client:
                outcomes = [await observe_async(client, "question") for _ in range(times)]
            return outcomes[-1], http.is_closed

    return anyio.run(run, backend=mode)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_own_client_is_used_and_left_open(library: Any, mode: str, serve: Serve) -> None:
    """Its headers and event hooks are kept, the key is ours, and it stays open."""
    server = serve(faults.ok)
    seen: list[str] = []
    hooks: dict[str, list[Hook]] = {
        "request": [lambda request: seen.append(request.url.path)],
        "response": [lambda response: seen.append(str(response.status_code))],
    }

    outcome, is_closed = call_over_own(
        library, mode, server.url, {"headers": {"X-Own": "a"}, "auth": ("user", "password")}, hooks
    )

    assert (outcome.kind, is_closed) == (SUCCESS, False)
    assert seen == ["/api/v1/rerank", "200"]
    assert server.requests[0].header("x-own") == "a"
    assert server.requests[0].header("authorization") == BEARER


@pytest.mark.parametrize("mode", ALL_MODES)
def test_own_hook_sets_any_header(library: Any, mode: str, serve: Serve) -> None:
    """An own hook can set a header beyond ASCII before any attempt."""
    server = serve(faults.page(503), faults.ok)

    def add(request: Any) -> None:
        request.headers["X-Note"] = "café"

    outcome, _ = call_over_own(library, mode, server.url, hooks={"request": [add]})

    assert outcome.kind is SUCCESS, repr(outcome.error)
    sent = "café".encode().decode("latin-1")
    assert [request.header("x-note") for request in server.requests] == [sent, sent]


@pytest.mark.parametrize("mode", MODES)
def test_own_proxy_is_kept(library: Any, mode: str, serve: Serve) -> None:
    """A request goes through the proxy that the own client was given."""
    proxy = serve(faults.ok)

    outcome, _ = call_over_own(
        library, mode, "http://rerank.invalid/api/v1", {"proxy": proxy.origin}
    )

    assert outcome.kind is SUCCESS
    assert proxy.requests[0].target == "http://rerank.invalid/api/v1/rerank"


@pytest.mark.parametrize("mode", MODES)
def test_own_certificates_are_kept(
    library: Any, mode: str, serve: Serve, server_tls: Any, client_tls: Any
) -> None:
    """A server is trusted that the own client trusts."""
    server = serve(faults.ok, tls=server_tls)

    outcome, _ = call_over_own(library, mode, server.url, {"verify": client_tls})

    assert outcome.kind is SUCCESS


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [
        pytest.param(faults.error(529), ProviderOverloadedResponseError, 3, id="529"),
        pytest.param(faults.page(524), EdgeNetworkTimeoutResponseError, 3, id="HTML 524"),
        pytest.param(faults.empty(200), ResponseValidationError, 1, id="empty 200"),
        pytest.param(faults.page(200), ResponseValidationError, 1, id="HTML 200"),
        pytest.param(
            faults.json_reply(200, {"error": {"code": 429}}),
            TooManyRequestsResponseError,
            3,
            id="200 with error",
        ),
        pytest.param(
            faults.raw(faults.make_head(200, {"Content-Length": "9999"})),
            ResponseValidationError,
            1,
            id="too large",
        ),
    ],
)
def test_error_is_typed(
    library: Any, mode: str, fault: Fault, kind: type[OpenRouterError], requests: int, serve: Serve
) -> None:
    """Retries and errors are those of our own connections."""
    server = serve(fault)

    outcome, _ = call_over_own(library, mode, server.url, max_response_bytes=1500)

    assert outcome.kind is kind
    assert len(server.requests) == requests
    assert server.wait_for_open(0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("has_read", [False, True])
def test_hook_that_raises_for_a_status_is_mapped(
    library: Any, mode: str, status: int, has_read: bool, serve: Serve
) -> None:
    """A hook's `raise_for_status()` ends in the status's own error, after the retries."""
    server = serve(faults.error(status))
    hook = RaisesForStatus(reads=has_read)

    outcome, _ = call_over_own(library, mode, server.url, hooks={"response": [hook]})

    assert outcome.status == status
    assert len(server.requests) == 3


class RaisesForStatus:
    """An event hook of httpx that raises, and may read the reply before."""

    def __init__(self, *, reads: bool) -> None:
        self.reads = reads

    def __call__(self, response: Any) -> None:
        """Read, then raise."""
        if self.reads and not response.is_stream_consumed:
            response.read()
        response.raise_for_status()


@pytest.mark.parametrize("mode", MODES)
def test_reply_that_a_hook_has_read_is_read_again(library: Any, mode: str, serve: Serve) -> None:
    """A hook may read the reply; the answer comes out all the same."""
    server = serve(faults.ok)

    outcome, _ = call_over_own(
        library, mode, server.url, hooks={"response": [RaisesForStatus(reads=True)]}
    )

    assert outcome.kind is SUCCESS


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_never_takes_the_key_elsewhere(
    library: Any, mode: str, status: int, serve: Serve
) -> None:
    """An own client that follows redirects does not follow this one."""
    other = serve(faults.ok)
    server = serve(faults.redirect(status, f"{other.url}/rerank"))

    outcome, _ = call_over_own(library, mode, server.url, {"follow_redirects": True})

    assert (outcome.kind, outcome.status) == (OpenRouterDefaultError, status)
    assert other.opened == 0


@pytest.mark.parametrize("mode", MODES)
def test_same_origin_is_followed(library: Any, mode: str, serve: Serve) -> None:
    """A 307 to the same origin is followed with the key."""
    server = serve(faults.redirect(307, "/elsewhere"), faults.ok)

    outcome, _ = call_over_own(library, mode, server.url)

    assert outcome.kind is SUCCESS
    assert server.requests[1].header("authorization") == BEARER


@pytest.mark.parametrize("mode", MODES)
def test_stale_connection_is_forgiven(library: Any, mode: str, serve: Serve) -> None:
    """An own client's connection that was closed meanwhile costs no attempt."""
    server = serve(faults.ok, faults.hang_up, faults.ok)

    outcome, _ = call_over_own(library, mode, server.url, times=2, retry_config=ONCE)

    assert outcome.kind is SUCCESS
    assert len(server.requests) == 3


@pytest.mark.parametrize("mode", MODES)
def test_own_timeout_is_used(library: Any, mode: str, serve: Serve) -> None:
    """The own client's timeout holds where none of ours is set."""
    server = serve(faults.stall)

    outcome, _ = call_over_own(library, mode, server.url, {"timeout": 0.2})

    assert outcome.kind is ReadTimeoutError


@pytest.mark.parametrize("mode", MODES)
def test_our_timeout_wins(library: Any, mode: str, serve: Serve) -> None:
    """A timeout that is set on our client goes before the own client's."""
    server = serve(faults.stall)

    outcome, _ = call_over_own(library, mode, server.url, {"timeout": 30}, timeout=0.2)

    assert outcome.kind is ReadTimeoutError


@pytest.mark.parametrize("mode", ALL_MODES)
def test_deadline_ends_silence(library: Any, mode: str, serve: Serve) -> None:
    """A server that says nothing is given up at the deadline, in sync code too."""
    server = serve(faults.stall)

    outcome, _ = call_over_own(library, mode, server.url, {"timeout": None}, deadline_ms=250)

    assert outcome.kind is DeadlineExceededError


@pytest.mark.parametrize("mode", ["asyncio", "trio"])
def test_deadline_ends_slow_headers(library: Any, mode: str, serve: Serve) -> None:
    """In async code the deadline holds inside a read of the own client."""
    server = serve(faults.trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", 0.05))

    outcome, _ = call_over_own(library, mode, server.url, deadline_ms=250)

    assert outcome.kind is DeadlineExceededError


@pytest.mark.parametrize("mode", MODES)
def test_closed_own_client_is_refused(library: Any, mode: str, serve: Serve) -> None:
    """A call over a client that was closed before is an error of ours, and sends nothing."""
    server = serve(faults.ok)

    outcome = call_over_closed(library, mode, server.url)

    assert outcome.kind is ClientClosedError
    assert server.opened == 0


def call_over_closed(library: Any, mode: str, server_url: str) -> Outcome:
    """Call over an own client that is closed already."""
    if mode == "sync":
        http = library.Client(trust_env=False)
        http.close()
        with OpenRouter(KEY, server_url=server_url, client=http) as client:
            return observe(client, "question")

    async def run() -> Outcome:
        http = library.AsyncClient(trust_env=False)
        await http.aclose()
        async with OpenRouter(KEY, server_url=server_url, async_client=http) as client:
            return await observe_async(client, "question")

    return anyio.run(run, backend=mode)
