"""Attempts of a run's jobs: how many, how fast, and which hooks and log lines report them."""

import logging
from typing import Any

import httpx
import pytest
from integration.client.runs.jobs import HALVES, QUICK, make_jobs, run
from limits import FixedWindow
from openrouter_rerank import (
    RetryConfig,
    errors,
)
from openrouter_rerank.testing import FakeOpenRouter, answer

LATENCY_SECONDS = 0.002


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    ("script", "retries", "attempts", "status"),
    [
        ([500, 500, 200], None, 3, None),
        ([500, 500], RetryConfig(max_attempts=2), 2, 500),
        ([500], RetryConfig("none"), 1, 500),
        ([400], None, 1, 400),
        ([answer(429, retry_after=61)], None, 1, 429),
    ],
)
def test_run_retries_by_the_jobs_policy(
    half: str, script: list[Any], retries: RetryConfig | None, attempts: int, status: int | None
) -> None:
    """What is tried again, and how often, is what the job's own policy says, or the client's."""
    with FakeOpenRouter(*script) as client:
        outcomes, failure = run(half, client, make_jobs(1, retries=retries))

    assert failure is None
    assert [outcome.attempts for outcome in outcomes] == [attempts]
    assert getattr(outcomes[0].error, "status_code", None) == status
    assert getattr(outcomes[0].error, "attempts", attempts) == attempts


@pytest.mark.parametrize("half", HALVES)
def test_deadline_bounds_all_attempts_of_a_job(half: str) -> None:
    """A job whose next attempt would begin after its deadline has failed with the last error."""
    with FakeOpenRouter(answer(503, retry_after=3)) as client:
        outcomes, _ = run(half, client, make_jobs(1, deadline_ms=2000))

    assert outcomes[0].attempts == 1
    assert isinstance(outcomes[0].error, errors.ServiceUnavailableResponseError)


@pytest.mark.parametrize("half", HALVES)
def test_hooks_report_retries_and_last_errors(half: str) -> None:
    """`on_retry` is called for the run's retries, `on_error` only for a job's last error."""
    heard: list[str] = []
    with FakeOpenRouter(500, 500, 500, 200) as client:
        client.hooks.on_retry(lambda event: heard.append(f"retry {event.attempt}"))
        client.hooks.on_error(lambda error: heard.append(f"error {error.attempts}"))
        run(half, client, make_jobs(1), max_concurrency=1)

    assert heard == ["retry 1", "retry 2", "error 3"]


@pytest.mark.parametrize("half", HALVES)
def test_run_finds_a_servers_limit(half: str) -> None:
    """A run finds a limit of 50 requests a second, uses it, and hardly exceeds it."""
    limit = FixedWindow(50)

    def act(request: httpx.Request) -> httpx.Response:
        client.waits.append(LATENCY_SECONDS)
        return answer(429 if limit.ask(sum(client.waits)) else 200).build(request)

    with FakeOpenRouter(*[act] * 200, retry_config=QUICK) as client:
        # One worker, since each wait moves the time on for all.
        outcomes, failure = run(half, client, make_jobs(150), max_concurrency=1)

    assert failure is None
    assert all(outcome.error is None for outcome in outcomes)
    assert len(client.requests) < 1.15 * 150
    assert 150 / sum(client.waits) > 0.7 * 50


@pytest.mark.parametrize("half", HALVES)
def test_requests_per_minute_counts_retries(half: str) -> None:
    """Every request that is sent takes its place in the caller's limit."""
    with FakeOpenRouter(500, *[200] * 6, retry_config=QUICK) as client:
        run(half, client, make_jobs(6), requests_per_minute=1200, max_concurrency=1)

    assert len(client.requests) == 7
    assert sum(client.waits) >= 6 * 0.05 - 0.04


@pytest.mark.parametrize("half", HALVES)
def test_log_warns_only_of_the_end_of_jobs(half: str, caplog: pytest.LogCaptureFixture) -> None:
    """An attempt that another follows is a line of INFO, a job that is given up one of WARNING."""
    caplog.set_level(logging.INFO, "openrouter_rerank")
    with FakeOpenRouter(500, 200, 400) as client:
        run(half, client, make_jobs(2), max_concurrency=1)

    levels = [record.levelname for record in caplog.records if record.name == "openrouter_rerank"]
    assert levels == ["INFO", "WARNING"]
    assert "attempt 1 failed with InternalServerResponseError (500)" in caplog.messages[0]
    assert caplog.messages[1] == "giving up after attempt 2: BadRequestResponseError (400)"
