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

from .turns import Turns

MIN_TURNS = 2
"""A ranker of the caller's may have no checkpoints, and would hold up everything else alone."""

MAX_THREADS = 64
"""Requests in work at once. Each holds a thread, whose stack may count as 8 MB of memory."""

STOPPING = "the server is stopping"

Result = TypeVar("Result")


class WorkerPool:
    """
    Threads for long work, which take turns at the processors.

    At a checkpoint, work that has taken its turn lets others go on, so that a small request is not
    held up by large ones. Work ends early, at its next checkpoint, if its client has gone or
    `stop` was called.
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._turns = Turns(max(MIN_TURNS, os.cpu_count() or 1))
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

        def work_in_turns() -> Result:
            began = self._turns.take()

            def checkpoint() -> None:
                nonlocal began
                began = self._turns.pass_on(began)
                if self._stopping.is_set() or abandoned.is_set():
                    raise RefusedError(503, STOPPING)

            try:
                checkpoint()
                return work(checkpoint)
            except SystemExit:
                # So a model ends its work when the interpreter exits. It would end the event loop.
                raise RefusedError(503, STOPPING) from None
            finally:
                self._turns.give()

        try:
            return await run_sync(
                work_in_turns, abandon_on_cancel=True, limiter=self._find_limiter()
            )
        finally:
            abandoned.set()

    def _find_limiter(self) -> anyio.CapacityLimiter:
        limiter = self._limiters.get(None)
        if limiter is None:
            limiter = anyio.CapacityLimiter(MAX_THREADS)
            self._limiters.set(limiter)
        return limiter
