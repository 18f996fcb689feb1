"""What a run does next, decided without threads, tasks or a clock."""

import math

import httpx
import pytest
from openrouter_rerank import RerankJob, RerankOutcome
from openrouter_rerank._bulk.job_state import JobState, SingleAttemptSettings, prepare_job_state
from openrouter_rerank._bulk.rate_limiter import AdaptiveRateLimiter
from openrouter_rerank._bulk.scheduler import Action, Scheduler
from openrouter_rerank._call.config import Settings, read_settings
from openrouter_rerank.errors import (
    BadGatewayResponseError,
    OpenRouterError,
    PaymentRequiredResponseError,
    ResponseValidationError,
    RunStoppedError,
)
from openrouter_rerank.operations import CreateRerankResponseBody


def make_scheduler(*, ordered: bool = True, max_cost: float | None = None) -> Scheduler:
    """Begin a run."""
    return Scheduler(
        AdaptiveRateLimiter(now=0.0), max_concurrency=4, ordered=ordered, max_cost=max_cost
    )


def make_settings() -> Settings:
    """Return a client's usual settings."""
    return read_settings(
        api_key="sk-or-scheduler",
        server_url="https://h/api/v1",
        http_referer=None,
        x_open_router_title=None,
        x_open_router_categories=None,
        retry_config=None,
        timeout_ms=None,
        timeout=None,
        deadline_ms=10_000,
        max_response_bytes=1000,
    )


def take(scheduler: Scheduler) -> JobState:
    """Take a job, without sending it."""
    assert scheduler.next_action(0.0) is Action.TAKE_JOB
    job = RerankJob(query="q", documents=["a"], model="m")
    state = prepare_job_state(job, scheduler.taken, SingleAttemptSettings())
    assert isinstance(state, JobState)
    scheduler.on_job(state)
    return state


def send(scheduler: Scheduler) -> JobState:
    """Take a job and send it."""
    state = take(scheduler)
    assert scheduler.next_action(0.0) is state
    state.options.apply(make_settings())
    return state


def fail(scheduler: Scheduler, state: JobState, error: OpenRouterError, now: float = 0.0) -> None:
    """Note what an attempt ended in, as the policy has it."""
    event = state.plan_retry(error, now, 1.0)
    scheduler.on_failure(state, error, now, is_retried=event is not None)


def succeed(scheduler: Scheduler, state: JobState) -> RerankOutcome:
    """Note a success."""
    outcome = state.succeed(CreateRerankResponseBody(model="m", results=[]))
    scheduler.on_success(state, outcome, 0.0)
    return outcome


def test_stop_fails_the_jobs_that_wait_for_another_attempt() -> None:
    """After a refusal, a job that was to be retried is an outcome with its last error."""
    scheduler = make_scheduler()
    waiting, refused, flying = send(scheduler), send(scheduler), send(scheduler)
    error = BadGatewayResponseError("bad", httpx.Response(502))
    fail(scheduler, waiting, error)
    fail(scheduler, refused, PaymentRequiredResponseError("broke", httpx.Response(402)))

    assert scheduler.next_action(60.0) is Action.END
    assert not scheduler.is_finished
    fail(scheduler, flying, BadGatewayResponseError("bad", httpx.Response(502)))
    outcomes = scheduler.take_outcomes()
    assert [outcome.position for outcome in outcomes] == [0, 1, 2]
    assert outcomes[0].error is error


def test_taken_job_that_is_not_sent_is_on_the_error() -> None:
    """A job that was taken just before the stop, or is given only after it, is lost to nobody."""
    scheduler = make_scheduler()
    refused, before = send(scheduler), take(scheduler)
    after = prepare_job_state(
        RerankJob(query="q", documents=["a"], model="m"), 2, SingleAttemptSettings()
    )
    assert isinstance(after, JobState)
    fail(scheduler, refused, PaymentRequiredResponseError("broke", httpx.Response(402)))
    failure = scheduler.find_failure()
    scheduler.on_job(after)

    assert isinstance(failure, RunStoppedError)
    assert failure.unsent == [before.job, after.job]


def test_billed_reply_that_cannot_be_read_ends_a_limited_run() -> None:
    """Under `max_cost`, a success of the wrong shape is a reply without a cost."""
    scheduler = make_scheduler(max_cost=1.0)
    fail(scheduler, send(scheduler), ResponseValidationError("what", httpx.Response(200)))

    failure = scheduler.find_failure()
    assert isinstance(failure, RunStoppedError)
    assert failure.reason == "unknown_cost"


def test_first_reason_to_stop_is_told() -> None:
    """Of several refusals, the first is the cause."""
    scheduler = make_scheduler()
    errands = send(scheduler), send(scheduler)
    failures = [PaymentRequiredResponseError(text, httpx.Response(402)) for text in "ab"]
    for state, failure in zip(errands, failures, strict=True):
        fail(scheduler, state, failure)

    stopped = scheduler.find_failure()
    assert isinstance(stopped, RunStoppedError)
    assert stopped.cause is failures[0]


def test_outcomes_after_a_gap_come_out_at_the_end() -> None:
    """A job that came to no outcome, since a hook raised, does not keep later ones back."""
    scheduler = make_scheduler()
    crashed, well = send(scheduler), send(scheduler)
    outcome = succeed(scheduler, well)
    before = scheduler.take_outcomes()
    scheduler.on_crash(LookupError("hook"), is_sent=True)

    assert before == []
    assert scheduler.take_outcomes() == [outcome]
    assert repr(scheduler.find_failure()) == "LookupError('hook')"
    assert crashed.attempts == 1


def test_job_whose_time_ran_out_meanwhile_is_not_sent() -> None:
    """When the pace held a retry up beyond the job's deadline, the job has failed."""
    scheduler = make_scheduler()
    state = send(scheduler)
    fail(scheduler, state, BadGatewayResponseError("bad", httpx.Response(502)))

    assert scheduler.next_action(11.0) is Action.TAKE_JOB
    assert [outcome.attempts for outcome in scheduler.take_outcomes()] == [1]


def test_nothing_to_do_is_waited_for() -> None:
    """While one worker takes a job, another waits for what happens, or for the next retry."""
    scheduler = make_scheduler()
    state = send(scheduler)
    assert scheduler.next_action(0.0) is Action.TAKE_JOB
    idle = scheduler.next_action(0.0)
    fail(scheduler, state, BadGatewayResponseError("bad", httpx.Response(502)))

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
