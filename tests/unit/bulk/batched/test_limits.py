"""Retries and the deadline: of each part, and of the whole."""

from collections.abc import Iterator

import pytest
from openrouter_rerank import errors
from openrouter_rerank.testing import FakeOpenRouter, Step, answer
from unit.bulk.batched.parts import Half, every_half

PLACES = ("client", "call")


@every_half
def test_retries_are_each_parts(half: Half) -> None:
    """Every part is tried again by the policy."""
    with FakeOpenRouter(503, 200, 503, 200) as client:
        half(client, documents=["a", "b"], batch_size=1, max_concurrency=1)

    assert (len(client.requests), len(client.waits)) == (4, 2)


@every_half
@pytest.mark.parametrize("where", PLACES)
def test_deadline_is_for_the_whole(half: Half, where: str) -> None:
    """What an earlier part took is gone for the later ones, and a late part is not begun."""
    on_client, on_call = ({"deadline_ms": 5000} if where == each else {} for each in PLACES)
    script: list[Step] = [answer(429, retry_after=3), 200, answer(429, retry_after=3)]
    with FakeOpenRouter(*script, **on_client) as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=["a", "b"], batch_size=1, max_concurrency=1, **on_call)

    # Two seconds are left to the second part: the wait of three is not begun.
    assert (caught.value.part, caught.value.status_code) == (1, 429)
    assert client.waits == [3]


@every_half
def test_part_after_the_deadline_is_not_sent(half: Half) -> None:
    """Time that passes while the documents are read counts, and ends the call."""
    with FakeOpenRouter() as client:

        def read() -> Iterator[str]:
            client.waits.append(9)
            yield "a"

        with pytest.raises(errors.BatchError) as caught:
            half(client, documents=read(), batch_size=1, max_concurrency=1, deadline_ms=5000)

    assert isinstance(caught.value.cause, errors.DeadlineExceededError)
    assert str(caught.value.cause) == "not begun within the deadline of 5 s"
    assert client.requests == []


@every_half
def test_no_deadline_is_none(half: Half) -> None:
    """None lifts the client's limit for the whole."""
    with FakeOpenRouter(answer(429, retry_after=50), 200, 200, deadline_ms=1000) as client:
        half(client, documents=["a", "b"], batch_size=1, max_concurrency=1, deadline_ms=None)

    assert client.waits == [50]
