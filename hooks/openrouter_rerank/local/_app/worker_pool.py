"""Ranking in a thread, so that the event loop stays free."""

import os
import threading
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request

from openrouter_rerank.local._requests.disconnect import cancel_on_disconnect
from openrouter_rerank.local._requests.refusal import RefusedError

MIN_WORKERS = 2
"""With one worker, a short request would wait for a long one that came before it."""

Result = TypeVar("Result")


class WorkerPool:
    """
    Threads for long work, one for each processor of the machine, and at least `MIN_WORKERS`.

    More work than that waits. Work ends early, at its next checkpoint, if its client has gone or
    `stop` was called.
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        # One application may serve several event loops, and a limiter belongs to one.
        self._limiters = RunVar[anyio.CapacityLimiter]("openrouter_rerank.local")

    def stop(self) -> None:
        """End all work with a 503, and any that is asked for later."""
        self._stopping.set()

    async def run(self, request: Request, work: Callable[[Callable[[], None]], Result]) -> Result:
        """
        Run `work` in a thread.

        Args:
            request: The request that the work is for; its body has been read.
            work: A function of one argument: a checkpoint, which it must call now and then.

        Returns:
            What `work` returned.

        Raises:
            ClientDisconnect: The client went away before the work was done.
            RefusedError: With 503, the server stopped before the work was done.
        """
        outcome: list[Result | Exception] = []
        async with anyio.create_task_group() as group:
            group.start_soon(cancel_on_disconnect, request.receive, group.cancel_scope)
            try:
                outcome.append(await self._run_in_thread(work))
            except Exception as error:  # noqa: BLE001  raised below, outside the group
                outcome.append(error)
            group.cancel_scope.cancel()
        if not outcome:
            raise ClientDisconnect
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    async def _run_in_thread(self, work: Callable[[Callable[[], None]], Result]) -> Result:
        abandoned = threading.Event()

        def checkpoint() -> None:
            if self._stopping.is_set() or abandoned.is_set():
                raise RefusedError(503, "the server is stopping")

        try:
            return await run_sync(
                lambda: work(checkpoint), abandon_on_cancel=True, limiter=self._find_limiter()
            )
        finally:
            abandoned.set()

    def _find_limiter(self) -> anyio.CapacityLimiter:
        limiter = self._limiters.get(None)
        if limiter is None:
            limiter = anyio.CapacityLimiter(max(MIN_WORKERS, os.cpu_count() or 1))
            self._limiters.set(limiter)
        return limiter
