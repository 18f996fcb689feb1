"""The loop of attempts, sync and async, with a clock and a server that only pretend."""

import gzip
import traceback

import anyio
import httpcore
import httpx
import pytest
from fake_server import (
    ANSWERED,
    ONCE,
    OPENED,
    POLICY,
    SECRET,
    SENT,
    STALE,
    FakeServer,
    Outcome,
    begin,
    make_request,
    make_settings,
    run_both,
    run_to_error,
    run_to_reply,
)
from openrouter_rerank import RetryEvent
from openrouter_rerank._call.call import Call
from openrouter_rerank._call.clock import SYSTEM_CLOCK
from openrouter_rerank._call.sender import Sender
from openrouter_rerank._call.state import MAX_STALE_CONNECTIONS
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._network.auth import BearerAuth
from openrouter_rerank._network.pool_registry import PoolRegistry
from openrouter_rerank._policy.retry_config import RetryConfig
from openrouter_rerank.errors import (
    DeadlineExceededError,
    DisconnectedError,
    OpenRouterDefaultError,
    ResponseValidationError,
    ServiceUnavailableResponseError,
    TooManyRequestsResponseError,
)

REQUEST = httpcore.Request("POST", "http://h/")


def disconnect(*events: str) -> Outcome:
    """Make the outcome of a connection that breaks."""
    return Outcome(error=httpx.ReadError("reset"), events=events)


def test_success_ends_the_loop() -> None:
    """A success at once needs one attempt and no wait."""
    reply, server = run_to_reply(Outcome(seconds=2.0))

    assert (reply.body, reply.attempts, reply.waited) == ({"model": "m", "results": []}, 1, 0)
    assert reply.response.elapsed.total_seconds() == 2
    assert server.requests[0].headers["Authorization"] == "Bearer sk-or-secret"


def test_attempts_and_waits_are_counted() -> None:
    """A success after errors knows what it took."""
    reply, server = run_to_reply(Outcome(503), Outcome(429, {"Retry-After": "7"}), Outcome())

    assert (reply.attempts, reply.waited, server.slept) == (3, 7.5, [0.5, 7.0])


def test_last_error_is_raised_with_its_attempts() -> None:
    """The policy's last attempt ends in its own error."""
    error, server = run_to_error(Outcome(503), Outcome(503), Outcome(429))

    assert isinstance(error, TooManyRequestsResponseError)
    assert (error.attempts, server.slept) == (3, [0.5, 0.75])


def test_error_inside_a_200_is_retried_as_its_status() -> None:
    """A 429 that comes as a 200 is tried again."""
    busy = Outcome(content=b'{"error": {"code": 429, "message": "busy"}}')

    reply, _ = run_to_reply(busy, Outcome())

    assert reply.attempts == 2


@pytest.mark.parametrize(
    "outcome", [Outcome(400), Outcome(401), Outcome(402), Outcome(content=b"<html>"), Outcome(204)]
)
def test_lasting_error_ends_the_loop(outcome: Outcome) -> None:
    """What another try does not fix is raised after the first."""
    error, server = run_to_error(outcome, Outcome())

    assert (error.attempts, server.slept) == (1, [])


def test_long_wait_fails_at_once() -> None:
    """A wait that is longer than allowed is on the error, not slept."""
    error, server = run_to_error(Outcome(429, {"Retry-After": "7200"}), Outcome())

    assert isinstance(error, TooManyRequestsResponseError)
    assert (error.retry_after, error.attempts, server.slept) == (7200, 1, [])


@pytest.mark.parametrize(("deadline", "attempts"), [(4.0, 1), (5.0, 1), (5.1, 2), (None, 2)])
def test_no_wait_reaches_the_deadline(deadline: float | None, attempts: int) -> None:
    """A wait that leaves no time for an attempt is not begun; the reply's own error is raised."""
    settings = make_settings(deadline=deadline)

    error, server = run_to_error(
        Outcome(503, {"Retry-After": "5"}), Outcome(400), settings=settings
    )

    assert (error.status_code, error.attempts) == (503 if attempts == 1 else 400, attempts)
    assert len(server.slept) == attempts - 1


@pytest.mark.parametrize("policy", [POLICY, ONCE])
def test_deadline_bounds_the_attempt_in_flight(policy: RetryConfig) -> None:
    """An attempt is cut at the deadline, also when retries are off."""
    error, server = run_to_error(Outcome(seconds=99), settings=make_settings(policy, deadline=10.0))

    assert isinstance(error, DeadlineExceededError)
    assert str(error) == "no reply within the deadline of 10 s"
    assert isinstance(error.__cause__, httpx.ReadTimeout)
    assert (server.time, error.attempts) == (1010, 1)


def test_timeouts_are_cut_to_the_time_left() -> None:
    """Each attempt gets the caller's timeouts or what is left, whichever is shorter."""
    outcomes = (Outcome(503, {"Retry-After": "30"}, seconds=10), Outcome())

    _, server = run_both(*outcomes, settings=make_settings(deadline=90.0), read=None)

    assert [timeout["read"] for timeout in server.timeouts] == [90, 50]
    assert [timeout["connect"] for timeout in server.timeouts] == [60, 50]


def test_timeouts_stay_without_a_deadline() -> None:
    """None left to cut to is none cut."""
    _, server = run_both(Outcome(), settings=make_settings(deadline=None))

    assert server.timeouts == [httpx.Timeout(60.0).as_dict()]


def test_no_attempt_begins_after_the_deadline() -> None:
    """A clock that jumps past the deadline during a wait leaves no time to send."""
    settings = make_settings(deadline=10.0)
    server = FakeServer([Outcome(503), Outcome()])

    def jump(seconds: float) -> None:
        server.sleep(100)

    server.clock = server.clock._replace(sleep=jump)

    with pytest.raises(DeadlineExceededError):
        begin(server, settings).run()

    assert len(server.requests) == 1


@pytest.mark.anyio
async def test_deadline_ends_a_hanging_attempt() -> None:
    """On async a request that never ends is cancelled at the deadline, on a real clock."""

    class HangingServer(FakeServer):
        async def send_async(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            await anyio.sleep_forever()
            raise AssertionError

    with pytest.raises(DeadlineExceededError) as caught:
        await begin(HangingServer(), make_settings(deadline=0.02)).run_async()

    assert caught.value.attempts == 1


def test_stale_connection_is_replaced_at_once() -> None:
    """An old connection that gives no byte is no attempt, and costs no wait."""
    stale = disconnect(*STALE)

    reply, server = run_to_reply(stale, Outcome(), settings=make_settings(ONCE))

    assert (reply.attempts, server.slept) == (1, [])


def test_stale_connections_cost_no_attempt() -> None:
    """Each of several dead connections is replaced, with no wait and no attempt."""
    reply, server = run_to_reply(
        *[disconnect(*STALE)] * 20, Outcome(), settings=make_settings(ONCE)
    )

    assert (reply.attempts, server.slept) == (1, [])


def test_stale_connections_end() -> None:
    """A server that drops every connection at once does not keep a call busy for ever."""
    error, server = run_to_error(*[disconnect(*STALE)] * 200, settings=make_settings(ONCE))

    assert isinstance(error, DisconnectedError)
    assert len(server.requests) == MAX_STALE_CONNECTIONS + 1


@pytest.mark.parametrize("events", [(OPENED, SENT), (SENT, ANSWERED)])
def test_disconnect_of_a_live_connection_is_an_attempt(events: tuple[str, ...]) -> None:
    """A fresh connection, or one that gave a byte, was no stale one."""
    error, _ = run_to_error(disconnect(*events), settings=make_settings(ONCE))

    assert isinstance(error, DisconnectedError)
    assert error.attempts == 1


@pytest.mark.parametrize("status", [307, 308])
def test_redirect_to_the_same_origin_keeps_method_and_key(status: int) -> None:
    """307 and 308 are followed within one attempt, with the method, the body and the key."""
    moved = Outcome(status, {"location": "/api/v2/rerank"}, b"")

    reply, server = run_to_reply(moved, Outcome())

    assert (reply.attempts, server.slept) == (1, [])
    assert [str(request.url) for request in server.requests][1] == "https://h/api/v2/rerank"
    assert {request.method for request in server.requests} == {"POST"}
    assert [request.headers["Authorization"] for request in server.requests] == [
        f"Bearer {SECRET}"
    ] * 2


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (301, {"location": "/other"}),
        (302, {"location": "/other"}),
        (303, {"location": "/other"}),
        (304, {}),
        (307, {}),
        (307, {"location": "https://other/api"}),
        (307, {"location": "http://h/api"}),
        (308, {"location": "https://h:444/api"}),
        (308, {"location": "//other/api"}),
        (307, {"location": "https://h:port/"}),
        (307, {"location": "https://["}),
        (307, {"location": "https://xn--/"}),
    ],
)
def test_other_redirect_is_an_error(status: int, headers: dict[str, str]) -> None:
    """No other redirect is followed: the key stays, and a POST stays a POST."""
    error, server = run_to_error(Outcome(status, headers, b""), Outcome())

    assert type(error) is OpenRouterDefaultError
    assert (error.status_code, len(server.requests)) == (status, 1)


def test_redirects_are_counted() -> None:
    """Five redirects are followed, and the sixth is an error."""
    moved = Outcome(307, {"location": "/other"}, b"")

    reply, _ = run_to_reply(*[moved] * 5, Outcome())
    error, server = run_to_error(*[moved] * 6, Outcome())

    assert reply.attempts == 1
    assert (type(error), error.attempts) == (OpenRouterDefaultError, 1)
    assert str(error) == "more than 5 redirects"
    assert len(server.requests) == 6


@pytest.mark.parametrize("url", ["https://other/rerank", "http://h/rerank", "https://h:1/rerank"])
def test_key_goes_to_one_origin(url: str) -> None:
    """A request to another origin than the server's gets no key."""
    _, server = run_to_error(Outcome(400), url=url)

    assert "Authorization" not in server.requests[0].headers


def test_key_is_read_for_each_attempt() -> None:
    """A key that has been rotated between attempts is the one that is sent."""
    keys = iter(["1", "2", "1", "2"])
    settings = make_settings()._replace(auth=BearerAuth(lambda: next(keys)))

    _, server = run_to_reply(Outcome(503), Outcome(), settings=settings)

    assert [request.headers["Authorization"] for request in server.requests] == [
        "Bearer 1",
        "Bearer 2",
    ]


def test_failing_key_reaches_the_caller() -> None:
    """What a key's function raises is the caller's own, and nothing is sent."""
    server = FakeServer([Outcome()])
    vault: dict[str, str] = {}
    settings = make_settings()._replace(auth=BearerAuth(lambda: vault["locked"]))

    with pytest.raises(KeyError, match="locked"):
        begin(server, settings).run()
    with pytest.raises(KeyError, match="locked"):
        anyio.run(begin(server, settings).run_async)

    assert not server.requests


def test_hook_that_raises_for_a_status_changes_nothing() -> None:
    """A caller's event hook that calls `raise_for_status` does not hide the reply."""
    request = make_request()
    response = httpx.Response(503, json={"error": {"message": "busy"}}, request=request)
    raised = httpx.HTTPStatusError("503", request=request, response=response)

    error, _ = run_to_error(Outcome(error=raised), settings=make_settings(ONCE))

    assert type(error) is ServiceUnavailableResponseError
    assert str(error) == "503: busy"


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Outcome(content=bytes(1001)), "unexpected reply: body is over the limit of 1000 bytes"),
        (
            Outcome(headers={"content-encoding": "br"}),
            "unexpected reply: content encoding 'br' was not asked for",
        ),
    ],
)
def test_success_with_an_unusable_body_is_refused(outcome: Outcome, message: str) -> None:
    """A success over the limit, or encoded unasked, is an error with its reply, not retried."""
    error, server = run_to_error(outcome, Outcome())

    assert type(error) is ResponseValidationError
    assert (str(error), error.status_code, len(server.requests)) == (message, 200, 1)


def test_success_that_breaks_off_is_a_disconnect() -> None:
    """A body that ends early is retried as a disconnect is."""
    cut = Outcome(content=b"{", body_error=httpx.RemoteProtocolError("early"))

    error, _ = run_to_error(cut, cut, cut)

    assert (type(error), error.attempts) == (DisconnectedError, 3)


def test_reply_is_whole_and_without_its_connection() -> None:
    """What comes out is inflated and says no more of how it was sent."""
    content = gzip.compress(b'{"model":"m","results":[]}')
    headers = {"content-encoding": "gzip", "content-length": str(len(content)), "x-own": "1"}

    reply, _ = run_to_reply(Outcome(headers=headers, content=content))

    assert reply.body == {"model": "m", "results": []}
    assert dict(reply.response.headers) == {"x-own": "1", "content-length": "26"}


@pytest.mark.anyio
async def test_foreign_connection_is_watched_by_trace_events() -> None:
    """What somebody else's transport reports tells a stale connection from a fresh one."""
    sent: list[httpx.Request] = []

    class ForeignTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            for event in STALE:
                request.extensions["trace"](event, {"request": REQUEST})
            return self.answer(request)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            for event in STALE:
                await request.extensions["trace"](event, {"request": REQUEST})
            return self.answer(request)

        def answer(self, request: httpx.Request) -> httpx.Response:
            sent.append(request)
            if len(sent) % 2:
                raise httpx.ReadError("reset")
            return httpx.Response(200, json={"results": []})

    foreign = ForeignTransport()
    sender = Sender(PoolRegistry(), transport=foreign, async_transport=foreign)

    def prepare() -> Call:
        return Call(sender, make_request(), make_settings(ONCE), SYSTEM_CLOCK)

    replies = [prepare().run(), await prepare().run_async()]

    assert ([reply.attempts for reply in replies], len(sent)) == ([1, 1], 4)


def test_interrupt_keeps_no_variables_of_the_http_code() -> None:
    """Ctrl-C, which may come while the request's head is being written, holds no key either."""

    class InterruptedServer(FakeServer):
        def send(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            head = f"Authorization: Bearer {SECRET}"
            raise KeyboardInterrupt(len(head))

    with pytest.raises(KeyboardInterrupt) as caught:
        begin(InterruptedServer()).run()

    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frame = shown.stack[-1]
    assert (frame.name, frame.locals) == ("send", None)


def test_call_can_pause_between_its_attempts() -> None:
    """Whoever makes the attempts decides how to wait; attempts and time count for the call."""
    server = FakeServer([Outcome(503), Outcome()])
    call = begin(server)

    event = call.attempt()
    server.time += 10
    reply = call.attempt()

    assert isinstance(event, RetryEvent)
    assert (event.attempt, event.delay, event.error.status_code) == (1, 0.5, 503)
    assert isinstance(reply, Reply)
    assert (reply.attempts, reply.waited, server.slept) == (2, 0.5, [])
