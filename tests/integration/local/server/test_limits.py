"""Clients that are slow, silent or too many, seen from their end of the socket."""

import asyncio
import resource
import signal
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from forking.processes import ForkServer
from openrouter_rerank.local._server.acceptor import RESERVED_FILES, accept, find_max_connections

from .processes import BODY, read_url, start

# A head may take a tenth of a second, and a reply too.
SERVE_IMPATIENTLY = """
import sys
from openrouter_rerank.local import Ranking, create_app
from openrouter_rerank.local._server.connection import Patience
from openrouter_rerank.local._server.startup import serve_app

class Constant:
    def rank(self, query, documents, *, checkpoint):
        return Ranking([0.5] * len(documents), 7)

serve_app(create_app(Constant()), "127.0.0.1", 0, patience=Patience({head}, {reply}))
"""
IDLE = 3600
LIMIT_FILES = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))\n"


def connect(url: str) -> socket.socket:
    """Open a connection to a server."""
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port or 0), timeout=60)


def send_forever(connection: socket.socket) -> None:
    """Send empty lines until the connection is gone."""
    while True:
        connection.sendall(b"\r\n")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST ",
        b"POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nG",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123",
    ],
    ids=["silent", "a word", "half a head", "half a second head", "half a refused body"],
)
def test_client_that_sends_no_whole_head_is_closed(sent: bytes, fork_server: ForkServer) -> None:
    """The connection ends, whatever part of a request came and whatever was answered before."""
    with start(fork_server, SERVE_IMPATIENTLY.format(head=0.1, reply=IDLE)) as process:
        with connect(read_url(process)) as connection:
            connection.sendall(sent)
            while connection.recv(65_536):
                pass
        status, _, errors = process.end(signal.SIGTERM)

    assert (status, errors) == (0, "")


def test_client_that_takes_no_reply_is_closed(fork_server: ForkServer) -> None:
    """The connection ends when the reply has not gone out in time, and the rest of it is lost."""
    documents = ["a" * 100_000] * 150
    request = httpx.Request("POST", "http://localhost/", json={**BODY, "documents": documents})
    head = (
        "POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(request.content)}\r\n\r\n"
    )
    with start(fork_server, SERVE_IMPATIENTLY.format(head=IDLE, reply=0.1)) as process:
        with connect(read_url(process)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(head.encode() + request.content)
            connection.recv(1)
            # Nothing more is taken until the server lets the connection go.
            with pytest.raises(ConnectionError):
                send_forever(connection)
        status, _, errors = process.end(signal.SIGTERM)

    assert (status, errors) == (0, "")


def test_connections_beyond_the_limit_wait(fork_server: ForkServer) -> None:
    """With few descriptors, many clients are all answered, and the server says nothing."""
    program = LIMIT_FILES.format(files=RESERVED_FILES + 4)
    with start(fork_server, program + SERVE_IMPATIENTLY.format(head=0.1, reply=IDLE)) as process:
        url = read_url(process)
        with ExitStack() as stack:
            silent = [stack.enter_context(connect(url)) for _ in range(100)]
            replies = [
                httpx.post(f"{url}/rerank", json=BODY, trust_env=False, timeout=60)
                for _ in range(3)
            ]
            assert len(silent) == 100
        status, _, errors = process.end(signal.SIGTERM)

    assert [reply.status_code for reply in replies] == [200] * 3
    assert (status, errors) == (0, "")


def test_connection_is_not_kept_while_others_wait(fork_server: ForkServer) -> None:
    """At the limit a reply closes its connection, and says so."""
    program = LIMIT_FILES.format(files=RESERVED_FILES + 1)
    with start(fork_server, program + SERVE_IMPATIENTLY.format(head=IDLE, reply=IDLE)) as process:
        url = read_url(process)
        with httpx.Client(trust_env=False, timeout=60) as client:
            replies = [client.post(f"{url}/rerank", json=BODY) for _ in range(2)]
        streams = {id(reply.extensions["network_stream"]) for reply in replies}
        headers = {reply.headers.get("connection") for reply in replies}

    assert [reply.status_code for reply in replies] == [200] * 2
    assert len(streams) == 2
    assert headers == {"close"}


def test_running_out_of_descriptors_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """When the system gives no more, the log gets one line, and accepting goes on afterwards."""
    accepted: list[asyncio.BaseTransport] = []

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)
            transport.close()

    async def run(listener: socket.socket, client: socket.socket) -> None:
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, listener.getsockname())
        with no_more_files():
            accepting = asyncio.create_task(accept(listener, asyncio.Semaphore(5), Protocol))
            while not caplog.records:  # noqa: ASYNC110  a log has no event
                await asyncio.sleep(0)
        assert await loop.sock_recv(client, 1) == b""
        accepting.cancel()

    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        asyncio.run(run(listener, client))

    assert len(accepted) == 1
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == [
        "accepts no connection for now: Too many open files"
    ]


@contextmanager
def no_more_files() -> Generator[None]:
    """Let this process open nothing more for as long as the block lasts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_limit_leaves_descriptors_for_the_rest() -> None:
    """However few a process may open, there is a connection, and never more than the limit."""
    found: list[int] = []
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    for files in (1, RESERVED_FILES + 5, min(before[0], 1000)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
        found.append(find_max_connections())
    resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert found == [1, 5, 256]
