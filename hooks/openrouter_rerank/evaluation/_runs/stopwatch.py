"""How long requests take, seen from the hooks of a client."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from openrouter_rerank import OpenRouter

from .calls import make_key

MILLISECONDS = 1000.0


class Stopwatch(threading.local):
    """
    Measures each attempt that ends in a success, from before it is sent until its reply is read.

    Retries and waits before it are left out; connecting and redirects are not. A thread makes one
    attempt at a time, so each has a beginning of its own.
    """

    key = ""
    begun_at = 0.0

    def __init__(self, server: str, taken: dict[str, float]) -> None:
        """Take what is asked, and where to put the times, which all threads share."""
        self._server = server
        self._taken = taken

    def begin(self, request: httpx.Request) -> None:
        """Note that a request is about to be sent."""
        self.key = make_key(request.content, self._server)
        self.begun_at = time.perf_counter()

    def end(self, response: httpx.Response) -> None:
        """Note that its reply has been read."""
        if response.is_success:
            self._taken[self.key] = (time.perf_counter() - self.begun_at) * MILLISECONDS

    def take(self, key: str) -> float | None:
        """Return how long the call with a key took, in milliseconds; None if it was not sent."""
        return self._taken.pop(key, None)


@contextmanager
def measure_requests(client: OpenRouter, server: str) -> Generator[Stopwatch]:
    """Measure the requests of a client to a server within the block."""
    stopwatch = Stopwatch(server, {})
    client.hooks.before_request(stopwatch.begin)
    client.hooks.after_response(stopwatch.end)
    try:
        yield stopwatch
    finally:
        client.hooks.requests.remove(stopwatch.begin)
        client.hooks.responses.remove(stopwatch.end)
