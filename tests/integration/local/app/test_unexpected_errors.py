"""Failures of a ranker, over real sockets."""

import logging
from collections.abc import Callable, Sequence

import httpx
import pytest
from integration.local.messages import BODY, read_error
from integration.local.rankers import FailingRanker
from openrouter_rerank.local import Ranking, running

SECRET = "a text that must not be logged"


def test_failure_gets_500_and_is_logged_without_content(caplog: pytest.LogCaptureFixture) -> None:
    """If the ranker fails, the reply follows the contract, and no log holds the caller's text."""
    with caplog.at_level(logging.DEBUG), running(FailingRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json={**BODY, "documents": [SECRET]})

    assert reply.status_code == 500
    assert read_error(reply)["metadata"] == {"error_type": "server"}
    assert reply.headers["X-Generation-Id"] in caplog.text
    assert "LookupError" in caplog.text
    assert SECRET not in caplog.text + reply.text


@pytest.mark.parametrize("scores", [[], [0.5], [0.5, float("nan")]])
def test_ranker_against_its_protocol_gets_500(scores: list[float]) -> None:
    """Missing scores and scores that are no numbers never reach a client."""

    class WrongRanker:
        def rank(
            self,
            query: str,  # noqa: ARG002  the protocol has it
            documents: Sequence[str],  # noqa: ARG002  the protocol has it
            *,
            checkpoint: Callable[[], None],  # noqa: ARG002  the protocol has it
        ) -> Ranking:
            return Ranking(scores, 1)

    with running(WrongRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == 500
