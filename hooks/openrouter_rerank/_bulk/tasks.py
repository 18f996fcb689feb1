"""A run over many jobs in tasks, on asyncio or trio: `client.rerank.rerank_many_async`."""

import inspect
import math
import sys
import weakref
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

import anyio
from anyio.abc import TaskGroup

from openrouter_rerank._call.caller import Caller
from openrouter_rerank._call.clock import SYSTEM_CLOCK
from openrouter_rerank.errors import ClientClosedError, OpenRouterError

from .job_state import JobState, SingleAttemptSettings, prepare_job_state
from .jobs import RerankJob, RerankOutcome
from .options import RunOptions
from .scheduler import Action
from .threads import GATHER_SECONDS, LONGEST_WAIT_SECONDS, SAME_TIME_SECONDS

Jobs = Iterable[RerankJob] | AsyncIterable[RerankJob]


class AsyncRerankOutcomes(AsyncIterator[RerankOutcome]):
    """
    The outcomes of a run, one after the other; the run begins with the first that is asked for.

    As an async context manager it closes itself. Without, a run that is left early ends as soon as
    Python drops the iterator.
    """

    def __init__(self, caller: Caller, jobs: Jobs, options: RunOptions) -> None:
        """Begin nothing yet."""
        self._workers = TaskWorkers(caller, jobs, options)
        self._outcomes: deque[RerankOutcome] = deque()
        self._latest: RerankOutcome | None = None
        self._is_over = False

    async def __anext__(self) -> RerankOutcome:
        """
        Return the next outcome, as soon as it is there.

        When the wait for it is cancelled, the run ends.
        """
        if self._is_over:
            raise StopAsyncIteration
        try:
            await self._report()
            if not self._outcomes:
                self._begin()
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

    async def aclose(self) -> None:
        """End the run: no further job is taken, requests under way are cancelled, its tasks end."""
        self._is_over = True
        self._outcomes.clear()
        await self._workers.aclose()

    async def __aenter__(self) -> Self:
        """Return the iterator."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the iterator."""
        await self.aclose()

    def _begin(self) -> None:
        """Start the tasks, and have them end with this iterator; they know nothing of it."""
        if self._workers.is_begun:
            return
        abandon = self._workers.begin()
        # At the end of the interpreter the event loop is gone already.
        weakref.finalize(self, abandon).atexit = False

    async def _report(self) -> None:
        """Count the outcome that was given out last."""
        outcome, self._latest = self._latest, None
        if outcome is not None:
            await self._workers.report(outcome)


class TaskWorkers:
    """
    The tasks of a run, which share its scheduler.

    They are children of a task that belongs to nobody else: a task group inside an iterator would
    be left in another order than it was entered, or in another task.

    Attributes:
        scheduler: What the run does next.
        is_begun: Whether there are tasks, or were.
    """

    def __init__(self, caller: Caller, jobs: Jobs, options: RunOptions) -> None:
        """Begin nothing yet."""
        self._caller = caller
        self._jobs = jobs
        self._options = options
        self._clock = caller.clock
        self._attempt_settings = SingleAttemptSettings()
        self._began_at = self._clock.now()
        self.scheduler = options.begin(self._began_at)
        self.is_begun = False
        self._idle: deque[anyio.Event] = deque()
        self._started = 0
        self._collected_at = -math.inf
        self._wakes_at = math.inf

    def begin(self) -> Callable[[], None]:
        """
        Start the tasks.

        Returns:
            What has them end, from any thread.
        """
        self.is_begun = True
        self._began_at = self._clock.now()
        self.scheduler = self._options.begin(self._began_at)
        self._output, self._ended = anyio.Event(), anyio.Event()
        self._scope = anyio.CancelScope()
        self._async_iterator: AsyncIterator[RerankJob] | None = None
        if isinstance(self._jobs, AsyncIterable):
            self._async_iterator = aiter(self._jobs)
        else:
            self._iterator: Iterator[RerankJob] = iter(self._jobs)
        schedule = self._spawn()
        cancel = self._scope.cancel

        def abort() -> None:
            # The event loop may have ended before, and the tasks with it.
            with suppress(RuntimeError):
                schedule(cancel)

        return abort

    def _spawn(self) -> Callable[[Callable[[], None]], object]:
        """Start the task that the others are children of, and return how to reach its loop."""
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            trio.lowlevel.spawn_system_task(self._host)
            return cast(
                "Callable[[Callable[[], None]], object]",
                trio.lowlevel.current_trio_token().run_sync_soon,
            )
        # Not imported before it is in use.
        import asyncio

        loop = asyncio.get_running_loop()
        # The loop itself holds on to its tasks only weakly.
        self._host_task = loop.create_task(self._host())
        return loop.call_soon_threadsafe

    async def take_outcomes(self) -> list[RerankOutcome]:
        """Wait for outcomes; none are the end."""
        gathered_at = self._collected_at + GATHER_SECONDS
        if SYSTEM_CLOCK.now() < gathered_at:
            # Waking for each of many outcomes would take time from those who work.
            await anyio.sleep(gathered_at - SYSTEM_CLOCK.now())
        while not self.scheduler.has_output:
            self._output = anyio.Event()
            await self._output.wait()
        outcomes = self.scheduler.take_outcomes()
        self._collected_at = SYSTEM_CLOCK.now()
        self._wake()
        return outcomes

    async def report(self, outcome: RerankOutcome) -> None:
        """Count an outcome, and tell the caller."""
        self.scheduler.on_given_out(outcome)
        if self._options.on_progress is not None:
            progress = self.scheduler.progress(self._clock.now() - self._began_at)
            answer = self._options.on_progress(progress)
            if inspect.isawaitable(answer):
                await answer

    async def aclose(self) -> None:
        """Cancel the tasks, and wait for them to end."""
        if not self.is_begun:
            return
        self.scheduler.close()
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def _host(self) -> None:
        """Have the tasks for children until the run has ended."""
        failure: Exception = RuntimeError("the tasks of the run were cancelled by somebody else")
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    self._start_worker(tasks)
        except Exception as error:  # noqa: BLE001 - nobody waits for this task
            failure = error
        finally:
            self.scheduler.abort(failure)
            self._ended.set()
            self._output.set()

    def _start_worker(self, tasks: TaskGroup) -> None:
        """Start another task, unless one has nothing to do."""
        if not self._idle and self._started < self._options.max_concurrency:
            self._started += 1
            tasks.start_soon(self._run_worker, tasks, name=f"rerank-many-{self._started}")

    async def _run_worker(self, tasks: TaskGroup) -> None:
        """Do what the scheduler says, until it says to end."""
        while True:
            step = self.scheduler.next_action(self._clock.now())
            if self.scheduler.has_output:
                self._output.set()
            if isinstance(step, int | float):
                await self._wait(step)
                continue
            if step is Action.END:
                while self._idle:
                    self._wake()
                return
            self._start_worker(tasks)
            # Another may be needed to take the next job, or to watch the time.
            self._wake()
            if step is Action.TAKE_JOB:
                await self._take_job()
            else:
                await self._send(step)

    def _wake(self) -> None:
        if self._idle:
            self._idle.popleft().set()

    async def _wait(self, seconds: float) -> None:
        """Wait for something to happen; as long as another watches the time, for it alone."""
        if self._clock is not SYSTEM_CLOCK and seconds < math.inf:
            await self._clock.sleep_async(seconds)
            return
        event = anyio.Event()
        self._idle.append(event)
        wakes_at = self._clock.now() + seconds
        if wakes_at >= self._wakes_at - SAME_TIME_SECONDS:
            await event.wait()
            return
        self._wakes_at = wakes_at
        with anyio.move_on_after(min(seconds, LONGEST_WAIT_SECONDS)):
            await event.wait()
        if self._wakes_at == wakes_at:
            self._wakes_at = math.inf
        if not event.is_set():
            self._idle.remove(event)

    async def _take_job(self) -> None:
        """Take a job from the caller."""
        try:
            if self._async_iterator is None:
                job = next(self._iterator)
            else:
                job = await anext(self._async_iterator)
            state = prepare_job_state(job, self.scheduler.taken, self._attempt_settings)
        except (StopIteration, StopAsyncIteration):
            self.scheduler.on_exhausted()
        except Exception as error:  # noqa: BLE001 - it is raised where the caller is
            self.scheduler.on_exhausted(error)
        else:
            self.scheduler.on_job(state)

    async def _send(self, state: JobState) -> None:
        """Make one attempt."""
        scheduler, clock = self.scheduler, self._clock
        try:
            try:
                reply = await self._caller.call_async(state.encoded, state.options)
                outcome = state.succeed(reply.decode(state.encoded.documents))
                scheduler.on_success(state, outcome, clock.now())
            except ClientClosedError:
                raise
            except OpenRouterError as error:
                event = state.plan(error, clock.now(), clock.draw())
                if state.settings is not None:
                    hooks = state.settings.hooks
                    if event is None:
                        await hooks.errors.emit_async(error)
                    else:
                        await hooks.retries.emit_async(event)
                scheduler.on_failure(state, error, clock.now(), is_retried=event is not None)
            except (TypeError, ValueError) as error:
                if state.settings is not None:
                    raise
                scheduler.on_refused(state, state.refuse(error), clock.now())
        except Exception as error:  # noqa: BLE001 - it is raised where the caller is
            scheduler.on_crash(error, is_sent=True)
