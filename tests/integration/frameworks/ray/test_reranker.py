"""The callable by itself: what it sends, what it refuses, and how rows fail."""

import gc
import pickle
import threading
from collections import Counter
from typing import Any, cast

import httpx
import pytest
from integration.frameworks.ray.tables import KEY, make_reranker, make_table, rerank
from openrouter_rerank.ray import Reranker
from openrouter_rerank.testing import ScriptedTransport, answer


def test_every_argument_is_sent() -> None:
    """Each request holds what is the same for all rows."""
    transport = ScriptedTransport()
    reranker = Reranker(
        "m",
        top_n=1,
        provider={"sort": "price"},
        session_id="s",
        trace={"trace_name": "t"},
        user="u",
        transport=transport,
    )

    rerank(reranker, make_table([("q", ["a", "b"])]))

    assert transport.bodies == [
        {
            "model": "m",
            "query": "q",
            "documents": ["a", "b"],
            "top_n": 1,
            "provider": {"sort": "price"},
            "session_id": "s",
            "trace": {"trace_name": "t"},
            "user": "u",
        }
    ]


@pytest.mark.parametrize(
    ("query", "documents", "error"),
    [
        (None, ["a"], "TypeError: query: expected str, got NoneType"),
        (" ", ["a"], "ValueError: query: must not be blank"),
        ("q", None, "TypeError: documents: expected an iterable of documents, got NoneType"),
        ("q", [], "ValueError: documents: must not be empty"),
        ("q", ["a", ""], "ValueError: documents: blank at positions 1"),
        (
            "q",
            ["a", None],
            "TypeError: documents[1]: expected str, mapping or DocumentRequest, got NoneType",
        ),
    ],
)
def test_bad_row_is_a_row_with_its_error(query: object, documents: object, error: str) -> None:
    """A row that cannot be sent says why, and the rows around it are reranked."""
    reranker = make_reranker(unrankable="raise")

    columns = rerank(reranker, make_table([("q", ["a"]), (query, documents), ("q", ["b"])]))

    assert columns["error"] == [None, error, None]
    assert columns["order"] == [[0], None, [0]]


def test_failed_row_is_a_row_with_its_error() -> None:
    """A row whose call fails says so, and the rows around it are reranked."""

    def refuse(request: httpx.Request) -> httpx.Response:
        return answer(400 if b"bad" in request.content else 200).build(request)

    reranker = make_reranker(*[refuse] * 3)

    columns = rerank(reranker, make_table([("q", ["a"]), ("bad", ["a"]), ("q", ["a"])]))

    assert columns["error"] == [None, "BadRequestResponseError: 400: scripted error", None]
    assert [columns["order"][1], columns["scores"][1], columns["cost"][1]] == [None, None, None]


def test_refused_key_sends_nothing_more() -> None:
    """After a 401, the rows that are left, and those of later batches, fail without a request."""
    transport = ScriptedTransport(401, 401)
    reranker = Reranker("m", max_concurrency=2, api_key=lambda: KEY, transport=transport)
    table = make_table([("q", ["a"])] * 4)

    first = reranker(table).to_pydict()["error"]
    second = rerank(reranker, table)["error"]

    classes = Counter(error.partition(":")[0] for error in first + second)
    assert classes["UnauthorizedResponseError"] == len(transport.requests) <= 2
    assert classes["RunStoppedError"] == 8 - len(transport.requests)
    assert KEY not in str(first + second)


def test_retry_does_not_wait_for_the_next_batch() -> None:
    """The last row of a batch is sent again before the batch is given back."""
    reranker = make_reranker(answer(503, retry_after=0), 200, max_concurrency=2)

    columns = rerank(reranker, make_table([("q", ["a"])]))

    assert columns["error"] == [None]


def test_batch_after_one_that_raised_is_reranked() -> None:
    """What the function for the key raises ends its batch alone, and no row is mixed up."""
    keys: dict[str, str] = {}
    reranker = Reranker("m", api_key=lambda: keys["key"], transport=ScriptedTransport())

    with pytest.raises(KeyError):
        reranker(make_table([("lost", ["a"])] * 9))
    keys["key"] = KEY
    columns = rerank(reranker, make_table([("q", ["a"]), ("q", ["a", "b"])]))

    assert columns["order"] == [[0], [0, 1]]


class SimulatedTime:
    """
    A time that stands still until somebody sleeps, and then moves on for all.

    Attributes:
        now: Seconds since the beginning.
    """

    def __init__(self) -> None:
        """Begin."""
        self.now = 0.0
        self._seen = threading.local()
        self._lock = threading.Lock()

    def read(self) -> float:
        """Return the time, and remember for this thread when it looked."""
        self._seen.now = self.now
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on to the end of a sleep that began when this thread last looked."""
        with self._lock:
            self.now = max(self.now, self._seen.now + seconds)


def test_rate_is_shared_out_and_holds_across_batches() -> None:
    """One of two actors keeps to half of the rate, and no batch begins with requests for free."""
    reranker = make_reranker(requests_per_minute=60 * 80, actors=2)
    caller = cast("Any", reranker)._job_stream._client._caller
    simulated = SimulatedTime()
    caller.clock = caller.clock._replace(now=simulated.read, sleep=simulated.sleep)
    table = make_table([("q", ["a"])] * 5)

    for _ in range(8):
        reranker(table)

    reranker.close()
    assert 0.9 * 39 / 40 < simulated.now < 2


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"model": ""}, ValueError, "model"),
        ({"top_n": 0}, ValueError, "top_n"),
        ({"query_column": None}, TypeError, "query_column"),
        ({"max_concurrency": 1}, ValueError, "max_concurrency"),
        ({"actors": 0}, ValueError, "actors"),
        ({"actors": 2, "requests_per_minute": 0}, ValueError, "requests_per_minute"),
        ({"requests_per_minute": 60}, ValueError, "actors"),
        ({"session_id": 5}, TypeError, "session_id"),
        ({"server_url": "nowhere"}, ValueError, "server_url"),
    ],
)
def test_wrong_argument_is_refused_at_once(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """What is wrong with every row is an error before the first one."""
    arguments = {"model": "m"} | arguments

    with pytest.raises(kind, match=message):
        Reranker(**arguments)


def test_key_as_text_is_refused_without_showing_it() -> None:
    """Text would stand in Ray's records of the job's arguments."""
    with pytest.raises(TypeError, match="OPENROUTER_API_KEY") as caught:
        Reranker("m", api_key=KEY)  # type: ignore[arg-type]

    assert KEY not in str(caught.value)


def test_instance_cannot_be_pickled() -> None:
    """Given to `map_batches` in the class's place, it says what to give."""
    reranker = make_reranker()

    with pytest.raises(TypeError, match="give map_batches the class"):
        pickle.dumps(reranker)
    reranker.close()


def test_client_is_closed_with_the_callable() -> None:
    """When Ray drops the callable, its client is closed."""
    closed: list[bool] = []

    class Transport(httpx.BaseTransport):
        def close(self) -> None:
            closed.append(True)

    reranker = Reranker("m", transport=Transport())
    assert not closed

    del reranker
    gc.collect()

    assert closed == [True]
