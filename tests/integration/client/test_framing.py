"""What comes after a reply on its connection is never taken for the next reply."""

import ssl
import threading
from collections.abc import Sequence
from typing import Any, cast

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.calling import (
    ALL_MODES,
    KEY,
    ONCE,
    Outcome,
    call_times,
    observe,
    observe_async,
)
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, Fault, FaultServer
from integration.client.fault_tables.row import BODY
from openrouter_rerank import OpenRouter
from openrouter_rerank._network.connection import Connection, Route, has_trailing_data

WHOLE = faults.make_head(200, {"Content-Length": str(len(BODY))}) + BODY
OTHER = WHOLE.replace(b"question", b"stranger")
ROUTES = ("direct", "TLS", "proxy", "SOCKS proxy")
CHUNKS = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
ZIPPED = faults.squeeze(BODY)
# Each with what the call ends in: an id, or the status of an error.
FIRST_REPLIES = {
    "200": (WHOLE, "question"),
    "200 in chunks": (faults.CHUNKED_HEAD + CHUNKS, "question"),
    "200 in chunks with a trailer": (
        faults.CHUNKED_HEAD + CHUNKS[:-2] + b"X-A: b\r\n\r\n",
        "question",
    ),
    "200 in gzip": (
        faults.make_head(200, {"Content-Encoding": "gzip", "Content-Length": str(len(ZIPPED))})
        + ZIPPED,
        "question",
    ),
    "204 with a body": (faults.make_head(204, {}) + BODY, "204"),
    "304 with a length and a body": (
        faults.make_head(304, {"Content-Length": str(len(BODY))}) + BODY,
        "304",
    ),
    "429": (faults.make_head(429, {"Content-Length": "2"}) + b"{}", "429"),
    "503 without a body": (faults.make_head(503, {"Content-Length": "0"}), "503"),
}


def say(pieces: Sequence[bytes], said: threading.Event, *, in_one_packet: bool) -> Fault:
    """Send a reply and more, and leave the connection open."""

    def act(exchange: Exchange) -> bool:
        if in_one_packet:
            exchange.hold_packets(is_held=True)
        try:
            for piece in pieces:
                exchange.send(piece)
        finally:
            # The client may have closed the connection after the first piece.
            said.set()
        if in_one_packet:
            exchange.hold_packets(is_held=False)
        return True

    return act


def call_twice(mode: str, url: str, said: threading.Event, settings: dict[str, Any]) -> list[str]:
    """Call, wait until all is said, and call again; return the ids of the replies."""
    arguments: dict[str, Any] = {"api_key": KEY, "server_url": url, **settings}
    if mode == "sync":
        with OpenRouter(**arguments) as client:
            first = observe(client, "q")
            said.wait()
            return [name(first), name(observe(client, "q"))]

    async def run() -> list[str]:
        async with OpenRouter(**arguments) as client:
            first = await observe_async(client, "q")
            await anyio.to_thread.run_sync(said.wait)
            return [name(first), name(await observe_async(client, "q"))]

    return anyio.run(run, backend=mode)


def name(outcome: Outcome) -> str:
    """Return the id of a reply, or the status of an error."""
    return str(outcome.status if outcome.result is None else outcome.result.id)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("more", [OTHER, b"x"], ids=["a reply", "a byte"])
@pytest.mark.parametrize("sending", ["at once", "one packet", "two packets"])
def test_connection_with_more_than_a_reply_is_not_used_again(
    mode: str,
    is_secure: bool,
    more: bytes,
    sending: str,
    serve: Serve,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    """Whatever follows a reply, with it or later, the next call has a connection of its own."""
    said = threading.Event()
    pieces = [WHOLE + more] if sending == "at once" else [WHOLE, more]
    fault = say(pieces, said, in_one_packet=sending == "one packet")
    server = serve(fault, faults.raw(WHOLE), tls=server_tls if is_secure else None)

    ids = call_twice(mode, server.url, said, {"verify": client_tls} if is_secure else {})

    assert (ids[0], server.opened) == (ids[1], 2)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("sending", ["at once", "two packets"])
@pytest.mark.parametrize("kind", FIRST_REPLIES)
def test_what_follows_any_reply_is_not_the_next_one(
    mode: str,
    route: str,
    sending: str,
    kind: str,
    serve: Serve,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    """However a reply ends, and whatever it says, the next call gets its own reply."""
    said = threading.Event()
    reply, named = FIRST_REPLIES[kind]
    pieces = [reply + OTHER] if sending == "at once" else [reply, OTHER]
    fault = say(pieces, said, in_one_packet=False)
    server = serve(fault, faults.raw(WHOLE), tls=server_tls if route == "TLS" else None)
    url, settings = take_route(route, server, client_tls)

    ids = call_twice(mode, url, said, {**settings, "retry_config": ONCE})

    assert (ids, server.opened) == ([named, "question"], 2)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_what_follows_a_refusal_is_not_the_reply_to_its_retry(mode: str, serve: Serve) -> None:
    """A retry gets its own reply, not what stood behind the 429."""
    refusal = FIRST_REPLIES["429"][0]
    fault = say([refusal + OTHER], threading.Event(), in_one_packet=False)
    server = serve(fault, faults.raw(WHOLE))

    outcomes = call_times(mode, server.url, 1)

    assert (name(outcomes[0]), server.opened) == ("question", 2)


def take_route(
    route: str, server: FaultServer, client_tls: ssl.SSLContext
) -> tuple[str, dict[str, Any]]:
    """Return the address to call, and the settings that lead from there to the server."""
    if route == "proxy":
        return "http://api.invalid/api/v1", {"proxy": server.origin}
    if route == "SOCKS proxy":
        server.read = faults.accept_socks
        return "http://api.invalid/api/v1", {"proxy": server.origin.replace("http", "socks5")}
    return server.url, {"verify": client_tls} if route == "TLS" else {}


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("route", ROUTES)
def test_connection_is_used_again(
    mode: str, route: str, serve: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Calls share a connection, so what httpcore and h11 keep to themselves is where we look."""
    server = serve(faults.ok, tls=server_tls if route == "TLS" else None)
    url, settings = take_route(route, server, client_tls)

    outcomes = call_times(mode, url, 3, **settings)

    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert server.opened == 1


def test_connection_that_cannot_be_asked_is_not_used_again() -> None:
    """If httpcore renamed its attributes, no connection would be used twice."""
    assert has_trailing_data(object())


def test_transport_of_httpx_has_the_attribute_that_is_set() -> None:
    """The one attribute of httpx that we set is the one that its transports have."""
    connection = Connection(Route(httpx.URL("http://h"), True, None))

    with httpx.HTTPTransport() as transport:
        assert set(vars(transport)) == {"_pool"}
    assert cast("Any", connection)._pool is not None
