"""Sync requests through an async transport."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
import httpx
import pytest
from openrouter_rerank.local._in_memory.sync_transport import SyncTransport

URL = "http://localhost/"
# In development mode asyncio logs steps that take over 100 ms, which a busy machine has.
LEFT_OPEN = """
import logging
import httpx
from openrouter_rerank.local import create_app
from openrouter_rerank.local._in_memory.sync_transport import SyncTransport

logging.getLogger("asyncio").addFilter(lambda record: not record.msg.startswith("Executing"))
http = httpx.Client(transport=SyncTransport(httpx.ASGITransport(create_app())), timeout=60)
body = {"model": "m", "query": "q", "documents": ["a"]}
print(http.post("http://localhost/api/v1/rerank", json=body).status_code)
"""


class EchoTransport(httpx.AsyncBaseTransport):
    """Answers with the request's body and the name of the thread."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Echo."""
        await anyio.lowlevel.checkpoint()
        thread = {"X-Thread": threading.current_thread().name}
        return httpx.Response(201, headers=thread, content=await request.aread())


class SilentTransport(httpx.AsyncBaseTransport):
    """Never answers."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.cancelled = threading.Event()

    async def handle_async_request(
        self,
        request: httpx.Request,  # noqa: ARG002  httpx has it
    ) -> httpx.Response:
        """Wait forever."""
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        return httpx.Response(200)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """Give a sync client of the echo."""
    with httpx.Client(transport=SyncTransport(EchoTransport())) as client:
        yield client


def test_reply_comes_from_another_thread(http: httpx.Client) -> None:
    """Body and headers go both ways."""
    reply = http.post(URL, content=b"abc")

    assert (reply.status_code, reply.content) == (201, b"abc")
    assert reply.headers["X-Thread"] == "openrouter-rerank-memory"


def test_streamed_body_is_sent(http: httpx.Client) -> None:
    """A streamed body arrives whole."""
    assert http.post(URL, content=iter([b"a", b"b"])).content == b"ab"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_sync_request_works_in_a_running_loop(http: httpx.Client, backend: str) -> None:
    """A sync call from a coroutine, as in a notebook, is answered."""

    async def call() -> bytes:
        return http.post(URL, content=b"abc").content  # noqa: ASYNC212  the case here

    assert anyio.run(call, backend=backend) == b"abc"


def test_threads_share_a_transport(http: httpx.Client) -> None:
    """Requests from several threads get their own replies."""
    bodies = [str(number).encode() for number in range(50)]

    def send(body: bytes) -> bytes:
        return http.post(URL, content=body).content

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(send, bodies))

    assert replies == bodies


def test_read_timeout_ends_the_work() -> None:
    """A late reply is httpx's own error, and the work on it is cancelled."""
    inner = SilentTransport()

    with httpx.Client(transport=SyncTransport(inner)) as http:
        with pytest.raises(httpx.ReadTimeout):
            http.get(URL, timeout=0.05)
        cancelled = inner.cancelled.wait(10)

    assert cancelled


def test_close_ends_requests_in_progress() -> None:
    """A request that another thread waits for fails when the transport is closed."""
    inner = SilentTransport()
    transport = SyncTransport(inner)

    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(transport.handle_request, httpx.Request("GET", URL))
        asked = inner.asked.wait(10)
        transport.close()

    assert asked
    assert isinstance(reply.exception(), httpx.ReadError)


def test_closed_transport_refuses_requests() -> None:
    """Closing is final, and closing again does nothing."""
    transport = SyncTransport(EchoTransport())
    transport.close()
    transport.close()

    with pytest.raises(RuntimeError, match="closed"):
        transport.handle_request(httpx.Request("GET", URL))


def test_dropped_transport_ends_its_thread() -> None:
    """A transport that is dropped without being closed ends its thread."""
    before = set(threading.enumerate())
    transport = SyncTransport(EchoTransport())
    transport.handle_request(httpx.Request("GET", URL))
    (thread,) = set(threading.enumerate()) - before

    del transport
    gc.collect()
    thread.join(10)

    assert not thread.is_alive()


def test_open_transport_does_not_keep_the_interpreter() -> None:
    """A program that never closes its client ends at once, with no warning."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", LEFT_OPEN],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "200\n", "")
