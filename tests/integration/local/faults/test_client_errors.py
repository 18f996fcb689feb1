"""How clients see faults, over real sockets and in memory."""

import anyio
import pytest
from integration.local.faults.calls import ONCE, call, call_async
from integration.local.faults.conftest import Open
from openrouter_rerank.errors import (
    BadGatewayResponseError,
    DisconnectedError,
    EdgeNetworkTimeoutResponseError,
    NotFoundResponseError,
    OpenRouterDefaultError,
    OpenRouterError,
    ProviderOverloadedResponseError,
    ServiceUnavailableResponseError,
    TooManyRequestsResponseError,
    UnauthorizedResponseError,
)
from openrouter_rerank.local import Faults
from openrouter_rerank.utils import BackoffStrategy, RetryConfig

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


@pytest.mark.parametrize(("outcome", "error", "status"), ERRORS)
def test_outcome_is_a_typed_error(
    open_client: Open, outcome: str | int, error: type[OpenRouterError], status: int | None
) -> None:
    """Each outcome is the client's own error for it, and the next request succeeds."""
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
    """An async call raises the same as a sync one."""
    with open_client(Faults([outcome])) as open_router, pytest.raises(error) as caught:
        anyio.run(lambda: call_async(open_router, retries=ONCE))

    assert type(caught.value) is error
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    "script", ["429,503,ok", "truncated,error-in-200,ok", "html,529,ok", "reset,408,ok"]
)
def test_client_recovers_by_its_retries(open_client: Open, script: str) -> None:
    """A client that tries three times gets over two failures."""
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
    """The call ends at once if it would have to wait longer than the policy allows."""
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
