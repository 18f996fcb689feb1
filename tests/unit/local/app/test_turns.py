"""Turns of threads at the processor."""

import math
import threading
from collections.abc import Callable
from typing import Any, cast

from openrouter_rerank.local._app.turns import Turns

LONG_AGO = -math.inf


def start(work: Callable[[], object]) -> threading.Thread:
    """Run a function in a thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_free_turns_are_taken_at_once() -> None:
    """As many threads as there are turns need not wait, and a turn that ended is free again."""
    turns = Turns(2)

    for _ in range(3):
        turns.take()
        turns.take()
        turns.give()
        turns.give()


def test_turn_goes_on_while_nobody_waits() -> None:
    """However long a turn lasts, it goes on when no other thread wants it."""
    turns = Turns(1)
    turns.take()

    assert turns.pass_on(LONG_AGO) == LONG_AGO


def test_long_turn_goes_to_the_one_that_waits() -> None:
    """A turn that has lasted ends at its next checkpoint, and comes back after the other's."""
    turns = Turns(1)
    order: list[str] = []
    turns.take()
    is_waiting = threading.Event()

    def wait_for_turn() -> None:
        is_waiting.set()
        turns.take()
        order.append("other")
        turns.give()

    other = start(wait_for_turn)
    is_waiting.wait(30)
    began = LONG_AGO
    while not order:
        began = turns.pass_on(LONG_AGO)
    order.append("own")
    other.join(30)
    turns.give()

    assert order == ["other", "own"]
    assert began > LONG_AGO


def test_turns_go_round() -> None:
    """Threads that pass their turns on at each step all get on, none twice before another."""
    turns = Turns(1)
    steps: list[int] = []
    turns.take()
    ready = threading.Barrier(4)

    def work(number: int) -> None:
        ready.wait()
        began = turns.take()
        for _ in range(5):
            steps.append(number)
            began = turns.pass_on(LONG_AGO)
        assert began > LONG_AGO
        turns.give()

    threads = [start(lambda number=number: work(number)) for number in range(3)]  # type: ignore[misc]
    ready.wait()
    while len(cast("Any", turns)._waiting) < 3:
        pass
    turns.give()
    for thread in threads:
        thread.join(30)

    rounds = [set(steps[first : first + 3]) for first in range(0, 15, 3)]
    assert rounds == [{0, 1, 2}] * 5
