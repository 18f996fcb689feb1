"""Sync requests through an async transport."""

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from contextvars import Context
from typing import Any

import httpx


class SyncTransport(httpx.BaseTransport):
    """
    Answers sync requests with an async transport that runs in a thread of its own.

    So it works inside a running event loop too, and from several threads at once. The thread
    starts with the first request and ends with `close`, or when the transport is dropped; as a
    daemon it never keeps the interpreter from exiting.

    Args:
        inner: The transport to run. It is not closed.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._thread: _LoopThread | None = None
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Answer one request.

        Raises:
            httpx.ReadTimeout: The reply took longer than the request's read timeout.
            httpx.ReadError: The transport was closed meanwhile.
            RuntimeError: The transport was closed before.
        """
        request.read()
        seconds: float | None = request.extensions.get("timeout", {}).get("read")
        reply = self._submit(request)
        try:
            return reply.result(seconds)
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no reply within {seconds} s", request=request) from error
        except CancelledError as error:
            raise httpx.ReadError("the transport was closed", request=request) from error
        finally:
            # Ends the work on a reply that nobody waits for any more; a finished one stays.
            reply.cancel()

    def close(self) -> None:
        """End the thread. Closing again does nothing."""
        with self._lock:
            self._closed = True
            if self._thread is not None:
                self._thread.stop()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        reply = await self._inner.handle_async_request(request)
        stream = httpx.ByteStream(await reply.aread())
        return httpx.Response(reply.status_code, headers=reply.headers, stream=stream)

    def _submit(self, request: httpx.Request) -> "Future[httpx.Response]":
        # Under the lock: a request that reaches a stopped loop is never answered.
        with self._lock:
            if self._closed:
                raise RuntimeError("the client is closed")
            if self._thread is None:
                self._thread = _LoopThread()
                # No call at exit: nothing needs saving, and a daemon is not waited for.
                weakref.finalize(self, self._thread.request_stop).atexit = False
            return self._thread.submit(self._answer(request))


class _LoopThread:
    """An event loop that runs in a daemon thread until it is told to stop."""

    def __init__(self) -> None:
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(_run_until_stopped(started)),
            name="openrouter-rerank-memory",
            daemon=True,
        )
        # The caller's context may say that trio runs, but this thread runs asyncio.
        Context().run(self._thread.start)
        self._loop, self._stopped = started.result()

    def submit(self, work: Coroutine[Any, Any, httpx.Response]) -> "Future[httpx.Response]":
        """Have the loop run `work`, in a context of its own."""
        return Context().run(asyncio.run_coroutine_threadsafe, work, self._loop)

    def request_stop(self) -> None:
        """Have the loop cancel its tasks and end, without waiting for it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopped.set)

    def stop(self) -> None:
        """Have the loop cancel its tasks, and wait until it has ended."""
        self.request_stop()
        self._thread.join()


async def _run_until_stopped(
    started: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]",
) -> None:
    stopped = asyncio.Event()
    started.set_result((asyncio.get_running_loop(), stopped))
    await stopped.wait()
