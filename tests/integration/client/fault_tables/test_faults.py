"""Every fault that a server can show, through the public client, sync and async."""

import traceback
from typing import Any

import httpx
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, DOCUMENTS, KEY, MODES, call_once, call_times
from integration.client.conftest import Serve
from integration.client.fault_server import closed_port
from integration.client.fault_tables import connections, replies
from integration.client.fault_tables.row import SUCCESS, Row, once
from openrouter_rerank.errors import (
    ConnectionFailedError,
    OpenRouterError,
)

TABLE = [
    *connections.connection_rows(),
    *connections.malformed_rows(),
    *connections.deadline_rows(),
    *connections.size_rows(),
    *replies.odd_success_rows(),
    *replies.status_rows(),
    *replies.error_in_success_rows(),
    *replies.answer_rows(),
    *replies.wait_rows(),
]
TRIO_ROWS = [
    *connections.connection_rows(),
    *connections.malformed_rows(),
    *connections.deadline_rows(),
]
CASES = [
    *(pytest.param(mode, row, id=f"{mode}: {row.name}") for row in TABLE for mode in MODES),
    *(pytest.param("trio", row, id=f"trio: {row.name}") for row in TRIO_ROWS),
]
# Small, so that it is soon full of connections that were not given back.
POOL_SIZE = 10
# How long to wait for what never comes, in seconds; inside the body the head is to come first.
READ_SECONDS = {"silence": 0.002, "silence inside the body": 0.005}
LEAKS = {
    "HTML 524": faults.page(524),
    "HTML 200": faults.page(200),
    "204": faults.empty(204),
    "302": faults.redirect(302, "/elsewhere"),
    "truncated": faults.raw(faults.LONG_HEAD + b"{"),
    "too large": faults.reply(200, b" " * 2000),
    "too large by its length": faults.raw(faults.make_head(200, {"Content-Length": "9999"})),
    "too large in chunks": faults.repeat(faults.CHUNKED_HEAD, b"100\r\n" + b" " * 256 + b"\r\n"),
    "gzip that is none": faults.encoded(b"a", "gzip"),
    "br": faults.encoded(b"a", "br"),
    "reset": faults.reset_after(b""),
    "silence": faults.stall,
    "silence inside the body": faults.trickle(faults.LONG_HEAD, b" ", 600),
}


@pytest.mark.parametrize(("mode", "row"), CASES)
def test_fault_ends_as_the_table_says(mode: str, row: Row, serve: Serve) -> None:
    """The call ends in the row's class after so many requests and waits; nothing stays open."""
    server = serve(*row.script)

    outcomes = call_times(mode, server.url, row.warm + 1, **row.settings)

    outcome = outcomes[-1]
    assert (outcome.kind, outcome.status) == (row.kind, row.status), repr(outcome.error)
    # A call that waits for a tenth of a second may be over before the server has read it.
    assert server.wait_for_requests(row.warm + row.requests)
    assert len(server.requests) == row.warm + row.requests
    assert row.waited[0] <= outcome.waited < row.waited[1]
    assert server.wait_for_open(0)
    assert server.opened <= row.warm + row.requests
    if outcome.result is not None:
        assert outcome.result.id == "question"
        assert [result.document.text for result in outcome.result.results] == [
            DOCUMENTS[result.index] for result in outcome.result.results
        ]
    if outcome.error is not None:
        check_error(outcome.error, row.requests if row.attempts is None else row.attempts)


def check_error(error: OpenRouterError, attempts: int) -> None:
    """Check what holds for every error."""
    assert error.attempts == attempts
    assert str(error).strip()
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert KEY not in "".join(shown.format())
    assert (error.raw_response is None) == (error.status_code is None)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("name", LEAKS)
def test_failed_calls_give_their_connection_back(mode: str, name: str, serve: Serve) -> None:
    """More failures than the pool has room for leave it empty but for an idle connection."""
    server = serve(LEAKS[name])
    quiet = httpx.Timeout(5, read=READ_SECONDS[name]) if name in READ_SECONDS else None
    limits = httpx.Limits(max_connections=POOL_SIZE)
    settings: dict[str, Any] = {"timeout": quiet, "max_response_bytes": 1000, "limits": limits}

    drained: list[bool] = []

    def watch() -> None:
        # A client that leaves early may be gone before the server has accepted it.
        drained.append(server.wait_for_requests(POOL_SIZE + 5) and server.wait_for_open(1))

    outcomes = call_times(mode, server.url, POOL_SIZE + 5, watch, **settings, **once())

    assert drained == [True]
    assert SUCCESS not in {outcome.kind for outcome in outcomes}
    assert len({outcome.kind for outcome in outcomes}) == 1
    assert len(server.requests) == POOL_SIZE + 5
    assert server.wait_for_open(0)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_refused_connection_is_retried(mode: str) -> None:
    """Nobody listens: the connection failed, at each of three attempts."""
    with closed_port() as port:
        outcome = call_once(mode, f"http://127.0.0.1:{port}/api/v1")

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert outcome.error.attempts == 3


@pytest.mark.parametrize("mode", ALL_MODES)
def test_unknown_host_is_retried(mode: str) -> None:
    """A name that is too long to be looked up is a failed connection like any other."""
    host = ".".join(["a" * 63] * 4)

    outcome = call_once(mode, f"http://{host}.invalid/api/v1")

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert outcome.error.attempts == 3


@pytest.mark.parametrize("mode", ALL_MODES)
def test_impossible_host_is_refused(mode: str) -> None:
    """A name that no resolver takes is a wrong argument."""
    with pytest.raises(ValueError, match="server_url: not a host name"):
        call_once(mode, f"http://{'a' * 64}.invalid/api/v1")
