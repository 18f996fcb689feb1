"""What comes after a reply on its connection is never taken for the next reply."""

import ssl
import threading
from collections.abc import Sequence
from typing import Any, cast

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, DOCUMENTS, KEY, call_times
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, Fault
from integration.client.fault_tables.row import BODY
from openrouter_rerank import OpenRouter
from openrouter_rerank._network.connection import Connection, Route, has_trailing_data

WHOLE = faults.make_head(200, {"Content-Length": str(len(BODY))}) + BODY
OTHER = WHOLE.replace(b"question", b"stranger")
ROUTES = ("direct", "TLS", "proxy", "SOCKS proxy")


def say(pieces: Sequence[bytes], said: threading.Event, *, in_one_packet: bool) -> Fault:
    """Send a reply and more, and leave the connection open."""

    def act(exchange: Exchange) -> bool:
        if in_one_packet:
            exchange.hold_packets(is_held=True)
        for piece in pieces:
            exchange.send(piece)
        if in_one_packet:
            exchange.hold_packets(is_held=False)
        said.set()
        return True

    return act


def call_twice(mode: str, url: str, said: threading.Event, settings: dict[str, Any]) -> list[str]:
    """Call, wait until all is said, and call again; return the ids of the replies."""
    arguments: dict[str, Any] = {"api_key": KEY, "server_url": url, **settings}
    request: dict[str, Any] = {"documents": DOCUMENTS, "model": "m", "query": "q"}
    if mode == "sync":
        with OpenRouter(**arguments) as client:
            first = client.rerank.rerank(**request)
            said.wait()
            return [str(first.id), str(client.rerank.rerank(**request).id)]

    async def run() -> list[str]:
        async with OpenRouter(**arguments) as client:
            first = await client.rerank.rerank_async(**request)
            await anyio.to_thread.run_sync(said.wait)
            return [str(first.id), str((await client.rerank.rerank_async(**request)).id)]

    return anyio.run(run, backend=mode)


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
def test_connection_is_used_again(
    mode: str, route: str, serve: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Calls share a connection, so what httpcore and h11 keep to themselves is where we look."""
    server = serve(faults.ok, tls=server_tls if route == "TLS" else None)
    settings: dict[str, Any] = {"verify": client_tls} if route == "TLS" else {}
    if route == "proxy":
        settings = {"proxy": server.origin}
    if route == "SOCKS proxy":
        server.read = faults.accept_socks
        settings = {"proxy": server.origin.replace("http", "socks5")}
    url = server.url if route in {"direct", "TLS"} else "http://api.invalid/api/v1"

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
