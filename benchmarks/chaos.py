"""
Measure whether a search goes on: `rank` with a deadline and a kept order, while everything fails.

    python benchmarks/chaos.py [CALLS]

For each kind of trouble it makes that many calls, 50 at a time, sync and async, after a warm-up,
and prints how many were ranked, how many kept their order, and how far past the deadline the slower
ones ended. A call that raises, or whose answer is no permutation of its documents, is wrong.
"""

import argparse
import asyncio
import logging
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from openrouter_rerank import OpenRouter, Ranking
from openrouter_rerank.local._faults.outcome import NAMED_OUTCOMES

AT_ONCE = 50
WARM_UP_CALLS = 200
DEADLINE_MS = 200.0
RESOLVER_SECONDS = 3.0
# Users do not call in step. If 50 calls ended in the same moment, the last would wait for the
# processor while the others are told.
LONGEST_PAUSE_SECONDS = 0.05
CHANCE = random.Random(7)  # noqa: S311 - no secret
DOCUMENTS = ["Paris is the capital of France.", "Berlin is the capital of Germany."]
ASK: dict[str, Any] = {"query": "What is the capital of France?", "model": "m"}
STATUSES = (400, 402, 404, 408, 413, 422, 429, 500, 502, 503, 504, 524, 529)
OUTCOMES = [*NAMED_OUTCOMES, *map(str, STATUSES)]
# After the last outcome the server begins again.
SCRIPT_LENGTH = 2000


@contextmanager
def serve(script: list[str]) -> Generator[str]:
    """Run `openrouter-rerank serve` with a script of faults as a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "openrouter_rerank.cli", "serve", "--port", str(port)]
    if script:
        command += ["--fail", ",".join(script)]
    # It ranks for real. At the lowest priority it takes no time from the calls that are measured.
    process = subprocess.Popen(  # noqa: S603 - our own server
        [shutil.which("nice") or "nice", "-n", "19", *command], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None  # noqa: S101 - for the type
    try:
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def hang() -> Generator[str]:
    """Listen, accept nothing, and say nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"


@contextmanager
def resolve_slowly() -> Generator[str]:
    """Have every lookup of a name take seconds."""
    resolve = socket.getaddrinfo

    def sleep(*given: Any, **named: Any) -> Any:
        time.sleep(RESOLVER_SECONDS)
        return resolve(*given, **named)

    with replace_resolver(sleep):
        yield "http://localhost:9/api/v1"


@contextmanager
def die() -> Generator[str]:
    """Have a name resolve to three addresses at which connecting hangs."""
    resolve = socket.getaddrinfo
    with full_listeners(3) as port:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{at}", port))
            for at in range(1, 4)
        ]

        def find(host: Any, *given: Any, **named: Any) -> Any:
            return found if "name.example" in str(host) else resolve(host, *given, **named)

        with replace_resolver(find):
            yield f"http://name.example:{port}/api/v1"


@contextmanager
def full_listeners(count: int) -> Generator[int]:
    """Listen at one port of several loopback addresses whose queues are full: connecting hangs."""
    listeners: list[socket.socket] = []
    fillers: list[socket.socket] = []
    try:
        port = 0
        for at in range(1, count + 1):
            listener = socket.socket()
            listener.bind((f"127.0.0.{at}", port))
            listener.listen(0)
            port = listener.getsockname()[1]
            listeners.append(listener)
            for _ in range(8):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex((f"127.0.0.{at}", port))
                fillers.append(filler)
        yield port
    finally:
        for each in [*listeners, *fillers]:
            each.close()


@contextmanager
def replace_resolver(find: Callable[..., Any]) -> Generator[None]:
    """Put a function in the place of the system's resolver."""
    own, socket.getaddrinfo = socket.getaddrinfo, find
    try:
        yield
    finally:
        socket.getaddrinfo = own


def judge(call: Callable[[], Ranking[str]]) -> tuple[str, float]:
    """Make a call after a pause; return what it ended in, and the seconds that it took."""
    time.sleep(CHANCE.uniform(0, LONGEST_PAUSE_SECONDS))
    began = time.perf_counter()
    try:
        ranking = call()
    except Exception as error:  # noqa: BLE001 - counted, and printed
        return f"raised {type(error).__name__}", time.perf_counter() - began
    seconds = time.perf_counter() - began
    return name_end(ranking), seconds


def name_end(ranking: Ranking[str]) -> str:
    """Name what a ranking is."""
    if sorted(each.index for each in ranking) != list(range(len(DOCUMENTS))):
        return "wrong"
    return "ranked" if ranking.reranked else "kept"


def run_sync(client: OpenRouter, calls: int) -> list[tuple[str, float]]:
    """Make the calls from threads."""

    def rank() -> Ranking[str]:
        return client.rerank.rank(DOCUMENTS, **ASK)

    with ThreadPoolExecutor(AT_ONCE) as executor:
        return list(executor.map(judge, [rank] * calls))


def run_async(client: OpenRouter, calls: int) -> list[tuple[str, float]]:
    """Make the calls from tasks."""

    async def rank(places: asyncio.Semaphore) -> tuple[str, float]:
        async with places:
            await asyncio.sleep(CHANCE.uniform(0, LONGEST_PAUSE_SECONDS))
            began = time.perf_counter()
            try:
                ranking = await client.rerank.rank_async(DOCUMENTS, **ASK)
            except Exception as error:  # noqa: BLE001 - counted, and printed
                return f"raised {type(error).__name__}", time.perf_counter() - began
            return name_end(ranking), time.perf_counter() - began

    async def run() -> list[tuple[str, float]]:
        places = asyncio.Semaphore(AT_ONCE)
        return list(await asyncio.gather(*(rank(places) for _ in range(calls))))

    return asyncio.run(run())


def measure(name: str, url: str, calls: int) -> None:
    """Make the calls of one kind of trouble both ways, and print what came of them."""
    for half, run in (("sync", run_sync), ("async", run_async)):
        with OpenRouter(
            "key", server_url=url, deadline_ms=DEADLINE_MS, on_failure="keep_order"
        ) as client:
            run(client, min(WARM_UP_CALLS, calls))
            ended = run(client, calls)
        late = sorted(max(0.0, seconds * 1000 - DEADLINE_MS) for _, seconds in ended)
        counts = {end: sum(1 for each, _ in ended if each == end) for end, _ in ended}
        p99, longest = late[int(len(late) * 0.99)], late[-1]
        told = ", ".join(f"{count} {end}" for end, count in sorted(counts.items()))
        figures = f"past the deadline p99 {p99:.1f} ms, most {longest:.1f} ms"
        print(f"{name:<24} {half:<6} {told}; {figures}", flush=True)


def main() -> None:
    """Measure each kind of trouble."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", type=int, nargs="?", default=10_000)
    calls = parser.parse_args().calls
    script = [CHANCE.choice(OUTCOMES) for _ in range(SCRIPT_LENGTH)]
    load = os.getloadavg()[0]
    print(f"{calls} calls, {AT_ONCE} at once, deadline {DEADLINE_MS:g} ms, load {load:.1f}")
    with serve(script) as url:
        measure("serve --fail", url, calls)
    with hang() as url:
        measure("a server that hangs", url, calls)
    with resolve_slowly() as url:
        measure("a resolver that sleeps", url, calls)
    with die() as url:
        measure("three dead addresses", url, calls)


if __name__ == "__main__":
    # A line for each call that is given up would be measured, too.
    logging.disable(logging.CRITICAL)
    main()
