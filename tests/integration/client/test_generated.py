"""The hooks as a transport under the generated functions, sync and async."""

from typing import Any

import anyio
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, DOCUMENTS, KEY, MODES, ONCE, QUICK
from integration.client.conftest import Serve
from integration.client.fault_server import Fault
from openrouter_rerank import HooksTransport
from openrouter_rerank.errors import (
    DeadlineExceededError,
    EdgeNetworkTimeoutResponseError,
    OpenRouterDefaultError,
    OpenRouterError,
    ProviderOverloadedResponseError,
    ResponseValidationError,
    TooManyRequestsResponseError,
)
from openrouter_rerank_api import AuthenticatedClient
from openrouter_rerank_api.api.rerank import create_rerank
from openrouter_rerank_api.models import CreateRerankRequestBody, CreateRerankResponseBody
from openrouter_rerank_api.types import Response

BEARER = f"Bearer {KEY}"
BODY = CreateRerankRequestBody(documents=[*DOCUMENTS], model="m", query="question")


def make_client(
    server_url: str, base_url: str | None = None, **settings: Any
) -> AuthenticatedClient:
    """Make a generated client whose transport is ours."""
    arguments: dict[str, Any] = {"retry_config": QUICK, "deadline_ms": 20_000, **settings}
    transport = HooksTransport(KEY, server_url=server_url, **arguments)
    return AuthenticatedClient(
        base_url=base_url or server_url,
        token="unused",
        follow_redirects=True,
        httpx_args={"transport": transport, "trust_env": False},
    )


def call(mode: str, client: AuthenticatedClient) -> Response[Any]:
    """Call the generated function and close the client."""
    if mode == "sync":
        with client:
            return create_rerank.sync_detailed(client=client, body=BODY)

    async def run() -> Response[Any]:
        async with client:
            return await create_rerank.asyncio_detailed(client=client, body=BODY)

    return anyio.run(run, backend=mode)


def fail(mode: str, client: AuthenticatedClient) -> OpenRouterError:
    """Call the generated function and return the error."""
    with pytest.raises(OpenRouterError) as caught:
        call(mode, client)
    return caught.value


@pytest.mark.parametrize("mode", ALL_MODES)
def test_success_is_decoded(mode: str, serve: Serve) -> None:
    """The reply comes back as the generated model, and the request carries the real key."""
    server = serve(faults.ok)

    response = call(mode, make_client(server.url))

    assert isinstance(response.parsed, CreateRerankResponseBody)
    assert response.parsed.id == "question"
    assert server.requests[0].header("authorization") == BEARER
    assert server.requests[0].header("accept-encoding") == "gzip"
    assert server.wait_for_open(0)


@pytest.mark.parametrize("mode", MODES)
def test_key_goes_to_one_origin(mode: str, serve: Serve) -> None:
    """A request to another origin carries what the generated client set, never the key."""
    other = serve(faults.ok)
    server = serve(faults.ok)

    response = call(mode, make_client(server.url, base_url=other.url))

    assert response.status_code == 200
    assert server.opened == 0
    assert KEY not in repr(other.requests)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [429, 503, 529])
def test_error_is_retried(mode: str, status: int, serve: Serve) -> None:
    """What the policy retries is retried below the generated function."""
    server = serve(faults.error(status), faults.page(status), faults.ok)

    response = call(mode, make_client(server.url))

    assert response.status_code == 200
    assert [request.body for request in server.requests] == [server.requests[0].body] * 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [
        pytest.param(faults.error(529), ProviderOverloadedResponseError, 3, id="529"),
        pytest.param(faults.page(524), EdgeNetworkTimeoutResponseError, 3, id="HTML 524"),
        pytest.param(faults.empty(200), ResponseValidationError, 1, id="empty 200"),
        pytest.param(faults.page(200), ResponseValidationError, 1, id="HTML 200"),
        pytest.param(faults.reply(200, b"[]"), ResponseValidationError, 1, id="array 200"),
        pytest.param(
            faults.json_reply(200, {"error": {"code": "429"}}),
            TooManyRequestsResponseError,
            3,
            id="200 with error",
        ),
        pytest.param(faults.reply(200, b" " * 2000), ResponseValidationError, 1, id="too large"),
        pytest.param(
            faults.encoded(faults.make_bomb(1), "gzip"), ResponseValidationError, 1, id="gzip bomb"
        ),
    ],
)
def test_error_is_typed(
    mode: str, fault: Fault, kind: type[OpenRouterError], requests: int, serve: Serve
) -> None:
    """An error is raised as the public client raises it, never as a model or a crash."""
    server = serve(fault)

    error = fail(mode, make_client(server.url, max_response_bytes=1500))

    assert type(error) is kind
    assert len(server.requests) == requests
    assert server.wait_for_open(0)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_deadline_holds(mode: str, serve: Serve) -> None:
    """A reply that trickles is stopped by the deadline."""
    server = serve(faults.trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", 0.2))

    error = fail(mode, make_client(server.url, deadline_ms=700))

    assert type(error) is DeadlineExceededError
    assert server.wait_for_open(0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_never_takes_the_key_elsewhere(mode: str, status: int, serve: Serve) -> None:
    """When httpx follows redirects, another origin is still never asked."""
    other = serve(faults.ok)
    server = serve(faults.redirect(status, f"{other.url}/rerank"))

    error = fail(mode, make_client(server.url))

    assert (type(error), error.status_code) == (OpenRouterDefaultError, status)
    assert other.opened == 0


@pytest.mark.parametrize("mode", MODES)
def test_redirect_never_becomes_a_get(mode: str, serve: Serve) -> None:
    """When httpx follows redirects, a 303 to the same origin is still an error."""
    server = serve(faults.redirect(303, "/elsewhere"), faults.ok)

    error = fail(mode, make_client(server.url))

    assert (type(error), error.status_code) == (OpenRouterDefaultError, 303)
    assert len(server.requests) == 1


@pytest.mark.parametrize("mode", MODES)
def test_hooks_survive_more_headers(mode: str, serve: Serve) -> None:
    """A copy of the client with other headers keeps key and retries."""
    server = serve(faults.page(503), faults.ok)

    response = call(mode, make_client(server.url).with_headers({"X-Extra": "a"}))

    assert response.status_code == 200
    assert [request.header("x-extra") for request in server.requests] == ["a", "a"]
    assert {request.header("authorization") for request in server.requests} == {BEARER}


@pytest.mark.parametrize("mode", MODES)
def test_retries_can_be_switched_off(mode: str, serve: Serve) -> None:
    """Without retries one request is sent."""
    server = serve(faults.error(529))

    error = fail(mode, make_client(server.url, retry_config=ONCE))

    assert error.attempts == len(server.requests) == 1
