"""The places of a pool: last in, first out, and first come, first served."""

import threading

import pytest
from openrouter_rerank._network import pool_state
from openrouter_rerank._network.pool_state import Slots, Waiter


@pytest.fixture
def full() -> Slots[str]:
    """Return a pool whose places are all taken."""
    slots: Slots[str] = Slots()
    for _ in range(pool_state.MAX_CONNECTIONS):
        assert slots.take() == (True, None)
    return slots


def test_the_last_that_came_back_goes_out_first() -> None:
    """Of the connections that rest, the one that is most surely alive is used."""
    slots: Slots[str] = Slots()
    for _ in range(2):
        slots.take()
    assert slots.give_back("old") is None
    assert slots.give_back("new") is None

    assert slots.find_oldest() == "old"
    assert slots.take() == (True, "new")
    assert slots.take() == (True, "old")
    assert slots.find_oldest() is None


def test_no_more_places_than_the_limit(full: Slots[str]) -> None:
    """With all places taken there is none, until one comes back."""
    assert full.take() == (False, None)

    full.give_back(None)

    assert full.take() == (True, None)
    assert full.take() == (False, None)


def test_who_waits_is_served_in_order(full: Slots[str]) -> None:
    """A place goes to who came first, with the connection if it can be used."""
    woken = [threading.Event() for _ in range(3)]
    waiters: list[Waiter[str]] = [Waiter(event) for event in woken]
    for waiter in waiters:
        full.wait(waiter)

    assert full.give_back("a") is None
    assert full.give_back(None) is None

    assert [waiter.has_place for waiter in waiters] == [True, True, False]
    assert [event.is_set() for event in woken] == [True, True, False]
    assert [waiter.connection for waiter in waiters] == ["a", None, None]
    assert full.take() == (False, None)


def test_leaving_tells_whether_a_place_had_come(full: Slots[str]) -> None:
    """Who gives up in the moment of being served has a place to give back."""
    served: Waiter[str] = Waiter(threading.Event())
    unserved: Waiter[str] = Waiter(threading.Event())
    full.wait(served)
    full.wait(unserved)
    full.give_back("a")

    assert full.leave(served)
    assert not full.leave(unserved)
    assert full.give_back("b") is None
    assert full.find_oldest() == "b"


def test_no_more_rest_than_the_limit(full: Slots[str]) -> None:
    """Connections that nobody needs are closed."""
    most = pool_state.MAX_IDLE_CONNECTIONS
    returned = [full.give_back(str(number)) for number in range(most + 2)]

    unwanted = [connection for connection in returned if connection is not None]
    assert unwanted == [str(most), str(most + 1)]


def test_places_of_the_old_are_free_again(full: Slots[str]) -> None:
    """A connection that grew old makes place for another."""
    full.give_back("old")
    full.give_back("new")
    full.drop_oldest()

    assert full.find_oldest() == "new"
    assert [full.take() for _ in range(3)] == [(True, "new"), (True, None), (False, None)]


def test_the_latest_is_not_yet_old() -> None:
    """The connection that just came back is not looked at; older ones are."""
    slots: Slots[str] = Slots()
    for _ in range(2):
        slots.take()
    slots.give_back("old")

    alone = slots.find_oldest("old")
    slots.give_back("new")

    assert (alone, slots.find_oldest("new"), slots.find_oldest()) == (None, "old", "old")


def test_closing_gives_out_what_rests_and_keeps_nothing() -> None:
    """Connections in use are closed when they come back, and the places are free again."""
    slots: Slots[str] = Slots(max_connections=2)
    slots.take()
    slots.take()
    slots.give_back("rests")

    assert slots.close() == ["rests"]
    assert slots.take() == (True, None)
    assert slots.give_back("comes back") == "comes back"
    assert slots.find_oldest() is None
