"""Rankings in threads, over real sockets."""

import json
import os
import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from integration.local.messages import BODY
from integration.local.rankers import TirelessRanker, WaitingRanker
from openrouter_rerank.local import MiniLMRanker, create_app, running

HEAD = (
    b"POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)


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


@pytest.mark.parametrize(
    "large",
    [[f"{number} and {number}" for number in range(10_000)], ["\u0301" * 1_000_000]],
    ids=["many texts", "long text"],
)
def test_small_request_is_served_between_large_ones(ranker: MiniLMRanker, large: list[str]) -> None:
    """Two documents need not wait until more large requests are done than there are processors."""
    tireless = TirelessRanker(ranker, sum(map(len, large)))
    count = max(2, os.cpu_count() or 1)
    content = json.dumps({**BODY, "documents": large}, ensure_ascii=False).encode()
    with running(tireless) as url, ExitStack() as stack:
        address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        connections = [
            stack.enter_context(socket.create_connection(address, timeout=60))
            for _ in range(count + 1)
        ]
        for connection in connections:
            connection.sendall(HEAD % len(content) + content)
        for _ in range(count):
            assert tireless.started.acquire(timeout=60)
        small = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=120))
        replies = [small.post("rerank", json=BODY).status_code for _ in range(3)]
        answered, _, _ = select.select(connections, [], [], 0)
        tireless.is_over.set()

    assert replies == [200] * 3
    assert answered == []


@pytest.mark.parametrize(
    "large", [["a"] * 3_000_000, ["\u0301" * 3_500_000]], ids=["checks", "texts"]
)
def test_work_ends_when_its_client_has_gone(ranker: MiniLMRanker, large: list[str]) -> None:
    """The server works on nothing more for clients that have left, whatever it was at."""
    content = json.dumps({**BODY, "documents": large}, ensure_ascii=False).encode()
    app = create_app(ranker)
    turns = app.state.workers._turns
    with running(app=app) as url:
        address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        all_free = turns._free
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(HEAD % len(content) + content)
            while turns._free == all_free:
                pass
        while turns._free < all_free:
            pass
        reply = httpx.post(f"{url}/rerank", json=BODY, trust_env=False)

    assert reply.status_code == 200
