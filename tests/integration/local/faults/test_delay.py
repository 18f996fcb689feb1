"""Late answers and missing ones: by trio's mock clock, over real sockets and in memory."""

import anyio
import pytest
from integration.local.faults.calls import ONCE, call, call_async
from integration.local.faults.conftest import Open
from openrouter_rerank.errors import DeadlineExceededError, OpenRouterError, ReadTimeoutError
from openrouter_rerank.local import Faults
from openrouter_rerank.local._faults.connection_cut import Cut, offer_cutter
from openrouter_rerank.local._faults.middleware import FaultMiddleware
from openrouter_rerank.local._replies import reply_json
from starlette.types import Message, Scope
from trio.testing import MockClock

DELAY_SECONDS = 3600
SERVER_LOGGERS = ("uvicorn", "asyncio", "openrouter_rerank.local")


def time_answer(outcome: str) -> list[tuple[str, float]]:
    """Have the middleware answer late; return what it did and after how many seconds."""
    events: list[tuple[str, float]] = []
    upload: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Message:
        if not upload:
            await anyio.sleep_forever()
        return upload.pop()

    async def send(message: Message) -> None:
        events.append((message["type"], anyio.current_time()))

    async def cut(cut: Cut) -> None:
        events.append((cut.name, anyio.current_time()))

    async def answer() -> None:
        scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        offer_cutter(scope, cut)
        app = FaultMiddleware(reply_json(b"{}", 200), Faults(outcome, delay=DELAY_SECONDS))
        started = anyio.current_time()
        await app(scope, receive, send)
        events[:] = [(name, seconds - started) for name, seconds in events]

    # The clock jumps to the next deadline whenever there is nothing else to do.
    anyio.run(answer, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})
    return events


@pytest.mark.parametrize(
    ("outcome", "events"),
    [
        ("ok", ["http.response.start", "http.response.body"]),
        ("503", ["http.response.start", "http.response.body"]),
        ("error-in-200", ["http.response.start", "http.response.body"]),
        ("truncated", ["http.response.start", "http.response.body", "CLOSED"]),
        ("reset", ["RESET"]),
    ],
)
def test_delay_holds_each_outcome_back(outcome: str, events: list[str]) -> None:
    """Neither an answer nor a cut comes before the delay is over, and none comes later."""
    timed = time_answer(outcome)

    assert [event for event, _ in timed] == events
    assert [seconds for _, seconds in timed] == pytest.approx([DELAY_SECONDS] * len(events))


def test_delayed_answer_arrives(open_client: Open) -> None:
    """The normal answer still comes after a delay."""
    with open_client(Faults(delay=0.01)) as open_router:
        count = call(open_router)

    assert count == 2


@pytest.mark.parametrize("outcome", ["503", "error-in-200", "truncated", "reset"])
def test_delayed_fault_arrives(open_client: Open, outcome: str) -> None:
    """Errors and cuts still come after a delay."""
    with (
        open_client(Faults(outcome, delay=0.01)) as open_router,
        pytest.raises(OpenRouterError) as caught,
    ):
        call(open_router, retries=ONCE)

    assert not isinstance(caught.value, ReadTimeoutError)


@pytest.mark.parametrize(
    "faults",
    [
        Faults("hang"),
        Faults(delay=3600),
        Faults("503,reset", delay=3600),
        Faults("error-in-200,truncated", delay=3600),
    ],
)
def test_client_stops_waiting_and_the_server_with_it(
    open_client: Open, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    """A client without a reply times out, and the server drops its request without a log line."""
    with open_client(faults) as open_router:
        for _ in range(2):
            with pytest.raises(ReadTimeoutError):
                call(open_router, retries=ONCE, timeout_ms=200)

    # uvicorn logs an error when a request outlives the grace period. The client logs too.
    assert not [record for record in caplog.records if record.name.startswith(SERVER_LOGGERS)]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_hang_ends_with_the_deadline_of_an_async_call(open_client: Open, backend: str) -> None:
    """An async call without a reply ends with its deadline."""
    with open_client(Faults("hang")) as open_router, pytest.raises(DeadlineExceededError):
        anyio.run(lambda: call_async(open_router, deadline_ms=300), backend=backend)
