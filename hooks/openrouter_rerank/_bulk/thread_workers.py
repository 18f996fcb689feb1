"""A run over many jobs in threads: `client.rerank.rerank_many`."""

import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import copy_context
from types import TracebackType
from typing import Self

from openrouter_rerank._call.caller import Caller
from openrouter_rerank._call.clock import SYSTEM_CLOCK

from .job_state import JobState, prepare_job_state
from .jobs import RerankJob, RerankOutcome
from .options import RunOptions
from .scheduler import Action

# How long closing waits for requests in flight, which cannot be cancelled.
CLOSE_SECONDS = 1.0
# How long the caller's thread lets outcomes gather before it takes more.
GATHER_SECONDS = 0.005
# A worker that would wake less than this before another need not watch the time.
SAME_TIME_SECONDS = 0.0005
# The limit for one wait: a policy may allow longer ones than a lock's timeout can be.
LONGEST_WAIT_SECONDS = 3600.0


class RerankOutcomes(Iterator[RerankOutcome]):
    """
    The outcomes of a run, one at a time; the run starts when the first one is asked for.

    As a context manager it closes itself. Otherwise, a run that is left early ends when Python
    drops the iterator.
    """

    def __init__(self, caller: Caller, jobs: Iterable[RerankJob], options: RunOptions) -> None:
        """Prepare a run, without starting it."""
        self._workers = ThreadWorkers(caller, jobs, options)
        self._outcomes = self._workers.run()

    def __next__(self) -> RerankOutcome:
        """Return the next outcome as soon as there is one."""
        return next(self._outcomes)

    def close(self) -> None:
        """
        End the run: it sends nothing more, takes no more jobs, and its threads end.

        It waits up to a second for requests in flight; the thread of a slower one ends with its
        request. Their replies are lost, and may have been billed.
        """
        self._outcomes.close()
        self._workers.close()

    def __enter__(self) -> Self:
        """Return the iterator."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the iterator."""
        self.close()


class ThreadWorkers:
    """The threads of a run, which share its scheduler under one lock."""

    def __init__(self, caller: Caller, jobs: Iterable[RerankJob], options: RunOptions) -> None:
        """Prepare a run, without starting it."""
        self._caller = caller
        self._jobs = jobs
        self._options = options
        self._clock = caller.clock
        self._threads: list[threading.Thread] = []
        # Reentrant: garbage collection under it may drop the iterator, whose end takes it again.
        self._lock = threading.RLock()
        self._work_available = threading.Condition(self._lock)
        self._output_available = threading.Condition(self._lock)
        self._idle = 0
        self._consumer_is_waiting = False
        self._collected_at = -math.inf
        self._next_wakeup = math.inf

    def run(self) -> Generator[RerankOutcome]:
        """Yield the outcomes; no worker keeps a reference to this generator."""
        self._began_at = self._clock.now()
        self._scheduler = self._options.make_scheduler(self._began_at)
        self._iterator = iter(self._jobs)
        on_progress = self._options.on_progress
        try:
            with self._lock:
                self._start_worker()
            while outcomes := self._collect():
                for outcome in outcomes:
                    yield outcome
                    with self._lock:
                        self._scheduler.on_returned(outcome)
                        self._work_available.notify()
                    if on_progress is not None:
                        on_progress(self._scheduler.progress(self._clock.now() - self._began_at))
        finally:
            with self._lock:
                self._scheduler.close()
                self._work_available.notify_all()
        self.close()
        failure = self._scheduler.find_failure()
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Wait up to `CLOSE_SECONDS` for the threads to end."""
        ends_at = SYSTEM_CLOCK.now() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, ends_at - SYSTEM_CLOCK.now()))

    def _collect(self) -> list[RerankOutcome]:
        """Wait for outcomes and return them; an empty list is the end."""
        now = SYSTEM_CLOCK.now()
        if now < self._collected_at + GATHER_SECONDS:
            # Waking for each of many outcomes would take time from the workers.
            SYSTEM_CLOCK.sleep(self._collected_at + GATHER_SECONDS - now)
        with self._lock:
            while not self._scheduler.has_output:
                self._consumer_is_waiting = True
                self._output_available.wait()
            outcomes = self._scheduler.take_outcomes()
            self._work_available.notify()
        self._collected_at = SYSTEM_CLOCK.now()
        return outcomes

    def _start_worker(self) -> None:
        """Start another thread, unless one is idle."""
        if self._idle == 0 and len(self._threads) < self._options.max_concurrency:
            # Daemons, since the caller's iterable may block a thread for ever.
            thread = threading.Thread(
                target=copy_context().run,
                args=(self._run_worker,),
                name=f"rerank-many-{len(self._threads)}",
                daemon=True,
            )
            self._threads.append(thread)
            thread.start()

    def _run_worker(self) -> None:
        """Do what the scheduler says, until it says to end."""
        record: Callable[[], None] | None = None
        try:
            while (action := self._next_action(record)) is not Action.END:
                record = self._take_job() if action is Action.TAKE_JOB else self._send(action)
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            with self._lock:
                self._scheduler.abort(error)
                self._notify_consumer()
                self._work_available.notify_all()

    def _next_action(self, record: Callable[[], None] | None) -> JobState | Action:
        """Record the result of the last action, and wait for the next one."""
        with self._lock:
            if record is not None:
                record()
            while isinstance(action := self._scheduler.next_action(self._clock.now()), int | float):
                self._notify_consumer()
                self._wait(action)
            self._notify_consumer()
            if action is not Action.END:
                self._start_worker()
            if self._idle:
                # Another worker may be needed to take the next job, or to watch the time.
                self._work_available.notify(len(self._threads) if action is Action.END else 1)
            return action

    def _notify_consumer(self) -> None:
        if self._consumer_is_waiting and self._scheduler.has_output:
            self._consumer_is_waiting = False
            self._output_available.notify()

    def _wait(self, seconds: float) -> None:
        """Wait to be notified, or until the time; one worker watches the time for all."""
        if self._clock is not SYSTEM_CLOCK and seconds < math.inf:
            self._lock.release()
            try:
                self._clock.sleep(seconds)
            finally:
                self._lock.acquire()
            return
        wakeup = self._clock.now() + seconds
        self._idle += 1
        try:
            if wakeup >= self._next_wakeup - SAME_TIME_SECONDS:
                self._work_available.wait()
                return
            self._next_wakeup = wakeup
            self._work_available.wait(min(seconds, LONGEST_WAIT_SECONDS))
            if self._next_wakeup == wakeup:
                self._next_wakeup = math.inf
        finally:
            self._idle -= 1

    def _take_job(self) -> Callable[[], None]:
        """Take a job from the caller's iterable, and return the function that records it."""
        try:
            job = next(self._iterator)
            state = prepare_job_state(
                job, self._scheduler.taken, self._caller.resolve, self._caller.begin
            )
        except StopIteration:
            return self._scheduler.on_exhausted
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            failure = error
            return lambda: self._scheduler.on_exhausted(failure)
        return lambda: self._scheduler.on_job(state)

    def _send(self, state: JobState) -> Callable[[], None]:
        """Make one attempt, and return the function that records its result."""
        try:
            result = state.attempt()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            failure = error
            return lambda: self._scheduler.on_crash(failure)
        return lambda: self._scheduler.on_attempt(state, result, self._clock.now())
