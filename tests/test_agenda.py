"""What a run does next, decided without threads, tasks or a clock."""

import math

import httpx
import pytest
from openrouter_rerank import RerankJob, RerankOutcome
from openrouter_rerank._bulk.job_state import Errand, Terms, prepare_errand
from openrouter_rerank._bulk.rate_limiter import Pace
from openrouter_rerank._bulk.scheduler import Agenda, Step
from openrouter_rerank._call.config import Settings, read_settings
from openrouter_rerank.errors import (
    BadGatewayResponseError,
    OpenRouterError,
    PaymentRequiredResponseError,
    ResponseValidationError,
    RunStoppedError,
)
from openrouter_rerank.operations import CreateRerankResponseBody


def make_agenda(*, ordered: bool = True, max_cost: float | None = None) -> Agenda:
    """Begin a run."""
    return Agenda(Pace(now=0.0), max_concurrency=4, ordered=ordered, max_cost=max_cost)


def make_settings() -> Settings:
    """Return a client's usual settings."""
    return read_settings(
        api_key="sk-or-agenda",
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


def take(agenda: Agenda) -> Errand:
    """Take a job, without sending it."""
    assert agenda.choose(0.0) is Step.TAKE_JOB
    job = RerankJob(query="q", documents=["a"], model="m")
    errand = prepare_errand(job, agenda.taken, Terms())
    assert isinstance(errand, Errand)
    agenda.add(errand)
    return errand


def send(agenda: Agenda) -> Errand:
    """Take a job and send it."""
    errand = take(agenda)
    assert agenda.choose(0.0) is errand
    errand.options.apply(make_settings())
    return errand


def fail(agenda: Agenda, errand: Errand, error: OpenRouterError, now: float = 0.0) -> None:
    """Note what an attempt ended in, as the policy has it."""
    event = errand.plan(error, now, 1.0)
    agenda.fail(errand, error, now, is_retried=event is not None)


def succeed(agenda: Agenda, errand: Errand) -> RerankOutcome:
    """Note a success."""
    outcome = errand.succeed(CreateRerankResponseBody(model="m", results=[]))
    agenda.succeed(errand, outcome, 0.0)
    return outcome


def test_stop_fails_the_jobs_that_wait_for_another_attempt() -> None:
    """After a refusal, a job that was to be retried is an outcome with its last error."""
    agenda = make_agenda()
    waiting, refused, flying = send(agenda), send(agenda), send(agenda)
    error = BadGatewayResponseError("bad", httpx.Response(502))
    fail(agenda, waiting, error)
    fail(agenda, refused, PaymentRequiredResponseError("broke", httpx.Response(402)))

    assert agenda.choose(60.0) is Step.END
    assert not agenda.is_finished
    fail(agenda, flying, BadGatewayResponseError("bad", httpx.Response(502)))
    outcomes = agenda.collect()
    assert [outcome.position for outcome in outcomes] == [0, 1, 2]
    assert outcomes[0].error is error


def test_taken_job_that_is_not_sent_is_on_the_error() -> None:
    """A job that was taken just before the stop, or is given only after it, is lost to nobody."""
    agenda = make_agenda()
    refused, before = send(agenda), take(agenda)
    after = prepare_errand(RerankJob(query="q", documents=["a"], model="m"), 2, Terms())
    assert isinstance(after, Errand)
    fail(agenda, refused, PaymentRequiredResponseError("broke", httpx.Response(402)))
    failure = agenda.find_failure()
    agenda.add(after)

    assert isinstance(failure, RunStoppedError)
    assert failure.unsent == [before.job, after.job]


def test_billed_reply_that_cannot_be_read_ends_a_limited_run() -> None:
    """Under `max_cost`, a success of the wrong shape is a reply without a cost."""
    agenda = make_agenda(max_cost=1.0)
    fail(agenda, send(agenda), ResponseValidationError("what", httpx.Response(200)))

    failure = agenda.find_failure()
    assert isinstance(failure, RunStoppedError)
    assert failure.reason == "unknown_cost"


def test_first_reason_to_stop_is_told() -> None:
    """Of several refusals, the first is the cause."""
    agenda = make_agenda()
    errands = send(agenda), send(agenda)
    failures = [PaymentRequiredResponseError(text, httpx.Response(402)) for text in "ab"]
    for errand, failure in zip(errands, failures, strict=True):
        fail(agenda, errand, failure)

    stopped = agenda.find_failure()
    assert isinstance(stopped, RunStoppedError)
    assert stopped.cause is failures[0]


def test_outcomes_after_a_gap_come_out_at_the_end() -> None:
    """A job that came to no outcome, since a hook raised, does not keep later ones back."""
    agenda = make_agenda()
    crashed, well = send(agenda), send(agenda)
    outcome = succeed(agenda, well)
    before = agenda.collect()
    agenda.crash(LookupError("hook"), is_sent=True)

    assert before == []
    assert agenda.collect() == [outcome]
    assert repr(agenda.find_failure()) == "LookupError('hook')"
    assert crashed.attempts == 1


def test_job_whose_time_ran_out_meanwhile_is_not_sent() -> None:
    """When the pace held a retry up beyond the job's deadline, the job has failed."""
    agenda = make_agenda()
    errand = send(agenda)
    fail(agenda, errand, BadGatewayResponseError("bad", httpx.Response(502)))

    assert agenda.choose(11.0) is Step.TAKE_JOB
    assert [outcome.attempts for outcome in agenda.collect()] == [1]


def test_nothing_to_do_is_waited_for() -> None:
    """While one worker takes a job, another waits for what happens, or for the next retry."""
    agenda = make_agenda()
    errand = send(agenda)
    assert agenda.choose(0.0) is Step.TAKE_JOB
    idle = agenda.choose(0.0)
    fail(agenda, errand, BadGatewayResponseError("bad", httpx.Response(502)))

    assert idle == math.inf
    assert agenda.choose(0.0) == pytest.approx(0.5)


def test_spent_run_waits_for_the_taker() -> None:
    """With nothing left to spend, whether there is a further job is for the taker to find out."""
    agenda = make_agenda(max_cost=1.0)
    agenda.cost = 1.0

    assert agenda.choose(0.0) is Step.TAKE_JOB
    agenda.exhaust()
    assert agenda.choose(0.0) is Step.END
    assert agenda.find_failure() is None


def test_abandoned_run_ends_in_its_failure() -> None:
    """What ends a run from outside is told, unless all was done before."""
    agenda, done = make_agenda(), make_agenda()
    send(agenda)
    done.exhaust()
    for each in (agenda, done):
        each.abandon(RuntimeError("cancelled"))

    assert agenda.is_finished
    assert repr(agenda.find_failure()) == "RuntimeError('cancelled')"
    assert done.find_failure() is None
