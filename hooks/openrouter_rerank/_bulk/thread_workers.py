"""A run over many jobs in threads: `client.rerank.rerank_many`."""

import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import copy_context
from queue import SimpleQueue
from typing import Self

from openrouter_rerank._call.caller import Caller
from openrouter_rerank._call.clock import SYSTEM_CLOCK

from .job_state import JobState, prepare_job_state
from .jobs import RerankJob, RerankOutcome
from .options import RunOptions
from .scheduler import Action

# How long closing waits for requests in flight, which cannot be cancelled.
CLOSE_SECONDS = 1.0
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

    def stop(self) -> None:
        """
        Send nothing more, from any thread; the outcomes of requests in flight still come.

        A job that waits for its next attempt fails with the error of its last one. After its
        outcomes the iterator raises `RunStoppedError` with the reason "stopped", unless the run was
        over already. A thread that is taking a job is not waited for.
        """
        self._workers.stop()

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

    def __exit__(self, *_: object) -> None:
        """Close the iterator."""
        self.close()


class ThreadWorkers:
    """
    The threads of a run: one asks the scheduler what to do next, the others do it.

    They are daemons, since the caller's iterable may block one for ever.
    """

    def __init__(self, caller: Caller, jobs: Iterable[RerankJob], options: RunOptions) -> None:
        """Prepare a run, without starting it."""
        self._caller = caller
        self._jobs = jobs
        self._options = options
        self._clock = caller.clock
        self._began_at = self._clock.now()
        self._scheduler = options.make_scheduler(self._began_at)
        self._threads: list[threading.Thread] = []
        self._worker_count = 0
        self._actions: SimpleQueue[JobState | Action] = SimpleQueue()
        # Reentrant: garbage collection under it may drop the iterator, whose end takes it again.
        self._lock = threading.RLock()
        self._work_available = threading.Condition(self._lock)
        self._output_available = threading.Condition(self._lock)

    def run(self) -> Generator[RerankOutcome]:
        """Yield the outcomes; no thread keeps a reference to this generator."""
        with self._lock:
            # The limiter measures from now on, unless the run was stopped before its start.
            if not self._scheduler.is_stopped:
                self._began_at = self._clock.now()
                self._scheduler = self._options.make_scheduler(self._began_at)
        self._iterator = iter(self._jobs)
        on_progress = self._options.on_progress
        try:
            self._start_thread(self._dispatch)
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
                self._work_available.notify()
        self.close()
        failure = self._scheduler.find_failure()
        if failure is not None:
            raise failure

    def stop(self) -> None:
        """Send nothing more."""
        with self._lock:
            self._scheduler.stop()
            self._work_available.notify()
            self._notify_consumer()

    def close(self) -> None:
        """Wait up to `CLOSE_SECONDS` for the threads to end."""
        ends_at = SYSTEM_CLOCK.now() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, ends_at - SYSTEM_CLOCK.now()))

    def _collect(self) -> list[RerankOutcome]:
        """Wait for outcomes and return them; an empty list is the end."""
        with self._lock:
            while not self._scheduler.has_output:
                self._output_available.wait()
            self._work_available.notify()
            return self._scheduler.take_outcomes()

    def _start_thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(
            target=copy_context().run,
            args=(self._run, target),
            name=f"rerank-many-{len(self._threads)}",
            daemon=True,
        )
        thread.start()
        self._threads.append(thread)

    def _start_worker(self) -> None:
        try:
            self._start_thread(self._work)
        except RuntimeError:
            # The system has no more threads to give; those that there are go on.
            if self._worker_count == 0:
                raise
        else:
            self._worker_count += 1

    def _run(self, target: Callable[[], None]) -> None:
        """Do a thread's work; what breaks there ends the run."""
        try:
            target()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            with self._lock:
                self._scheduler.abort(error)
                self._work_available.notify()
                self._output_available.notify()

    def _dispatch(self) -> None:
        """Hand out what the scheduler says, until it says to end."""
        try:
            while (action := self._next_action()) is not Action.END:
                self._actions.put(action)
                if self._worker_count < self._scheduler.busy:
                    self._start_worker()
        finally:
            for _ in range(self._worker_count):
                self._actions.put(Action.END)

    def _next_action(self) -> JobState | Action:
        """Wait until there is something to do, or the end."""
        with self._lock:
            while isinstance(action := self._scheduler.next_action(self._clock.now()), int | float):
                self._notify_consumer()
                self._wait(action)
            self._notify_consumer()
            return action

    def _notify_consumer(self) -> None:
        if self._scheduler.has_output:
            self._output_available.notify()

    def _wait(self, seconds: float) -> None:
        """Wait until something has happened, or until the time."""
        if self._clock is not SYSTEM_CLOCK:
            if seconds < math.inf and not self._scheduler.busy:
                self._clock.sleep(seconds)
                return
            # A fake clock stands still while something else goes on.
            seconds = math.inf
        self._work_available.wait(min(seconds, LONGEST_WAIT_SECONDS))

    def _work(self) -> None:
        """Do what is handed out, until the end."""
        while (action := self._actions.get()) is not Action.END:
            record = self._take_job() if action is Action.TAKE_JOB else self._send(action)
            with self._lock:
                record()
                self._work_available.notify()
                self._notify_consumer()

    def _take_job(self) -> Callable[[], None]:
        """Take a job from the caller's iterable, and return the function that records it."""
        try:
            job = next(self._iterator)
            state = prepare_job_state(job, self._scheduler.taken, self._caller, self._caller.begin)
            if isinstance(state, JobState):
                state = state.find_cached() or state
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
