"""
Measure `rerank_many`: throughput beside plain calls, memory over many jobs, and server limits.

    python benchmarks/many.py throughput [JOBS]
    python benchmarks/many.py memory [JOBS]
    python benchmarks/many.py limits [SECONDS]

The server is a process of its own that answers at once, or limits requests as it is told to.
"""

import argparse
import asyncio
import math
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from openrouter_rerank import BackoffStrategy, OpenRouter, RerankJob, RetryConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from limits import FixedWindow, Limit, NoLimit, SlidingWindow, TokenBucket

WORKERS = 8
ROUNDS = 7
DOCUMENTS = ["Paris is the capital of France.", "Berlin is the capital of Germany."]
LIMITS: dict[str, Callable[[float], Limit]] = {
    "fixed window": FixedWindow,
    "sliding window": SlidingWindow,
    "token bucket": TokenBucket,
}
RATES = (20, 50, 200)
PATIENT = RetryConfig(backoff=BackoffStrategy(50, 500, 1.5, 3_600_000), max_attempts=100)
BODY = (
    b'{"id":"g","model":"m","results":[{"index":0,"relevance_score":0.9},'
    b'{"index":1,"relevance_score":0.1}],"usage":{"cost":0.001}}'
)


class Answers(asyncio.Protocol):
    """Answers requests of one connection, whatever they ask."""

    def __init__(self, limit: Limit, counts: list[int], *, says_when: bool) -> None:
        """Take the limit, and the list that counts passed and refused requests."""
        self._limit, self._counts, self._says_when = limit, counts, says_when
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that has arrived."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._answer()

    def _answer(self) -> None:
        wait = self._limit.ask(time.monotonic())
        self._counts[wait > 0] += 1
        status, body, more = b"200 OK", BODY, b""
        if wait:
            status, body = b"429 Too Many", b'{"error":{"code":429,"message":"slow down"}}'
            more = b"Retry-After: %d\r\n" % math.ceil(wait) if self._says_when else b""
        self._transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"
            % (status, more, len(body), body)
        )


def serve(limit: Limit, says_when: bool, pipe: Connection) -> None:
    """Serve until a message comes through the pipe, then send the counts."""
    counts = [0, 0]

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Answers(limit, counts, says_when=says_when), "127.0.0.1", 0
        )
        async with server:
            pipe.send(server.sockets[0].getsockname()[1])
            await loop.run_in_executor(None, pipe.recv)

    asyncio.run(run())
    pipe.send(counts)


@contextmanager
def serving(limit: Limit, *, says_when: bool = False) -> Generator[tuple[OpenRouter, list[int]]]:
    """Give a client of such a server and, after the block, the server's counts."""
    context = multiprocessing.get_context("spawn")
    pipe, end = context.Pipe()
    process = context.Process(target=serve, args=(limit, says_when, end), daemon=True)
    process.start()
    counts: list[int] = []
    with OpenRouter(
        "sk-or-none", server_url=f"http://127.0.0.1:{pipe.recv()}/api/v1", retry_config=PATIENT
    ) as client:
        yield client, counts
    pipe.send(None)
    counts.extend(pipe.recv())
    process.join()


def make_jobs(count: int) -> Iterator[RerankJob]:
    """Make jobs."""
    for number in range(count):
        yield RerankJob(id=number, query=f"query {number}", documents=DOCUMENTS, model="m")


def call_plainly(client: OpenRouter, count: int) -> None:
    """Make the calls from the same number of threads, without a run."""
    numbers = iter(range(count))

    def work() -> None:
        for number in numbers:
            client.rerank.rerank(query=f"query {number}", documents=DOCUMENTS, model="m")

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_many(client: OpenRouter, count: int) -> None:
    """Run the jobs and discard their results."""
    for outcome in client.rerank.rerank_many(make_jobs(count), max_concurrency=WORKERS):
        outcome.unwrap()


def run_many_async(client: OpenRouter, count: int) -> None:
    """Do what `run_many` does, on asyncio."""

    async def run() -> None:
        async for outcome in client.rerank.rerank_many_async(make_jobs(count)):
            outcome.unwrap()

    asyncio.run(run())


def call_plainly_async(client: OpenRouter, count: int) -> None:
    """Make the calls from the same number of tasks, without a run."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await client.rerank.rerank_async(
                query=f"query {number}", documents=DOCUMENTS, model="m"
            )

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WORKERS):
                tasks.create_task(work())

    asyncio.run(run())


def measure_throughput(count: int) -> None:
    """Print requests per second of both ways, and their ratio by the clock and by CPU time."""
    pairs = {
        "threads": (call_plainly, run_many),
        "tasks": (call_plainly_async, run_many_async),
    }
    with serving(NoLimit()) as (client, _):
        for name, pair in pairs.items():
            walls: list[list[float]] = [[], []]
            works: list[list[float]] = [[], []]
            for _ in range(ROUNDS):
                for side, run in enumerate(pair):
                    wall, work = time.perf_counter(), time.process_time()
                    run(client, count)
                    walls[side].append(count / (time.perf_counter() - wall))
                    works[side].append(count / (time.process_time() - work))
            plain, many = (statistics.median(side) for side in walls)
            ratio = statistics.median(works[1]) / statistics.median(works[0])
            print(
                f"{name}: {plain:.0f}/s plainly, {many:.0f}/s in a run: {many / plain:.2f}; "
                f"by CPU time {ratio:.2f}"
            )


def read_memory() -> float:
    """Return this process's resident memory in MB (proc(5))."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure_memory(count: int) -> None:
    """Print the resident memory after each tenth of the jobs."""
    tenth = count // 10
    with serving(NoLimit()) as (client, _):
        began = time.perf_counter()
        outcomes = client.rerank.rerank_many(make_jobs(count), max_concurrency=WORKERS)
        levels = [read_memory() for number, _ in enumerate(outcomes, 1) if number % tenth == 0]
        took = time.perf_counter() - began
    print("MB after each tenth:", " ".join(f"{level:.1f}" for level in levels))
    print(f"growth after the first: {max(levels) - levels[0]:.1f} MB; {count / took:.0f}/s")


def measure_limits(seconds: float) -> None:
    """Print the share of each limit that a run uses, and the share of refused requests."""
    for rate in RATES:
        for name, make in LIMITS.items():
            for says_when in (False, True):
                with serving(make(rate), says_when=says_when) as (client, counts):
                    began = time.perf_counter()
                    run_many(client, int(rate * seconds))
                    took = time.perf_counter() - began
                passed, refused = counts
                print(
                    f"{rate}/s, {name}, {'Retry-After' if says_when else 'no word'}: "
                    f"{passed / took / rate:.2f} of the limit, "
                    f"{refused / (passed + refused):.3f} in vain, {took:.1f} s",
                    flush=True,
                )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["throughput", "memory", "limits"])
    parser.add_argument("size", nargs="?", type=int)
    arguments = parser.parse_args()
    measure, size = {
        "throughput": (measure_throughput, 4000),
        "memory": (measure_memory, 100_000),
        "limits": (measure_limits, 12),
    }[arguments.what]
    measure(arguments.size or size)


if __name__ == "__main__":
    main()
