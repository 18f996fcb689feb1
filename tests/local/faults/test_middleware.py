"""Failing on demand: what clients see, over real sockets and in memory."""

import json
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from importlib import resources
from typing import Any, TypeAlias

import anyio
import httpx
import pytest
from openrouter_rerank import OpenRouter
from openrouter_rerank.errors import (
    BadGatewayResponseError,
    DeadlineExceededError,
    DisconnectedError,
    EdgeNetworkTimeoutResponseError,
    NotFoundResponseError,
    OpenRouterDefaultError,
    OpenRouterError,
    ProviderOverloadedResponseError,
    ReadTimeoutError,
    ServiceUnavailableResponseError,
    TooManyRequestsResponseError,
    UnauthorizedResponseError,
)
from openrouter_rerank.local import Faults, MiniLMRanker, client, create_app, running
from openrouter_rerank.utils import BackoffStrategy, RetryConfig

SERVER_LOGGERS = ("uvicorn", "asyncio", "openrouter_rerank.local")
BODY: dict[str, Any] = {"model": "m", "query": "q", "documents": ["a", "b"]}
ONCE = RetryConfig("none", None, retry_connection_errors=False)
QUICK = BackoffStrategy(1, 1, 1, 10_000)
ERRORS: list[tuple[str | int, type[OpenRouterError], int | None]] = [
    (401, UnauthorizedResponseError, 401),
    (404, NotFoundResponseError, 404),
    (418, OpenRouterDefaultError, 418),
    (429, TooManyRequestsResponseError, 429),
    (503, ServiceUnavailableResponseError, 503),
    (524, EdgeNetworkTimeoutResponseError, 524),
    ("html", EdgeNetworkTimeoutResponseError, 524),
    (529, ProviderOverloadedResponseError, 529),
    ("error-in-200", BadGatewayResponseError, 502),
    ("truncated", DisconnectedError, None),
    ("reset", DisconnectedError, None),
]

Open: TypeAlias = Callable[[Faults], AbstractContextManager[OpenRouter]]


def read_examples() -> dict[int, Any]:
    """Return the contract's example of each error that it declares."""
    file = resources.files("openrouter_rerank_api").joinpath("openapi.json")
    responses = json.loads(file.read_text(encoding="utf-8"))["paths"]["/rerank"]["post"][
        "responses"
    ]
    return {
        int(status): response["content"]["application/json"]["example"]
        for status, response in responses.items()
        if int(status) >= 400
    }


EXAMPLES = read_examples()


@pytest.fixture(params=["sockets", "memory"])
def open_client(request: pytest.FixtureRequest, ranker: MiniLMRanker) -> Open:
    """Give a function that makes a client of a server with faults, or of one in memory."""

    @contextmanager
    def connect(faults: Faults) -> Generator[OpenRouter]:
        if request.param == "memory":
            with client(ranker=ranker, faults=faults) as open_router:
                yield open_router
            return
        with running(ranker, faults=faults) as url, OpenRouter(server_url=url) as open_router:
            yield open_router

    return connect


def call(open_router: OpenRouter, **options: Any) -> int:
    """Rerank, and return how many results there are."""
    return len(open_router.rerank.rerank(**{**BODY, **options}).results)


async def call_async(open_router: OpenRouter, **options: Any) -> int:
    """Rerank in an event loop, and close what belongs to it."""
    async with open_router:
        reply = await open_router.rerank.rerank_async(**{**BODY, **options})
    return len(reply.results)


def prefer(http: httpx.Client, *values: str) -> httpx.Response:
    """Send a request with `Prefer`."""
    return http.post("rerank", json=BODY, headers=[("Prefer", value) for value in values])


@pytest.mark.parametrize("status", sorted(EXAMPLES.keys() - {524}))
def test_declared_error_is_the_contracts_example(http: httpx.Client, status: int) -> None:
    """`Prefer: code=...` gets the status, and its example for a body."""
    reply = prefer(http, f"code={status}")

    assert (reply.status_code, reply.json()) == (status, EXAMPLES[status])
    assert reply.headers["Preference-Applied"] == f"code={status}"
    assert reply.headers["X-Generation-Id"].startswith("gen-rerank-")
    assert ("Retry-After" in reply.headers) is (status in {429, 503})


@pytest.mark.parametrize("status", [418, 499, 530, 599])
def test_undeclared_error_has_the_contracts_shape(http: httpx.Client, status: int) -> None:
    """Any other error gets its status as code, and a message."""
    reply = prefer(http, f"code={status}")

    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, status)
    assert error["message"]


@pytest.mark.parametrize("status", range(520, 527))
def test_cloudflares_errors_are_pages(http: httpx.Client, status: int) -> None:
    """From 520 to 526 the body is an HTML page."""
    reply = prefer(http, f"code={status}")

    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "value", ["code=200", "code=204", "code=302", "code=600", "code=x", "code", "wait=429", ""]
)
def test_preference_that_is_no_error_is_ignored(http: httpx.Client, value: str) -> None:
    """200 and what cannot be had get the normal answer (RFC 7240, section 2)."""
    reply = prefer(http, value)

    assert (reply.status_code, len(reply.json()["results"])) == (200, 2)
    assert "Preference-Applied" not in reply.headers


def test_preference_does_not_open_the_server(ranker: MiniLMRanker) -> None:
    """A request for another host, path or method gets what it would get without `Prefer`."""
    headers = {"Prefer": "code=429"}

    with running(ranker) as url, httpx.Client(trust_env=False) as http:
        host = http.post(f"{url}/rerank", headers={**headers, "Host": "example.com"}, json=BODY)
        path = http.post(f"{url}/other", headers=headers, json=BODY)
        method = http.get(f"{url}/rerank", headers=headers)

    assert [reply.status_code for reply in (host, path, method)] == [421, 404, 405]


def test_only_rerank_requests_take_outcomes(ranker: MiniLMRanker) -> None:
    """Other paths and methods, and requests with a wish of their own, leave the script alone."""
    with running(ranker, faults=Faults("429,503")) as url, httpx.Client(trust_env=False) as http:
        http.post(f"{url}/other", json=BODY)
        http.get(f"{url}/rerank")
        wished = http.post(f"{url}/rerank", json=BODY, headers={"Prefer": "code=200"})
        statuses = [http.post(f"{url}/rerank", json=BODY).status_code for _ in range(3)]

    assert wished.status_code == 200
    assert statuses == [429, 503, 429]


def test_fault_goes_before_the_key(ranker: MiniLMRanker) -> None:
    """A request without the key takes its outcome, and is refused when that is the normal one."""
    with running(ranker, api_key="k", faults=Faults("503,ok")) as url:
        statuses = [httpx.post(f"{url}/rerank", json=BODY).status_code for _ in range(2)]

    assert statuses == [503, 401]


@pytest.mark.parametrize(("retry_after", "expected"), [(None, "2"), (0, "0"), (7, "7")])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_as_asked_for(
    ranker: MiniLMRanker, status: int, retry_after: int | None, expected: str
) -> None:
    """`Retry-After` has the given seconds, else the contract's example."""
    with running(ranker, faults=Faults([status], retry_after=retry_after)) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == status
    assert reply.headers["Retry-After"] == expected
    assert "retry-after-ms" not in reply.headers


@pytest.mark.parametrize(("outcome", "error", "status"), ERRORS)
def test_outcome_is_a_typed_error(
    open_client: Open, outcome: str | int, error: type[OpenRouterError], status: int | None
) -> None:
    """Each outcome is the error that the client has for it, and the next request goes well."""
    with open_client(Faults([outcome, "ok"])) as open_router:
        with pytest.raises(error) as caught:
            call(open_router, retries=ONCE)
        count = call(open_router, retries=ONCE)

    assert type(caught.value) is error
    assert (caught.value.status_code, count) == (status, 2)


@pytest.mark.parametrize(("outcome", "error", "status"), ERRORS)
def test_outcome_is_a_typed_error_of_an_async_call(
    open_client: Open, outcome: str | int, error: type[OpenRouterError], status: int | None
) -> None:
    """An async call sees what a sync one does."""
    with open_client(Faults([outcome])) as open_router, pytest.raises(error) as caught:
        anyio.run(lambda: call_async(open_router, retries=ONCE))

    assert type(caught.value) is error
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    "script", ["429,503,ok", "truncated,error-in-200,ok", "html,529,ok", "reset,408,ok"]
)
def test_client_recovers_by_its_retries(open_client: Open, script: str) -> None:
    """Two failures and a success are a success to a client that tries three times."""
    with open_client(Faults(script, retry_after=0)) as open_router:
        count = call(open_router, retries=RetryConfig("backoff", QUICK, True))

    assert count == 2


def test_client_gives_up_after_its_attempts(open_client: Open) -> None:
    """The last failure is the error, with the number of attempts."""
    retries = RetryConfig("backoff", QUICK, True, max_attempts=2)

    with (
        open_client(Faults("429,503,ok", retry_after=0)) as open_router,
        pytest.raises(ServiceUnavailableResponseError) as caught,
    ):
        call(open_router, retries=retries)

    assert (caught.value.attempts, caught.value.retry_after) == (2, 0)


def test_client_does_not_wait_for_an_hour(open_client: Open) -> None:
    """A wait that is longer than the policy allows ends the call at once."""
    with (
        open_client(Faults("429,ok", retry_after=3600)) as open_router,
        pytest.raises(TooManyRequestsResponseError) as caught,
    ):
        call(open_router)

    assert (caught.value.attempts, caught.value.retry_after) == (1, 3600)


def test_call_may_ask_for_its_own_error(open_client: Open) -> None:
    """`http_headers` of a call carries the preference to the server."""
    with open_client(Faults()) as open_router:
        with pytest.raises(TooManyRequestsResponseError):
            call(open_router, http_headers={"Prefer": "code=429"}, retries=ONCE)
        count = call(open_router)

    assert count == 2


def test_delay_holds_the_normal_answer_back(open_client: Open) -> None:
    """An answer comes no sooner than the delay is over."""
    with open_client(Faults(delay=0.3)) as open_router:
        started = time.monotonic()
        call(open_router)
        elapsed = time.monotonic() - started

    assert elapsed >= 0.3


@pytest.mark.parametrize("outcome", ["503", "error-in-200", "truncated", "reset"])
def test_delay_holds_each_fault_back(open_client: Open, outcome: str) -> None:
    """Neither an error nor a cut comes sooner than the delay is over."""
    with open_client(Faults(outcome, delay=0.3)) as open_router:
        started = time.monotonic()
        with pytest.raises(OpenRouterError):
            call(open_router, retries=ONCE)
        elapsed = time.monotonic() - started

    assert elapsed >= 0.3


@pytest.mark.parametrize(
    "faults", [Faults("hang"), Faults(delay=3600), Faults("503,reset", delay=3600)]
)
def test_client_stops_waiting_and_the_server_with_it(
    open_client: Open, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that hears nothing times out, and the server lets go of its request in silence."""
    with open_client(faults) as open_router:
        for _ in range(2):
            with pytest.raises(ReadTimeoutError):
                call(open_router, retries=ONCE, timeout_ms=200)
        left = time.monotonic()

    # A request that is still open would hold up the server's end for 4 seconds.
    assert time.monotonic() - left < 3
    # The client's own lines aside, nobody has anything to complain of.
    assert not [record for record in caplog.records if record.name.startswith(SERVER_LOGGERS)]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_hang_ends_with_the_deadline_of_an_async_call(open_client: Open, backend: str) -> None:
    """An async call that hears nothing ends with its deadline."""
    with open_client(Faults("hang")) as open_router, pytest.raises(DeadlineExceededError):
        anyio.run(lambda: call_async(open_router, deadline_ms=300), backend=backend)


def test_seed_drops_the_same_requests(ranker: MiniLMRanker) -> None:
    """Two servers with one seed reset the same requests."""

    def find_drops() -> list[bool]:
        drops: list[bool] = []
        with running(ranker, faults=Faults(drop=0.5, seed=1)) as url:
            for _ in range(12):
                try:
                    httpx.post(f"{url}/rerank", json=BODY)
                except httpx.ReadError:
                    drops.append(True)
                else:
                    drops.append(False)
        return drops

    first, again = find_drops(), find_drops()

    assert first == again
    assert set(first) == {True, False}


@pytest.mark.parametrize("outcome", ["reset", "truncated"])
def test_other_server_says_that_it_cannot_cut(ranker: MiniLMRanker, outcome: str) -> None:
    """Where connections cannot be cut, the reply is a 500 that says so."""
    transport = httpx.ASGITransport(create_app(ranker, faults=Faults(outcome)))

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as http:
            return await http.post("http://localhost/api/v1/rerank", json=BODY)

    reply = anyio.run(post)

    assert reply.status_code == 500
    assert reply.json()["error"]["message"] == "this ASGI server cannot cut a connection"
