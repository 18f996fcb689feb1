"""Late answers and missing ones, over real sockets and in memory."""

import time

import anyio
import pytest
from local.faults.calls import ONCE, call, call_async
from local.faults.conftest import Open
from openrouter_rerank.errors import (
    DeadlineExceededError,
    OpenRouterError,
    ReadTimeoutError,
)
from openrouter_rerank.local import Faults

SERVER_LOGGERS = ("uvicorn", "asyncio", "openrouter_rerank.local")


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
