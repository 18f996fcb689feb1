"""Looking names up in time, off the caller's thread."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpcore
import pytest
from openrouter_rerank import OpenRouter, errors
from openrouter_rerank._network.resolver import MAX_LOOKUPS, Resolver

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]


class HangingResolver:
    """Stands for `socket.getaddrinfo` with a name server that does not answer."""

    def __init__(self) -> None:
        """Hang until told."""
        self.goes_on = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self, *_: Any, **__: Any) -> list[Any]:
        """Hang, then answer."""
        self.threads.append(threading.current_thread())
        self.goes_on.wait(60)
        return FOUND


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingResolver]:
    """Replace the system's resolver by one that hangs."""
    resolver = HangingResolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.goes_on.set()
    for thread in resolver.threads:
        if thread is not threading.current_thread():
            thread.join(60)


def test_answer_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is what the system's function finds, looked up in another thread."""
    threads: list[threading.Thread] = []

    def find(*given: Any, **_: Any) -> list[Any]:
        threads.append(threading.current_thread())
        assert given == ("h", 80)
        return FOUND

    monkeypatch.setattr(socket, "getaddrinfo", find)

    assert Resolver().look_up("h", 80, 10.0) == FOUND
    assert threads[0] is not threading.current_thread()


@pytest.mark.parametrize(
    ("host", "timeout"),
    [("h", None), ("192.0.2.1", 10.0), ("2001:db8::1", 10.0), ("fe80::1%lo", 1)],
)
def test_what_cannot_hang_needs_no_thread(
    host: str, timeout: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address is no name, and without a time limit the caller waits for itself."""
    threads: list[threading.Thread] = []

    def find(*_: Any, **__: Any) -> list[Any]:
        threads.append(threading.current_thread())
        return FOUND

    monkeypatch.setattr(socket, "getaddrinfo", find)

    assert Resolver().look_up(host, 80, timeout) == FOUND
    assert threads == [threading.current_thread()]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("too long")])
def test_error_is_the_systems(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system's function raises reaches the caller."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(type(error)) as caught:
        Resolver().look_up("h", 80, 10.0)
    assert caught.value is error


def test_lookup_is_left_alone_in_time(hanging: HangingResolver) -> None:
    """The caller goes on while the lookup still hangs."""
    with pytest.raises(httpcore.ConnectTimeout, match="the name h was not resolved in time"):
        Resolver().look_up("h", 80, 0.01)
    assert not hanging.goes_on.is_set()
    assert hanging.threads[0].daemon


def test_lookups_that_hang_are_counted(hanging: HangingResolver) -> None:
    """No name server makes a program grow threads for ever; when they go on, so do lookups."""
    resolver = Resolver()
    for _ in range(MAX_LOOKUPS):
        with pytest.raises(httpcore.ConnectTimeout, match="not resolved"):
            resolver.look_up("h", 80, 0.0)
    with pytest.raises(httpcore.ConnectTimeout, match=f"{MAX_LOOKUPS} lookups"):
        resolver.look_up("h", 80, 0.01)
    assert len(hanging.threads) == MAX_LOOKUPS
    hanging.goes_on.set()

    assert resolver.look_up("h", 80, 60.0) == FOUND


def test_forked_process_starts_anew(hanging: HangingResolver) -> None:
    """The lookups of the parent hang in threads that a child does not have."""
    resolver = Resolver()
    for _ in range(MAX_LOOKUPS):
        with pytest.raises(httpcore.ConnectTimeout):
            resolver.look_up("h", 80, 0.0)
    resolver.reset()
    hanging.goes_on.set()

    assert resolver.look_up("h", 80, 60.0) == FOUND


def test_no_thread_to_be_had_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system starts no thread, the name is looked up in the caller's."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def find(*_: Any, **__: Any) -> list[Any]:
        return FOUND

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", find)
    resolver = Resolver()

    for _ in range(2 * MAX_LOOKUPS):
        assert resolver.look_up("h", 80, 10.0) == FOUND


def test_deadline_holds_while_a_name_is_resolved(hanging: HangingResolver) -> None:
    """A sync call ends at its deadline, although the name server does not answer."""
    with OpenRouter("key", server_url="http://name.example/v1", deadline_ms=50) as client:
        with pytest.raises(errors.DeadlineExceededError):
            client.rerank.rerank(documents=["a"], model="m", query="q")
        kept = client.rerank.rank(["a"], model="m", query="q", on_failure="keep_order")
    assert not hanging.goes_on.is_set()
    assert isinstance(kept.failure, errors.DeadlineExceededError)
