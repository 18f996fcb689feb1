"""The places of a pool: last in, first out, and first come, first served."""

import threading

import pytest
from openrouter_rerank._network.pool_state import PoolState, Slot, Waiter

MOST, MOST_IDLE = 5, 2
Slots = list[Slot[str]]


@pytest.fixture
def state() -> PoolState[str]:
    """Return a pool without connections."""
    return PoolState(MOST, MOST_IDLE)


@pytest.fixture
def slots(state: PoolState[str]) -> Slots:
    """Take all places of the pool."""
    return [take(state) for _ in range(MOST)]


def take(state: PoolState[str]) -> Slot[str]:
    """Take a place."""
    slot = state.acquire()
    assert slot is not None
    return slot


def test_the_last_that_came_back_goes_out_first(state: PoolState[str]) -> None:
    """Of the connections that rest, the one that is most surely alive is used."""
    old, new = take(state), take(state)
    assert state.release(old, "old") is None
    assert state.release(new, "new") is None

    assert state.find_oldest() == "old"
    assert [take(state).connection, take(state).connection] == ["new", "old"]
    assert state.find_oldest() is None


def test_no_more_places_than_the_limit(state: PoolState[str], slots: Slots) -> None:
    """With all places taken there is none, until one comes back."""
    assert state.acquire() is None

    state.release(slots[0], None)
    again = take(state)

    assert again.connection is None
    assert state.acquire() is None


def test_place_that_nobody_holds_is_free(state: PoolState[str], slots: Slots) -> None:
    """What a signal handler's exception left behind, between any two steps, blocks no place."""
    slots.pop()

    again = take(state)

    assert again.connection is None
    assert state.acquire() is None


def test_who_waits_is_served_in_order(state: PoolState[str], slots: Slots) -> None:
    """A place goes to who came first, with the connection if it can be used."""
    woken = [threading.Event() for _ in range(3)]
    waiters: list[Waiter[str]] = [Waiter(event) for event in woken]
    for waiter in waiters:
        state.enqueue(waiter)

    assert state.release(slots[0], "a") is None
    assert state.release(slots[1], None) is None

    assert [waiter.slot for waiter in waiters] == [slots[0], slots[1], None]
    assert [event.is_set() for event in woken] == [True, True, False]
    assert [slots[0].connection, slots[1].connection] == ["a", None]
    assert state.acquire() is None


def test_leaving_tells_whether_a_place_had_come(state: PoolState[str], slots: Slots) -> None:
    """Who gives up in the moment of being served has a place to give back."""
    served: Waiter[str] = Waiter(threading.Event())
    unserved: Waiter[str] = Waiter(threading.Event())
    state.enqueue(served)
    state.enqueue(unserved)
    state.release(slots[0], "a")

    assert state.dequeue(served) is slots[0]
    assert state.dequeue(unserved) is None
    assert state.release(slots[1], "b") is None
    assert state.find_oldest() == "b"


def test_no_more_rest_than_the_limit(state: PoolState[str], slots: Slots) -> None:
    """Connections that nobody needs are closed."""
    returned = [state.release(slot, str(number)) for number, slot in enumerate(slots)]

    assert returned == [None, None, "2", "3", "4"]


def test_places_of_the_old_are_free_again(state: PoolState[str], slots: Slots) -> None:
    """A connection that grew old makes place for another."""
    state.release(slots[0], "old")
    state.release(slots[1], "new")

    assert state.pop_expired("old".__eq__) == ["old"]
    assert state.find_oldest() == "new"
    again = take(state), take(state)
    assert [slot.connection for slot in again] == ["new", None]
    assert state.acquire() is None


def test_the_latest_is_not_yet_old(state: PoolState[str], slots: Slots) -> None:
    """The connection that just came back is neither looked at nor closed; older ones are."""
    state.release(slots[0], "old")

    alone = state.find_oldest("old")
    state.release(slots[1], "new")

    assert (alone, state.find_oldest("new"), state.find_oldest()) == (None, "old", "old")
    assert state.pop_expired(bool, "new") == ["old"]
    assert state.find_oldest() == "new"


def test_closing_gives_out_what_rests_and_keeps_nothing() -> None:
    """Connections in use are closed when they come back, and the places are free again."""
    state: PoolState[str] = PoolState(2, 2)
    resting, used = take(state), take(state)
    state.release(resting, "rests")

    assert state.close() == ["rests"]
    assert take(state).connection is None
    assert state.release(used, "comes back") == "comes back"
    assert state.find_oldest() is None
