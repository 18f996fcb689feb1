"""How long requests take, seen from the hooks of a client."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from openrouter_rerank import OpenRouter

from ._calls import make_key

MILLISECONDS = 1000.0


class Stopwatch:
    """
    Measures each attempt that ends in a success, from before it is sent until its reply is read.

    Retries and waits before it are left out; connecting is not.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._begun_at: dict[str, float] = {}
        self._taken: dict[str, float] = {}

    def begin(self, request: httpx.Request) -> None:
        """Note that a request is about to be sent."""
        self._begun_at[make_key(request.content)] = time.perf_counter()

    def end(self, response: httpx.Response) -> None:
        """Note that its reply has been read."""
        begun_at = self._begun_at.pop(make_key(response.request.content), None)
        if begun_at is not None and response.is_success:
            key = make_key(response.request.content)
            self._taken[key] = (time.perf_counter() - begun_at) * MILLISECONDS

    def take(self, key: str) -> float | None:
        """Return how long the call with a key took, in milliseconds; None if it was not sent."""
        return self._taken.pop(key, None)


@contextmanager
def measure_requests(client: OpenRouter) -> Generator[Stopwatch]:
    """Measure the requests of a client within the block."""
    stopwatch = Stopwatch()
    client.hooks.before_request(stopwatch.begin)
    client.hooks.after_response(stopwatch.end)
    try:
        yield stopwatch
    finally:
        client.hooks.requests.remove(stopwatch.begin)
        client.hooks.responses.remove(stopwatch.end)
