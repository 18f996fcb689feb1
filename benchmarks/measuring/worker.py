"""
A program that measures one client, and reads its tasks as lines of JSON from standard input.

Each line names a task of `Worker` with its arguments; each answer is a line with the CPU time that
the task took, in seconds for one call. Between tasks the client stays open and the process sleeps.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring.adapters import ADAPTERS
from measuring.canned import write_documents
from measuring.clients import AsyncCall, Call
from measuring.decoders import DECODERS, make_checker
from measuring.hiding import Hider


class Stopwatch:
    """
    Measures the CPU time of this process.

    Attributes:
        seconds: What was measured, after the block.
    """

    seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the block, which begins without garbage."""
        gc.collect()
        start = time.process_time()
        yield
        self.seconds = time.process_time() - start


class Window:
    """
    Measures the CPU time from the end of one of many calls that overlap to the end of a later one.

    It leaves out the first calls, which open connections, and the last ones, which are followed by
    closing: a busy service does neither.

    Attributes:
        seconds: What was measured, after the last call that counts.
    """

    seconds = 0.0

    def __init__(self, before: int, calls: int) -> None:
        """Skip the calls before, then measure the calls after."""
        self._before = before
        self._last = before + calls
        self._ended = 0
        self._start = 0.0

    def count(self) -> bool:
        """Count a call that has ended; tell whether more are wanted."""
        self._ended += 1
        if self._ended == self._before:
            gc.collect()
            self._start = time.process_time()
        if self._ended == self._last:
            self.seconds = time.process_time() - self._start
        return self._ended < self._last


class Worker:
    """One client, with the connections that it has opened."""

    def __init__(self, name: str) -> None:
        """Make the client when it is first needed."""
        self._adapter = ADAPTERS[name]
        self._loop = asyncio.new_event_loop()
        self._sync: dict[str, Call] = {}
        self._async: dict[str, AsyncCall] = {}
        self._closers: list[Callable[[], Any]] = []

    def call(self, origin: str, count: int, calls: int) -> float:
        """Make blocking calls in turn."""
        url = write_url(origin, count)
        documents = write_documents(count)
        checker = self._adapter.make_checker(count)
        call = self._sync.get(url) or self._open_sync(url)
        # It also opens a new connection if the old one was idle for too long.
        checker.check_whole(call(documents))
        stopwatch = Stopwatch()
        with stopwatch.running():
            for _ in range(calls):
                checker.check(call(documents))
        return stopwatch.seconds / calls

    def _open_sync(self, url: str) -> Call:
        if self._adapter.open_sync is None:
            raise ValueError(f"{self._adapter.name} has no blocking calls")
        self._sync[url], close = self._adapter.open_sync(url)
        self._closers.append(close)
        return self._sync[url]

    def call_async(self, origin: str, count: int, calls: int, at_once: int) -> float:
        """Make calls in concurrent tasks, in turn within each task."""
        return self._loop.run_until_complete(self._call_async(origin, count, calls, at_once))

    async def _call_async(self, origin: str, count: int, calls: int, at_once: int) -> float:
        url = write_url(origin, count)
        documents = write_documents(count)
        checker = self._adapter.make_checker(count)
        call = self._async.get(url) or self._open_async(url)
        window = Window(at_once, calls)

        async def keep_calling() -> None:
            checker.check_whole(await call(documents))
            while window.count():
                checker.check(await call(documents))

        await asyncio.gather(*(keep_calling() for _ in range(at_once)))
        return window.seconds / calls

    def _open_async(self, url: str) -> AsyncCall:
        self._async[url], close = self._adapter.open_async(url)
        self._closers.append(lambda: self._loop.run_until_complete(close()))
        return self._async[url]

    def decode(self, count: int, calls: int, way: str) -> float:
        """Decode a reply again and again, in one of the `DECODERS`."""
        decode = DECODERS[way](count)
        make_checker(way, count).check_whole(decode())
        stopwatch = Stopwatch()
        with stopwatch.running():
            for _ in range(calls):
                decode()
        return stopwatch.seconds / calls

    def close(self) -> None:
        """Close every client."""
        for close in self._closers:
            close()
        self._loop.close()


def write_url(origin: str, count: int) -> str:
    """Return the base URL at which replies of that many results are given."""
    return f"{origin}/{count}/api/v1"


def main() -> None:
    """Answer until standard input ends."""
    # What a client prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    hidden, name = sys.argv[1:]
    Hider(json.loads(hidden)).hide()
    worker = Worker(name)
    for line in sys.stdin:
        order = json.loads(line)
        task = getattr(worker, order.pop("task"))
        print(json.dumps(task(**order)), file=answers)
    worker.close()


if __name__ == "__main__":
    main()
