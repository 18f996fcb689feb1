"""A run over many jobs in tasks, on asyncio or trio: `client.rerank.rerank_many_async`."""

import inspect
import math
import weakref
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Self

import anyio
from anyio.abc import TaskGroup

from openrouter_rerank._call.caller import Caller
from openrouter_rerank._call.clock import SYSTEM_CLOCK
from openrouter_rerank._network.event_loop import find_event_loop
from openrouter_rerank.errors import RequestCancelledError

from .job_state import JobState, prepare_job_state
from .jobs import RerankJob, RerankOutcome
from .options import RunOptions
from .scheduler import Action
from .thread_workers import LONGEST_WAIT_SECONDS

CANCELLED = "a task was cancelled by somebody else"

Jobs = Iterable[RerankJob] | AsyncIterable[RerankJob]


class AsyncRerankOutcomes(AsyncIterator[RerankOutcome]):
    """
    The outcomes of a run, one at a time; the run starts when the first one is asked for.

    As an async context manager it closes itself. Otherwise, a run that is left early ends when
    Python drops the iterator.
    """

    def __init__(self, caller: Caller, jobs: Jobs, options: RunOptions) -> None:
        """Prepare a run, without starting it."""
        self._workers = TaskWorkers(caller, jobs, options)
        self._outcomes: deque[RerankOutcome] = deque()
        self._latest: RerankOutcome | None = None
        self._is_over = False

    async def __anext__(self) -> RerankOutcome:
        """
        Return the next outcome as soon as there is one.

        If the wait is cancelled, the run ends.
        """
        if self._is_over:
            raise StopAsyncIteration
        try:
            await self._record_returned()
            if not self._outcomes:
                self._start()
                self._outcomes.extend(await self._workers.take_outcomes())
        except BaseException:
            await self.aclose()
            raise
        if not self._outcomes:
            await self.aclose()
            failure = self._workers.scheduler.find_failure()
            raise StopAsyncIteration if failure is None else failure
        self._latest = self._outcomes.popleft()
        return self._latest

    def stop(self) -> None:
        """
        Async `RerankOutcomes.stop`, to be called in the run's event loop.

        A task that is taking a job is cancelled once all outcomes have been given out.
        """
        self._workers.stop()

    async def aclose(self) -> None:
        """End the run: it takes no more jobs, requests in flight are cancelled, its tasks end."""
        self._is_over = True
        self._outcomes.clear()
        await self._workers.aclose()

    async def __aenter__(self) -> Self:
        """Return the iterator."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the iterator."""
        await self.aclose()

    def _start(self) -> None:
        """Start the tasks, and end them with this iterator; they keep no reference to it."""
        if self._workers.is_started:
            return
        cancel = self._workers.start()
        # When the interpreter exits, the event loop is gone already.
        weakref.finalize(self, cancel).atexit = False

    async def _record_returned(self) -> None:
        """Count the outcome that was returned last."""
        outcome, self._latest = self._latest, None
        if outcome is not None:
            await self._workers.record_returned(outcome)


class TaskWorkers:
    """
    The tasks of a run: one asks the scheduler what to do next, the others do it.

    The first is a task of its own, the parent of the others. A task group inside an iterator could
    be left in another order than it was entered, or in another task.

    Attributes:
        scheduler: Decides what the run does next.
        is_started: Whether the tasks were started.
    """

    def __init__(self, caller: Caller, jobs: Jobs, options: RunOptions) -> None:
        """Prepare a run, without starting it."""
        self._caller = caller
        self._jobs = jobs
        self._options = options
        self._clock = caller.clock
        self._began_at = self._clock.now()
        self.scheduler = options.make_scheduler(self._began_at)
        self.is_started = False

    def start(self) -> Callable[[], None]:
        """
        Start the tasks.

        Returns:
            A function that cancels the tasks, from any thread.
        """
        self._async_iterator: AsyncIterator[RerankJob] | None = None
        if isinstance(self._jobs, AsyncIterable):
            self._async_iterator = aiter(self._jobs)
        else:
            self._iterator: Iterator[RerankJob] = iter(self._jobs)
        # The limiter measures from now on, unless the run was stopped before its start.
        if not self.scheduler.is_stopped:
            self._began_at = self._clock.now()
            self.scheduler = self._options.make_scheduler(self._began_at)
        self._output_available, self._ended = anyio.Event(), anyio.Event()
        self._work_available = anyio.Event()
        self._scope = anyio.CancelScope()
        call_in_loop = self._start_parent()
        # Not before: closing waits for the end of what was started.
        self.is_started = True
        cancel_scope = self._scope.cancel

        def cancel() -> None:
            # The event loop may have ended before, and the tasks with it.
            with suppress(RuntimeError):
                call_in_loop(cancel_scope)

        return cancel

    def _start_parent(self) -> Callable[[Callable[[], None]], object]:
        """Start the parent task, and return a function that calls others in its event loop."""
        loop = find_event_loop()
        loop.spawn(self._run_task_group)
        return loop.call_soon

    async def take_outcomes(self) -> list[RerankOutcome]:
        """Wait for outcomes and return them; an empty list is the end."""
        while not self.scheduler.has_output:
            self._output_available = anyio.Event()
            await self._output_available.wait()
        self._work_available.set()
        return self.scheduler.take_outcomes()

    async def record_returned(self, outcome: RerankOutcome) -> None:
        """Count an outcome, and call `on_progress`."""
        self.scheduler.on_returned(outcome)
        self._work_available.set()
        if self._options.on_progress is not None:
            progress = self.scheduler.progress(self._clock.now() - self._began_at)
            result = self._options.on_progress(progress)
            if inspect.isawaitable(result):
                await result

    def stop(self) -> None:
        """Send nothing more."""
        self.scheduler.stop()
        if self.is_started:
            self._work_available.set()
            self._output_available.set()

    async def aclose(self) -> None:
        """Cancel the tasks, and wait for them to end."""
        if not self.is_started:
            return
        self.scheduler.close()
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def _run_task_group(self) -> None:
        """Keep the tasks in a group until the run has ended."""
        failure: Exception = RequestCancelledError(CANCELLED)
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    await self._dispatch(tasks)
        except Exception as error:  # noqa: BLE001 - no one awaits this task
            failure = error
        finally:
            self.scheduler.abort(failure)
            self._ended.set()
            self._output_available.set()

    async def _dispatch(self, tasks: TaskGroup) -> None:
        """Start a task for what the scheduler says, until it says to end."""
        while (action := self.scheduler.next_action(self._clock.now())) is not Action.END:
            if self.scheduler.has_output:
                self._output_available.set()
            if isinstance(action, int | float):
                await self._wait(action)
            elif isinstance(action, JobState):
                tasks.start_soon(self._work, self._send, action)
            elif self._async_iterator is None:
                # It awaits nothing then, so a task of its own would be a waste.
                await self._take_job()
            else:
                tasks.start_soon(self._work, self._take_job)

    async def _wait(self, seconds: float) -> None:
        """Wait until something has happened, or until the time."""
        if self._clock is not SYSTEM_CLOCK:
            if seconds < math.inf and not self.scheduler.busy:
                await self._clock.sleep_async(seconds)
                return
            # A fake clock stands still while something else goes on.
            seconds = math.inf
        self._work_available = anyio.Event()
        with anyio.move_on_after(min(seconds, LONGEST_WAIT_SECONDS)):
            await self._work_available.wait()

    async def _work(self, do: Callable[..., Awaitable[None]], *arguments: JobState) -> None:
        """Do one action; a task that somebody else cancels must not be waited for."""
        try:
            await do(*arguments)
        except anyio.get_cancelled_exc_class():
            # A task group swallows a child's cancellation.
            self.scheduler.abort(RequestCancelledError(CANCELLED))
            raise
        finally:
            self._work_available.set()
            if self.scheduler.has_output:
                self._output_available.set()

    async def _take_job(self) -> None:
        """Take a job from the caller's iterable, and record it."""
        try:
            if self._async_iterator is None:
                job = next(self._iterator)
            else:
                job = await anext(self._async_iterator)
            state = prepare_job_state(
                job, self.scheduler.taken, self._caller, self._caller.begin_async
            )
            if isinstance(state, JobState):
                state = await state.find_cached_async() or state
        except (StopIteration, StopAsyncIteration):
            self.scheduler.on_exhausted()
        except Exception as error:  # noqa: BLE001 - raised in the caller's task
            self.scheduler.on_exhausted(error)
        else:
            self.scheduler.on_job(state)

    async def _send(self, state: JobState) -> None:
        """Make one attempt, and record its result."""
        try:
            result = await state.attempt_async()
        except Exception as error:  # noqa: BLE001 - raised in the caller's task
            self.scheduler.on_crash(error)
        else:
            self.scheduler.on_attempt(state, result, self._clock.now())
