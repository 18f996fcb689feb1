"""What a run does next, decided without threads, tasks or a clock."""

import math
from typing import Any, cast

import pytest
from fake_server import FakeServer, Outcome, begin, make_settings
from openrouter_rerank import RerankJob, RerankOutcome, RetryEvent
from openrouter_rerank._bulk.job_state import JobState
from openrouter_rerank._bulk.rate_limiter import AdaptiveRateLimiter
from openrouter_rerank._bulk.scheduler import Action, Scheduler
from openrouter_rerank._call.caller import Caller
from openrouter_rerank._call.sender import Sender
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._network.pool_registry import PoolRegistry
from openrouter_rerank.errors import RunStoppedError


def make_scheduler(
    *, ordered: bool = True, max_cost: float | None = None, max_unread: int | None = None
) -> Scheduler:
    """Begin a run."""
    return Scheduler(
        AdaptiveRateLimiter(now=0.0),
        max_concurrency=4,
        ordered=ordered,
        max_cost=max_cost,
        max_unread=max_unread,
    )


CALLER = Caller(make_settings(), Sender(PoolRegistry(verify=True, proxy=None, limits=None)))
REQUEST = EncodedRequest(b"", ["a"], model="m", query="q")


def make_job(position: int) -> JobState:
    """Make a job of a server that answers as it is told to."""
    job = RerankJob(query="q", documents=["a"], model="m")
    call = begin(FakeServer(), make_settings(deadline=10.0))
    return JobState(job, position, REQUEST, call, CALLER, CALLER.begin)


def take(scheduler: Scheduler) -> JobState:
    """Take a job, without sending it."""
    assert scheduler.next_action(0.0) is Action.TAKE_JOB
    state = make_job(scheduler.taken)
    scheduler.on_job(state)
    return state


def send(scheduler: Scheduler) -> JobState:
    """Take a job and send it."""
    state = take(scheduler)
    assert scheduler.next_action(0.0) is state
    return state


def answer(scheduler: Scheduler, state: JobState, reply: Outcome) -> RerankOutcome | RetryEvent:
    """Make an attempt that meets this reply, and record it."""
    server = cast("Any", state.call)._sender
    server.outcomes, server.time = [reply], 0.0
    result = state.attempt()
    scheduler.on_attempt(state, result, 0.0)
    return result


def test_stop_fails_the_jobs_that_wait_for_another_attempt() -> None:
    """After a refusal, a worker ends each job that was to be retried, with its last error."""
    scheduler = make_scheduler()
    waiting, refused, flying = send(scheduler), send(scheduler), send(scheduler)
    retry = answer(scheduler, waiting, Outcome(502))
    answer(scheduler, refused, Outcome(402))

    assert scheduler.next_action(60.0) is waiting
    scheduler.on_attempt(waiting, waiting.attempt(), 60.0)
    assert scheduler.next_action(60.0) == math.inf
    assert not scheduler.is_finished
    answer(scheduler, flying, Outcome(502))
    assert scheduler.next_action(60.0) is flying
    scheduler.on_attempt(flying, flying.attempt(), 60.0)
    assert scheduler.next_action(60.0) is Action.END
    outcomes = scheduler.take_outcomes()
    assert [outcome.position for outcome in outcomes] == [0, 1, 2]
    assert outcomes[0].error is retry.error


def test_closing_ends_the_jobs_that_a_stop_left_waiting() -> None:
    """Nobody takes their outcomes any more, so they end at once, and the run with them."""
    scheduler = make_scheduler()
    waiting, refused = send(scheduler), send(scheduler)
    retry = answer(scheduler, waiting, Outcome(502))
    answer(scheduler, refused, Outcome(402))
    assert not scheduler.is_finished

    scheduler.close()

    assert scheduler.next_action(0.0) is Action.END
    outcomes = scheduler.take_outcomes()
    assert [outcome.position for outcome in outcomes] == [0, 1]
    assert outcomes[0].error is retry.error


def test_taken_job_that_is_not_sent_is_on_the_error() -> None:
    """A job that was taken just before the stop, or is given only after it, is lost to nobody."""
    scheduler = make_scheduler()
    refused, before = send(scheduler), take(scheduler)
    after = make_job(2)
    answer(scheduler, refused, Outcome(402))
    failure = scheduler.find_failure()
    scheduler.on_job(after)

    assert isinstance(failure, RunStoppedError)
    assert failure.unsent == [before.job, after.job]


def test_billed_reply_that_cannot_be_read_ends_a_limited_run() -> None:
    """Under `max_cost`, a success of the wrong shape is a reply without a cost."""
    scheduler = make_scheduler(max_cost=1.0)
    answer(scheduler, send(scheduler), Outcome(content=b"<html>"))

    failure = scheduler.find_failure()
    assert isinstance(failure, RunStoppedError)
    assert failure.reason == "unknown_cost"


def test_first_reason_to_stop_is_told() -> None:
    """Of several refusals, the first is the cause."""
    scheduler = make_scheduler()
    errands = send(scheduler), send(scheduler)
    first, _ = [answer(scheduler, state, Outcome(402)) for state in errands]

    stopped = scheduler.find_failure()
    assert isinstance(stopped, RunStoppedError)
    assert stopped.cause is first.error


def test_outcomes_after_a_gap_come_out_at_the_end() -> None:
    """A job that came to no outcome, since a hook raised, does not keep later ones back."""
    scheduler = make_scheduler()
    _crashed, well = send(scheduler), send(scheduler)
    outcome = answer(scheduler, well, Outcome())
    before = scheduler.take_outcomes()
    scheduler.on_crash(LookupError("hook"))

    assert before == []
    assert scheduler.take_outcomes() == [outcome]
    assert repr(scheduler.find_failure()) == "LookupError('hook')"


def test_job_whose_time_ran_out_meanwhile_is_not_sent() -> None:
    """When the pace held a retry up beyond the job's deadline, the job has failed."""
    scheduler = make_scheduler()
    state = send(scheduler)
    answer(scheduler, state, Outcome(502))

    assert scheduler.next_action(11.0) is state
    scheduler.on_attempt(state, state.attempt(), 11.0)
    assert [outcome.attempts for outcome in scheduler.take_outcomes()] == [1]


def test_nothing_to_do_is_waited_for() -> None:
    """While one worker takes a job, another waits for what happens, or for the next retry."""
    scheduler = make_scheduler()
    state = send(scheduler)
    assert scheduler.next_action(0.0) is Action.TAKE_JOB
    idle = scheduler.next_action(0.0)
    answer(scheduler, state, Outcome(502))

    assert idle == math.inf
    assert scheduler.next_action(0.0) == pytest.approx(0.5)


def test_spent_run_waits_for_the_taker() -> None:
    """With nothing left to spend, whether there is a further job is for the taker to find out."""
    scheduler = make_scheduler(max_cost=1.0)
    scheduler.cost = 1.0

    assert scheduler.next_action(0.0) is Action.TAKE_JOB
    scheduler.on_exhausted()
    assert scheduler.next_action(0.0) is Action.END
    assert scheduler.find_failure() is None


def test_abandoned_run_ends_in_its_failure() -> None:
    """What ends a run from outside is told, unless all was done before."""
    scheduler, done = make_scheduler(), make_scheduler()
    send(scheduler)
    done.on_exhausted()
    for each in (scheduler, done):
        each.abort(RuntimeError("cancelled"))

    assert scheduler.is_finished
    assert repr(scheduler.find_failure()) == "RuntimeError('cancelled')"
    assert done.find_failure() is None


def test_nothing_is_sent_while_too_much_is_unread() -> None:
    """A result holds its place until the caller is done with it; a failed job holds none."""
    scheduler = make_scheduler(max_unread=1)
    outcome = answer(scheduler, send(scheduler), Outcome())
    waits = [scheduler.next_action(0.0)]
    given = scheduler.take_outcomes()
    waits.append(scheduler.next_action(0.0))
    scheduler.on_returned(given[0])
    answer(scheduler, send(scheduler), Outcome(400))

    assert given == [outcome]
    assert waits == [math.inf, math.inf]
    assert scheduler.next_action(0.0) is Action.TAKE_JOB


def test_result_that_waits_for_an_earlier_job_holds_no_place() -> None:
    """In the order of the jobs, a run is not stuck with results that nobody can take."""
    scheduler = make_scheduler(max_unread=2)
    first, second = send(scheduler), send(scheduler)
    answer(scheduler, first, Outcome(502))
    answer(scheduler, second, Outcome())

    assert scheduler.next_action(1.0) is first
