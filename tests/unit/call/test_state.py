"""How a call goes: its bounds in time and attempts, and the errors that httpx's stand for."""

import ssl
from collections.abc import Callable
from itertools import count

import httpx
import pytest
from fake_server import (
    ANSWERED,
    ONCE,
    OPENED,
    SENT,
    STALE,
    Outcome,
    make_settings,
    run_both,
    run_to_error,
    run_to_reply,
)
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._events.hooks import Hooks
from openrouter_rerank._policy.retry_config import BackoffStrategy, RetryConfig
from openrouter_rerank.errors import (
    ConnectionFailedError,
    DisconnectedError,
    OpenRouterDefaultError,
    OpenRouterError,
    ReadTimeoutError,
    ResponseValidationError,
)


def fail(error: Exception, *events: str) -> Outcome:
    """Make the outcome of a request that gets no reply."""
    return Outcome(error=error, events=events)


json_headers: st.SearchStrategy[dict[str, str]] = st.dictionaries(
    st.sampled_from(["Retry-After", "retry-after-ms", "location"]),
    st.integers(-1, 90).map(str) | st.sampled_from(["soon", "/other", "1e309"]),
)
CONTENTS = [b"", b"[]", b'{"error": {"code": 503}}', b'{"model":"m","results":[]}']
ERRORS: list[Callable[[str], Exception]] = [
    httpx.ConnectError,
    httpx.ReadTimeout,
    httpx.ReadError,
    httpx.RemoteProtocolError,
    httpx.PoolTimeout,
]
outcomes_drawn = st.builds(
    Outcome,
    status=st.sampled_from([200, 307, 302, 400, 401, 408, 429, 500, 503, 529]),
    headers=json_headers,
    content=st.sampled_from(CONTENTS),
    error=st.none() | st.sampled_from(ERRORS).map(lambda kind: kind("failed")),
    seconds=st.sampled_from([0.0, 0.25, 3.0, 59.0, 61.0, 1000.0]),
    events=st.lists(st.sampled_from([OPENED, SENT, ANSWERED]), max_size=3),
)


@given(
    outcomes=st.lists(outcomes_drawn, max_size=8),
    max_attempts=st.integers(1, 5),
    max_elapsed=st.sampled_from([0, 1000, 100_000, 3_600_000]),
    deadline=st.sampled_from([0.5, 2.0, 60.0, 180.0, 1e6]),
)
def test_time_and_attempts_are_bounded(
    outcomes: list[Outcome], max_attempts: int, max_elapsed: int, deadline: float
) -> None:
    """Whatever happens, no call outlasts its deadline or goes beyond its attempts."""
    policy = RetryConfig(
        backoff=BackoffStrategy(max_elapsed_time=max_elapsed),
        max_attempts=max_attempts,
        retry_read_timeouts=True,
    )

    ended, server = run_both(*outcomes, settings=make_settings(policy, deadline))

    # Floating point: the clock adds up what the loop subtracts.
    assert server.time - 1000 <= deadline + 1e-6
    assert 1 <= ended.attempts <= max_attempts
    assert len(server.slept) <= max_attempts
    assert len(server.requests) <= (max_attempts + 1) * 6
    assert all(slept <= 60 for slept in server.slept)


def chain(error: Exception, *causes: Exception) -> Exception:
    """Chain errors as `raise ... from` does."""
    current = error
    for cause in causes:
        current.__cause__ = cause
        current = cause
    return error


BAD_CERTIFICATE = chain(httpx.ConnectError("tls"), OSError("x"), ssl.SSLCertVerificationError("y"))


@pytest.mark.parametrize("is_watched", [True, False])
@pytest.mark.parametrize(
    ("theirs", "ours", "message"),
    [
        (
            httpx.ConnectError("refused"),
            ConnectionFailedError,
            "could not connect to h:443: refused",
        ),
        (
            httpx.ConnectTimeout(""),
            ConnectionFailedError,
            "could not connect to h:443: ConnectTimeout",
        ),
        (httpx.PoolTimeout("full"), ConnectionFailedError, "could not connect to h:443: full"),
        (httpx.ProxyError("407"), ConnectionFailedError, "could not connect to h:443: 407"),
        (httpx.ReadTimeout("a\n b"), ReadTimeoutError, "timed out waiting for the server: a b"),
        (httpx.WriteTimeout("w"), ReadTimeoutError, "timed out waiting for the server: w"),
        (httpx.ReadError("r"), DisconnectedError, "the connection broke: r"),
        (httpx.WriteError("w"), DisconnectedError, "the connection broke: w"),
        (httpx.RemoteProtocolError("p"), DisconnectedError, "the connection broke: p"),
        (httpx.DecodingError("d"), ResponseValidationError, "unexpected reply: d"),
        (httpx.TooManyRedirects("t"), OpenRouterDefaultError, "redirect not followed: t"),
        (httpx.UnsupportedProtocol("u"), ConnectionFailedError, "could not connect to h:443: u"),
        (httpx.LocalProtocolError("l"), ConnectionFailedError, "could not connect to h:443: l"),
        (httpx.InvalidURL("i"), ConnectionFailedError, "could not connect to h:443: i"),
        (
            UnicodeError("label too long"),
            ConnectionFailedError,
            "could not connect to h:443",
        ),
        (BAD_CERTIFICATE, ConnectionFailedError, "could not connect to h:443: tls"),
    ],
)
def test_no_error_of_httpx_gets_through(
    theirs: Exception, ours: type[OpenRouterError], message: str, is_watched: bool
) -> None:
    """Each error of httpx is one of ours, whether or not the transport tells how far it came."""
    events = (OPENED,) if ours is ConnectionFailedError else (OPENED, SENT)

    error, _ = run_to_error(
        fail(theirs, *events if is_watched else ()), settings=make_settings(ONCE)
    )

    assert type(error) is ours
    assert str(error).startswith(message)
    assert error.__cause__ is theirs


def test_what_breaks_before_sending_is_a_failed_connection() -> None:
    """A proxy that hangs up before the tunnel stands has seen nothing of the request."""
    error, _ = run_to_error(
        fail(httpx.RemoteProtocolError("eof"), OPENED), settings=make_settings(ONCE)
    )

    assert type(error) is ConnectionFailedError


@pytest.mark.parametrize(
    ("theirs", "is_permanent"),
    [
        (BAD_CERTIFICATE, True),
        (httpx.UnsupportedProtocol("u"), True),
        (httpx.LocalProtocolError("header"), True),
        (httpx.InvalidURL("port"), True),
        (UnicodeError("label"), True),
        (httpx.ConnectError("refused"), False),
        (httpx.PoolTimeout("full"), False),
    ],
)
def test_what_stays_broken_is_not_tried_again(theirs: Exception, is_permanent: bool) -> None:
    """A failure to connect is retried unless its cause lasts, such as a bad certificate."""
    failed = fail(theirs, OPENED)

    error, _ = run_to_error(failed, failed, failed, Outcome())

    assert isinstance(error, ConnectionFailedError)
    assert error.is_permanent is is_permanent
    assert error.attempts == (1 if is_permanent else 3)


@pytest.mark.parametrize(("seconds", "attempts"), [(4.5, 2), (4.6, 1)])
def test_elapsed_time_ends_the_attempts(seconds: float, attempts: int) -> None:
    """The time since the call began counts, attempts and the next wait included."""
    settings = make_settings(RetryConfig(backoff=BackoffStrategy(max_elapsed_time=5000)))

    error, server = run_to_error(Outcome(503, seconds=seconds), Outcome(400), settings=settings)

    assert (error.attempts, len(server.requests)) == (attempts, attempts)


def test_every_timeout_is_cut_to_the_time_left() -> None:
    """Connecting, reading, writing and waiting for a connection all end with the deadline."""
    _, server = run_to_reply(Outcome(), settings=make_settings(deadline=10.0))

    assert server.timeouts == [{"connect": 10, "read": 10, "write": 10, "pool": 10}]


def test_each_attempt_has_its_own_time() -> None:
    """The time that a reply took does not include the attempts and waits before it."""
    reply, _ = run_to_reply(Outcome(503, seconds=5.0), Outcome(seconds=2.0))

    assert reply.response.elapsed.total_seconds() == 2


def test_wrong_shape_knows_its_attempts() -> None:
    """What is wrong with a success is found when it is decoded, and still counts its attempts."""
    reply, _ = run_to_reply(Outcome(503), Outcome(content=b'{"model": 5}'))

    with pytest.raises(ResponseValidationError) as caught:
        reply.decode(EncodedRequest(b"", ["a"], model="m", query="q"))

    assert caught.value.attempts == 2


UNREADABLE = [
    b"",
    b"<html>",
    b'{"model":null,"results":null}',
]


@pytest.mark.parametrize("content", UNREADABLE)
def test_success_that_cannot_be_read_is_sent_again_if_asked_for(content: bytes) -> None:
    """With the flag it takes an attempt like any failure."""
    policy = RetryConfig(retry_invalid_replies=True)
    outcomes = (Outcome(content=content), Outcome(content=content), Outcome())

    reply, server = run_to_reply(*outcomes, settings=make_settings(policy))
    error, _ = run_to_error(*outcomes[:2], Outcome(content=content), settings=make_settings(policy))

    assert (reply.attempts, len(server.requests)) == (3, 3)
    assert isinstance(error, ResponseValidationError)
    assert error.attempts == 3


def test_timeout_before_the_deadline_is_its_own_error() -> None:
    """A read timeout that leaves time is no missed deadline, and not retried by default."""
    error, server = run_to_error(Outcome(seconds=61), Outcome())

    assert type(error) is ReadTimeoutError
    assert (server.time, error.attempts) == (1060, 1)


def test_stale_connection_is_told_by_its_own_attempt() -> None:
    """What the attempt before opened says nothing of the connection that is used now."""
    stale = fail(httpx.ReadError("reset"), *STALE)

    reply, _ = run_to_reply(Outcome(503), stale, Outcome())

    assert reply.attempts == 2


def test_redirects_are_counted_for_each_attempt() -> None:
    """An attempt may follow as many redirects as the one before it."""
    moved = [Outcome(307, {"location": "/other"})] * 5

    reply, server = run_to_reply(*moved, Outcome(503), *moved, Outcome())

    assert (reply.attempts, len(server.requests)) == (2, 12)


def test_headers_of_the_request_are_on_every_attempt() -> None:
    """What the caller's request says is said again when it is sent again."""
    _, server = run_to_reply(Outcome(503), Outcome())

    assert [request.headers["Content-Length"] for request in server.requests] == ["4", "4"]


def test_stale_connection_leaves_nothing_on_the_request() -> None:
    """What a hook put on the request of a lost attempt is not on the next."""
    hooks, numbers = Hooks(), count()

    def mark(request: httpx.Request) -> None:
        request.headers[f"x-number-{next(numbers)}"] = "yes"

    hooks.before_request(mark)
    stale = fail(httpx.ReadError("reset"), *STALE)

    _, server = run_to_reply(stale, Outcome(), settings=make_settings()._replace(hooks=hooks))

    marks = [[name for name in r.headers if "number" in name] for r in server.requests]
    assert marks == [["x-number-2"], ["x-number-3"]]


def test_stale_connections_end_with_the_attempts_of_the_policy() -> None:
    """An attempt that an old connection took back is made up for once."""
    stale = fail(httpx.ReadError("reset"), *STALE)

    error, server = run_to_error(stale, Outcome(503), Outcome(503), Outcome(503), Outcome())

    assert (error.attempts, len(server.requests)) == (3, 4)
