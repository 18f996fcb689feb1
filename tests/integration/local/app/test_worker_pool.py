"""Rankings in threads, over real sockets."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from integration.local.messages import BODY
from integration.local.rankers import WaitingRanker
from openrouter_rerank.local import running


@pytest.fixture
def waiting() -> Iterator[WaitingRanker]:
    """Give a ranker that waits, and release it in the end."""
    ranker = WaitingRanker()
    yield ranker
    ranker.go_on.set()


def test_event_loop_is_free_while_rankings_run(waiting: WaitingRanker) -> None:
    """While more rankings run than there are workers, other requests are answered."""
    with (
        running(waiting) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as http,
        ThreadPoolExecutor(40) as pool,
    ):
        rankings = [pool.submit(http.post, "rerank", json=BODY) for _ in range(40)]
        assert waiting.started.acquire(timeout=30)
        unrouted = http.get("nothing")
        invalid = http.post("rerank", json={})
        waiting.go_on.set()
        statuses = {ranking.result().status_code for ranking in rankings}

    assert (unrouted.status_code, invalid.status_code) == (404, 400)
    assert statuses == {200}


def test_ranking_stops_when_the_client_has_gone(waiting: WaitingRanker) -> None:
    """A client that gives up frees the worker, and the server goes on."""
    with running(waiting) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/rerank", json=BODY, timeout=0.3)
        stopped = waiting.stopped.wait(30)
        waiting.go_on.set()
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert stopped
    assert reply.status_code == 200
