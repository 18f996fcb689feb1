"""Choosing the outcome of each request."""

import threading
from typing import Any

import pytest
from openrouter_rerank.local import Faults
from openrouter_rerank.local._faults.outcome import OK, RESET, Outcome
from openrouter_rerank.local._faults.sequence import OutcomeSequence


def take(faults: Faults, count: int) -> list[Outcome]:
    """Choose the outcomes of `count` requests."""
    sequence = OutcomeSequence(faults)
    return [sequence.next_outcome() for _ in range(count)]


@pytest.mark.parametrize("script", ["", " ", (), []])
def test_empty_script_fails_nothing(script: Any) -> None:
    """Without outcomes every request gets the normal answer."""
    assert take(Faults(script), 3) == [OK, OK, OK]


def test_script_begins_again_after_its_end() -> None:
    """The first outcome follows the last one."""
    outcomes = take(Faults("429,ok"), 5)

    assert [outcome.status for outcome in outcomes] == [429, 200, 429, 200, 429]


def test_seed_makes_drops_the_same() -> None:
    """Equal seeds drop the same requests; another seed drops others."""
    first, again, other = (take(Faults(drop=0.5, seed=seed), 64) for seed in (1, 1, 2))

    assert first == again != other


@pytest.mark.parametrize(("drop", "outcome"), [(0, OK), (1, RESET), (1.0, RESET)])
def test_drop_reaches_from_never_to_always(drop: float, outcome: Outcome) -> None:
    """A probability of 0 drops nothing, one of 1 everything."""
    assert set(take(Faults(drop=drop), 200)) == {outcome}


def test_dropped_request_takes_no_outcome() -> None:
    """Between drops, the script goes on where it was."""
    outcomes = take(Faults("429,503,ok", drop=0.5, seed=3), 100)

    taken = [outcome.status for outcome in outcomes if outcome != RESET]
    assert 0 < len(taken) < 100
    assert taken == ([429, 503, 200] * 34)[: len(taken)]


def test_threads_share_a_script() -> None:
    """Requests that come at once each take their own place in the script."""
    sequence = OutcomeSequence(Faults("429,503"))
    chosen: list[Outcome] = []
    barrier = threading.Barrier(8)

    def choose() -> None:
        barrier.wait()
        chosen.extend(sequence.next_outcome() for _ in range(500))

    threads = [threading.Thread(target=choose) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcome.status for outcome in chosen) == [429] * 2000 + [503] * 2000
