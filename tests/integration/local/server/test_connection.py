"""Cut connections, seen from the client's end of the socket."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pytest
from openrouter_rerank.local import Faults, MiniLMRanker, running

BODY: dict[str, object] = {"model": "m", "query": "q", "documents": ["a", "b"]}
SECONDS = 30


@contextmanager
def request(url: str, body: dict[str, object]) -> Generator[socket.socket]:
    """Send a request on its own connection."""
    address = httpx.URL(url)
    message = httpx.Request("POST", f"{url}/rerank", json=body)
    lines = [f"{name}: {value}" for name, value in message.headers.items()]
    head = "\r\n".join(["POST /api/v1/rerank HTTP/1.1", *lines, "", ""])
    with socket.create_connection((address.host, address.port or 0), SECONDS) as connection:
        connection.sendall(head.encode() + message.content)
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Read until the other end closes the connection with FIN."""
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
    return received


@pytest.mark.parametrize("size", [1, 4_000_000])
def test_reset_is_one_of_tcp(ranker: MiniLMRanker, size: int) -> None:
    """Once the whole request has arrived, the client gets RST and no byte of a reply."""
    body = {**BODY, "query": "q" * size}

    with (
        running(ranker, faults=Faults("reset")) as url,
        request(url, body) as connection,
        pytest.raises(ConnectionResetError),
    ):
        connection.recv(1)


def test_truncated_reply_ends_in_order(ranker: MiniLMRanker) -> None:
    """All that was sent arrives, and then the connection ends too early."""
    with running(ranker, faults=Faults("truncated")) as url, request(url, BODY) as connection:
        reply = read_all(connection)

    head, _, body = reply.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    )
    assert head.startswith(b"HTTP/1.1 200")
    assert body.startswith(b'{"id":')
    assert len(body) == length // 2


def test_connection_is_kept_after_an_error(ranker: MiniLMRanker) -> None:
    """After an error reply the connection serves the next request."""
    body = {**BODY, "query": "q" * 1_000_000}

    with (
        running(ranker, faults=Faults("503,ok")) as url,
        httpx.Client(trust_env=False, timeout=SECONDS) as client,
    ):
        replies = [client.post(f"{url}/rerank", json=body) for _ in range(2)]
        streams = {reply.extensions["network_stream"] for reply in replies}

    assert [reply.status_code for reply in replies] == [503, 200]
    assert len(streams) == 1


def test_client_that_goes_during_its_upload_is_let_go(ranker: MiniLMRanker) -> None:
    """A request that never ends takes its own outcome and leaves the next one alone."""
    with running(ranker, faults=Faults("503,ok")) as url:
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port or 0), SECONDS) as connection:
            head = "POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            connection.sendall(f"{head}Content-Length: 9\r\n\r\n".encode())
            interim = connection.recv(1000)
        reply = httpx.post(f"{url}/rerank", json=BODY, trust_env=False)

    assert interim.startswith(b"HTTP/1.1 100")
    assert reply.status_code == 200
