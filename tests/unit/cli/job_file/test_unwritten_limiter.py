"""A limit for the replies that a kill can lose."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from openrouter_rerank.cli._job_file.unwritten_limiter import LimiterClosedError, UnwrittenLimiter
from openrouter_rerank.testing import FakeOpenRouter

TIMEOUT_SECONDS = 10


def test_a_request_waits_until_a_reply_is_written_down() -> None:
    """With one slot the second request is sent when the first reply is written."""
    limiter = UnwrittenLimiter(1)
    with FakeOpenRouter() as client, ThreadPoolExecutor() as pool:
        limiter.attach(client.hooks)
        client.rerank.rerank(documents=["a"], model="m", query="first")
        waiting = pool.submit(client.rerank.rerank, documents=["a"], model="m", query="second")
        before = len(client.requests)

        limiter.release()
        waiting.result(TIMEOUT_SECONDS)

        assert (before, len(client.requests)) == (1, 2)


def test_failures_free_their_slot() -> None:
    """Attempts that are retried and calls that fail keep no slot."""
    limiter = UnwrittenLimiter(1)
    with FakeOpenRouter(503, 422, 200) as client:
        limiter.attach(client.hooks)
        with pytest.raises(Exception, match="scripted error"):
            client.rerank.rerank(documents=["a"], model="m", query="q")
        client.rerank.rerank(documents=["a"], model="m", query="q")

        assert len(client.requests) == 3


def test_closing_turns_everyone_away() -> None:
    """Threads that wait when the run ends send nothing, nor do later ones."""
    limiter = UnwrittenLimiter(1)
    limiter.acquire()
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(limiter.acquire) for _ in range(3)]
        limiter.close()
        failures = [future.exception(TIMEOUT_SECONDS) for future in waiting]

    with pytest.raises(LimiterClosedError):
        limiter.acquire()
    assert [type(failure) for failure in failures] == [LimiterClosedError] * 3
