"""A run over many jobs in threads: `client.rerank.rerank_many`."""

import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import copy_context
from types import TracebackType
from typing import Self

from openrouter_rerank._call.caller import Caller
from openrouter_rerank._call.clock import SYSTEM_CLOCK
from openrouter_rerank.errors import ClientClosedError, OpenRouterError

from .job_state import JobState, SingleAttemptSettings, prepare_job_state
from .jobs import RerankJob, RerankOutcome
from .options import RunOptions
from .scheduler import Action

# How long closing waits for the requests that are under way; they cannot be called back.
CLOSE_SECONDS = 1.0
# How long the caller leaves outcomes to gather before it looks for more.
GATHER_SECONDS = 0.005
# A worker that would wake hardly earlier than another need not.
SAME_TIME_SECONDS = 0.0005
# A policy may allow a server to ask for more than a lock's timeout can be.
LONGEST_WAIT_SECONDS = 3600.0


class RerankOutcomes(Iterator[RerankOutcome]):
    """
    The outcomes of a run, one after the other; the run begins with the first that is asked for.

    As a context manager it closes itself. Without, a run that is left early ends as soon as Python
    drops the iterator.
    """

    def __init__(self, caller: Caller, jobs: Iterable[RerankJob], options: RunOptions) -> None:
        """Begin nothing yet."""
        self._workers = ThreadWorkers(caller, jobs, options)
        self._outcomes = self._workers.run()

    def __next__(self) -> RerankOutcome:
        """Return the next outcome, as soon as it is there."""
        return next(self._outcomes)

    def close(self) -> None:
        """
        End the run: nothing new is sent, no further job is taken, and its threads end.

        Requests under way are waited for, at most a second; the thread of one that takes longer
        ends with it. Their replies are lost, and may have been billed.
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
        """Begin nothing yet."""
        self._caller = caller
        self._jobs = jobs
        self._options = options
        self._clock = caller.clock
        self._attempt_settings = SingleAttemptSettings()
        self._threads: list[threading.Thread] = []
        # Garbage may be collected under it, and the iterator be dropped with that, which takes it.
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._output = threading.Condition(self._lock)
        self._idle = 0
        self._is_awaited = False
        self._collected_at = -math.inf
        self._wakes_at = math.inf

    def run(self) -> Generator[RerankOutcome]:
        """Yield the outcomes; nobody who works for it holds on to this generator."""
        self._began_at = self._clock.now()
        self._scheduler = self._options.begin(self._began_at)
        self._iterator = iter(self._jobs)
        on_progress = self._options.on_progress
        try:
            with self._lock:
                self._start_worker()
            while outcomes := self._collect():
                for outcome in outcomes:
                    yield outcome
                    self._scheduler.on_given_out(outcome)
                    if on_progress is not None:
                        on_progress(self._scheduler.progress(self._clock.now() - self._began_at))
        finally:
            with self._lock:
                self._scheduler.close()
                self._work.notify_all()
        self.close()
        failure = self._scheduler.find_failure()
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Wait a little for the threads to end."""
        ends_at = SYSTEM_CLOCK.now() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, ends_at - SYSTEM_CLOCK.now()))

    def _collect(self) -> list[RerankOutcome]:
        """Wait for outcomes; none are the end."""
        now = SYSTEM_CLOCK.now()
        if now < self._collected_at + GATHER_SECONDS:
            # Waking for each of many outcomes would take time from those who work.
            SYSTEM_CLOCK.sleep(self._collected_at + GATHER_SECONDS - now)
        with self._lock:
            while not self._scheduler.has_output:
                self._is_awaited = True
                self._output.wait()
            outcomes = self._scheduler.take_outcomes()
            self._work.notify()
        self._collected_at = SYSTEM_CLOCK.now()
        return outcomes

    def _start_worker(self) -> None:
        """Start another thread, unless one has nothing to do."""
        if self._idle == 0 and len(self._threads) < self._options.max_concurrency:
            # Daemons, since one may wait for the caller's iterable for as long as that likes.
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
        note: Callable[[], None] | None = None
        try:
            while (step := self._advance(note)) is not Action.END:
                note = self._take_job() if step is Action.TAKE_JOB else self._send(step)
        except BaseException as error:  # noqa: BLE001 - nobody would hear of it in a thread
            with self._lock:
                self._scheduler.abort(error)
                self._notify_consumer()
                self._work.notify_all()

    def _advance(self, note: Callable[[], None] | None) -> JobState | Action:
        """Note what has happened, and wait for something to do."""
        with self._lock:
            if note is not None:
                note()
            while isinstance(step := self._scheduler.next_action(self._clock.now()), int | float):
                self._notify_consumer()
                self._wait(step)
            self._notify_consumer()
            if step is not Action.END:
                self._start_worker()
            if self._idle:
                # Another may be needed to take the next job, or to watch the time.
                self._work.notify(len(self._threads) if step is Action.END else 1)
            return step

    def _notify_consumer(self) -> None:
        if self._is_awaited and self._scheduler.has_output:
            self._is_awaited = False
            self._output.notify()

    def _wait(self, seconds: float) -> None:
        """Wait for something to happen; as long as another watches the time, for it alone."""
        if self._clock is not SYSTEM_CLOCK and seconds < math.inf:
            self._lock.release()
            try:
                self._clock.sleep(seconds)
            finally:
                self._lock.acquire()
            return
        wakes_at = self._clock.now() + seconds
        self._idle += 1
        try:
            if wakes_at >= self._wakes_at - SAME_TIME_SECONDS:
                self._work.wait()
                return
            self._wakes_at = wakes_at
            self._work.wait(min(seconds, LONGEST_WAIT_SECONDS))
            if self._wakes_at == wakes_at:
                self._wakes_at = math.inf
        finally:
            self._idle -= 1

    def _take_job(self) -> Callable[[], None]:
        """Take a job from the caller, and return how to note it."""
        try:
            job = next(self._iterator)
            state = prepare_job_state(job, self._scheduler.taken, self._attempt_settings)
        except StopIteration:
            return self._scheduler.on_exhausted
        except BaseException as error:  # noqa: BLE001 - it is raised where the caller is
            failure = error
            return lambda: self._scheduler.on_exhausted(failure)
        return lambda: self._scheduler.on_job(state)

    def _send(self, state: JobState) -> Callable[[], None]:
        """Make one attempt, and return how to note it."""
        scheduler, clock = self._scheduler, self._clock
        try:
            try:
                reply = self._caller.call(state.encoded, state.options)
                outcome = state.succeed(reply.decode(state.encoded.documents))
            except ClientClosedError:
                raise
            except OpenRouterError as error:
                failed = error
                event = state.plan(error, clock.now(), clock.draw())
                if state.settings is not None:
                    hooks = state.settings.hooks
                    if event is None:
                        hooks.errors.emit(error)
                    else:
                        hooks.retries.emit(event)
                return lambda: scheduler.on_failure(
                    state, failed, clock.now(), is_retried=event is not None
                )
            except (TypeError, ValueError) as error:
                if state.settings is not None:
                    raise
                refused = state.refuse(error)
                return lambda: scheduler.on_refused(state, refused, clock.now())
        except BaseException as error:  # noqa: BLE001 - it is raised where the caller is
            failure = error
            return lambda: scheduler.on_crash(failure, is_sent=True)
        return lambda: scheduler.on_success(state, outcome, clock.now())
