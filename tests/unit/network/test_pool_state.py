"""The places of a pool: last in, first out, and first come, first served."""

import threading

import pytest
from openrouter_rerank._network import pool_state
from openrouter_rerank._network.pool_state import PoolState, Waiter


@pytest.fixture
def full() -> PoolState[str]:
    """Return a pool whose places are all taken."""
    state: PoolState[str] = PoolState()
    for _ in range(pool_state.MAX_CONNECTIONS):
        assert state.acquire() == (True, None)
    return state


def test_the_last_that_came_back_goes_out_first() -> None:
    """Of the connections that rest, the one that is most surely alive is used."""
    state: PoolState[str] = PoolState()
    for _ in range(2):
        state.acquire()
    assert state.release("old") is None
    assert state.release("new") is None

    assert state.find_oldest() == "old"
    assert state.acquire() == (True, "new")
    assert state.acquire() == (True, "old")
    assert state.find_oldest() is None


def test_no_more_places_than_the_limit(full: PoolState[str]) -> None:
    """With all places taken there is none, until one comes back."""
    assert full.acquire() == (False, None)

    full.release(None)

    assert full.acquire() == (True, None)
    assert full.acquire() == (False, None)


def test_who_waits_is_served_in_order(full: PoolState[str]) -> None:
    """A place goes to who came first, with the connection if it can be used."""
    woken = [threading.Event() for _ in range(3)]
    waiters: list[Waiter[str]] = [Waiter(event) for event in woken]
    for waiter in waiters:
        full.enqueue(waiter)

    assert full.release("a") is None
    assert full.release(None) is None

    assert [waiter.has_slot for waiter in waiters] == [True, True, False]
    assert [event.is_set() for event in woken] == [True, True, False]
    assert [waiter.connection for waiter in waiters] == ["a", None, None]
    assert full.acquire() == (False, None)


def test_leaving_tells_whether_a_place_had_come(full: PoolState[str]) -> None:
    """Who gives up in the moment of being served has a place to give back."""
    served: Waiter[str] = Waiter(threading.Event())
    unserved: Waiter[str] = Waiter(threading.Event())
    full.enqueue(served)
    full.enqueue(unserved)
    full.release("a")

    assert full.dequeue(served)
    assert not full.dequeue(unserved)
    assert full.release("b") is None
    assert full.find_oldest() == "b"


def test_no_more_rest_than_the_limit(full: PoolState[str]) -> None:
    """Connections that nobody needs are closed."""
    most = pool_state.MAX_IDLE_CONNECTIONS
    returned = [full.release(str(number)) for number in range(most + 2)]

    unwanted = [connection for connection in returned if connection is not None]
    assert unwanted == [str(most), str(most + 1)]


def test_places_of_the_old_are_free_again(full: PoolState[str]) -> None:
    """A connection that grew old makes place for another."""
    full.release("old")
    full.release("new")
    full.drop_oldest()

    assert full.find_oldest() == "new"
    assert [full.acquire() for _ in range(3)] == [(True, "new"), (True, None), (False, None)]


def test_the_latest_is_not_yet_old() -> None:
    """The connection that just came back is not looked at; older ones are."""
    state: PoolState[str] = PoolState()
    for _ in range(2):
        state.acquire()
    state.release("old")

    alone = state.find_oldest("old")
    state.release("new")

    assert (alone, state.find_oldest("new"), state.find_oldest()) == (None, "old", "old")


def test_closing_gives_out_what_rests_and_keeps_nothing() -> None:
    """Connections in use are closed when they come back, and the places are free again."""
    state: PoolState[str] = PoolState(max_connections=2)
    state.acquire()
    state.acquire()
    state.release("rests")

    assert state.close() == ["rests"]
    assert state.acquire() == (True, None)
    assert state.release("comes back") == "comes back"
    assert state.find_oldest() is None
