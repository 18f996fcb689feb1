"""One way to call the client, for sync code, asyncio and trio alike."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import anyio
from openrouter_rerank import BackoffStrategy, OpenRouter, RetryConfig
from openrouter_rerank._call.clock import Clock
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody

KEY = "sk-or-v1-0123456789abcdef"
DOCUMENTS = ["first", "second", "third"]
MODES = ("sync", "asyncio")
ALL_MODES = (*MODES, "trio")
QUICK = RetryConfig(backoff=BackoffStrategy(1, 5, 1.5, 60_000))
ONCE = RetryConfig("none")
MILLISECONDS = 1000
# For own clients that meet no https: loading the system's certificates takes longer than a call.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Outcome:
    """
    How a call ended.

    Attributes:
        result: What was returned, if anything.
        error: What was raised, if anything.
        waited: The seconds that the client waited between attempts.
    """

    result: CreateRerankResponseBody | None
    error: OpenRouterError | None
    waited: float

    @property
    def kind(self) -> type[object]:
        """The error's class, or NoneType for a success."""
        return type(self.error)

    @property
    def status(self) -> int | None:
        """The error's status."""
        return None if self.error is None else self.error.status_code


class SkippedWaits(list[float]):
    """The waits of a client, in seconds, which its clock skips by moving on."""

    def __init__(self, client: OpenRouter) -> None:
        """Give the client such a clock."""
        super().__init__()
        caller = cast("Any", client)._caller
        self._clock: Clock = caller.clock
        caller.clock = self._clock._replace(
            now=self._read, sleep=self.append, sleep_async=self._skip
        )

    def _read(self) -> float:
        return self._clock.now() + sum(self)

    async def _skip(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.append(seconds)


def call_times(
    mode: str,
    server_url: str,
    times: int,
    after: Callable[[], object] = lambda: None,
    query: str = "question",
    **settings: Any,
) -> list[Outcome]:
    """
    Call that often over one client, then close it.

    Args:
        mode: "sync", or the name of an event loop.
        server_url: Where to.
        times: How often.
        after: Called after the last call, when the client is still open.
        query: What to ask.
        **settings: Further arguments of `OpenRouter`.
    """
    arguments: dict[str, Any] = {
        "api_key": KEY,
        "server_url": server_url,
        "retry_config": QUICK,
        "deadline_ms": 20_000,
        **settings,
    }
    if mode == "sync":
        with OpenRouter(**arguments) as client:
            outcomes = [observe(client, query) for _ in range(times)]
            after()
        return outcomes

    async def run() -> list[Outcome]:
        async with OpenRouter(**arguments) as client:
            outcomes = [await observe_async(client, query) for _ in range(times)]
            after()
        return outcomes

    return anyio.run(run, backend=mode)


def call_once(mode: str, server_url: str, **settings: Any) -> Outcome:
    """Call once over a client of its own."""
    return call_times(mode, server_url, 1, **settings)[0]


def observe(client: OpenRouter, query: str) -> Outcome:
    """Call and tell what came of it; what is not ours goes through."""
    waits = SkippedWaits(client)
    result = error = None
    try:
        result = client.rerank.rerank(documents=DOCUMENTS, model="m", query=query)
    except OpenRouterError as caught:
        error = caught
    return Outcome(result, error, sum(waits))


async def observe_async(client: OpenRouter, query: str) -> Outcome:
    """Do what `observe` does, in an event loop."""
    waits = SkippedWaits(client)
    result = error = None
    try:
        result = await client.rerank.rerank_async(documents=DOCUMENTS, model="m", query=query)
    except OpenRouterError as caught:
        error = caught
    return Outcome(result, error, sum(waits))
