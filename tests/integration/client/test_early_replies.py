"""A server that answers before it has read the whole request is heard at once."""

import ssl
from collections.abc import Callable

import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, call_times
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, PeerGoneError
from integration.client.fault_tables.row import BODY, SUCCESS
from openrouter_rerank.errors import PayloadTooLargeResponseError

LONG_QUERY = "x" * 16_000_000
MORE_THAN_A_HEAD = 10_000
PART_OF_A_HEAD = 10
LATER_SECONDS = 0.2
SAID = b'{"error": {"code": 413, "message": "too much"}}'
HEAD = faults.make_head(413, {"Content-Length": str(len(SAID))})
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
SUCCESS_HEAD = faults.make_head(200, {"Content-Length": str(len(BODY))})
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
REFUSALS = {
    "at once": [HEAD + SAID],
    "head and body apart": [HEAD, SAID],
    "interim replies first": [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        INTERIM[:20],
        INTERIM[20:],
        HEAD + SAID,
    ],
}
Read = Callable[[Exchange], None]


def refuse(pieces: list[bytes], *, closes: bool) -> Read:
    """Read a little, answer, and close the connection or read no more."""

    def act(exchange: Exchange) -> None:
        exchange.sip(MORE_THAN_A_HEAD, 0)
        for piece in pieces:
            exchange.send(piece)
        if closes:
            raise PeerGoneError
        exchange.hold()

    return act


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("closes", [True, False], ids=["closes", "stays open"])
@pytest.mark.parametrize("pieces", REFUSALS.values(), ids=REFUSALS)
def test_refusal_is_heard_before_the_request_is_read(
    mode: str,
    is_secure: bool,
    closes: bool,
    pieces: list[bytes],
    serve: Serve,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    """A 413 ends the upload and the call, whether or not the server closes the connection."""
    server = serve(tls=server_tls if is_secure else None)
    server.read = refuse(pieces, closes=closes)

    (outcome,) = call_times(
        mode, server.url, 1, query=LONG_QUERY, verify=client_tls, timeout=5, deadline_ms=10_000
    )

    assert outcome.kind is PayloadTooLargeResponseError
    assert (outcome.error and outcome.error.attempts, server.opened) == (1, 1)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_refusal_whose_body_comes_later_is_read_to_its_end(
    mode: str,
    is_secure: bool,
    serve: Serve,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    """The body arrives after the head was read, while the rest of the request is unwritten."""

    def read(exchange: Exchange) -> None:
        exchange.sip(PART_OF_A_HEAD, 0)
        exchange.send(HEAD)
        exchange.sip(PART_OF_A_HEAD, LATER_SECONDS)
        exchange.send(SAID)
        exchange.hold()

    server = serve(tls=server_tls if is_secure else None)
    server.read = read

    (outcome,) = call_times(
        mode, server.url, 1, query=LONG_QUERY, verify=client_tls, timeout=5, deadline_ms=10_000
    )

    assert outcome.kind is PayloadTooLargeResponseError
    assert outcome.error is not None
    assert outcome.error.body == SAID.decode()


@pytest.mark.parametrize("mode", ALL_MODES)
def test_refusal_that_may_pass_is_retried_over_another_connection(mode: str, serve: Serve) -> None:
    """A 429 in the middle of the upload is retried, and the half-sent request is given up."""
    server = serve(faults.ok)
    head = faults.make_head(429, {"Content-Length": "2"})

    def read(exchange: Exchange) -> None:
        if server.opened == 1:
            refuse([head + b"{}"], closes=False)(exchange)

    server.read = read

    (outcome,) = call_times(mode, server.url, 1, query=LONG_QUERY, timeout=5)

    assert outcome.kind is SUCCESS
    assert (server.opened, len(server.requests)) == (2, 1)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(
    "early",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        INTERIM * 1000,
        faults.make_head(200, {"Content-Length": str(len(BODY))}),
    ],
    ids=["100", "many interim replies", "200"],
)
def test_what_is_no_refusal_does_not_end_the_request(
    mode: str,
    is_secure: bool,
    early: bytes,
    serve: Serve,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    """An interim reply, or the head of a success, comes while the rest is still being sent."""
    rest = BODY if early == SUCCESS_HEAD else SUCCESS_HEAD + BODY

    def finish(exchange: Exchange) -> bool:
        exchange.send(rest)
        return True

    def read(exchange: Exchange) -> None:
        exchange.send(early)

    server = serve(finish, tls=server_tls if is_secure else None)
    server.read = read

    (outcome,) = call_times(
        mode, server.url, 1, query=LONG_QUERY, verify=client_tls, timeout=5, deadline_ms=10_000
    )

    assert outcome.kind is SUCCESS
    assert len(server.requests[0].json["query"]) == len(LONG_QUERY)
