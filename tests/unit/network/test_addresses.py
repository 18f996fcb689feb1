"""Which address of a host is tried, for how long, and what becomes of those that fail."""

import socket
from typing import Any

import httpcore
import pytest
from openrouter_rerank._network.addresses import connect_in_time, resolve


def replace_resolver(monkeypatch: pytest.MonkeyPatch, found: list[Any]) -> None:
    """Have every name resolve to these addresses."""

    def resolve_name(*_: object, **__: object) -> list[Any]:
        return found

    monkeypatch.setattr(socket, "getaddrinfo", resolve_name)


class Network:
    """Addresses that answer, refuse or swallow packets, and a clock that they move on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **addresses: float | None) -> None:
        """
        Take the addresses of the one host.

        Args:
            monkeypatch: Puts them in the place of the resolver.
            **addresses: By name, after how many seconds each answers; None for a refusal.
        """
        self.time = 100.0
        self.tried: list[tuple[str, float | None]] = []
        self._addresses = addresses
        found: list[Any] = [(socket.AF_INET, 1, 6, "", (name, 80)) for name in addresses]
        replace_resolver(monkeypatch, found)

    def connect(self, address: str, seconds: float | None) -> httpcore.NetworkStream:
        """Let the time pass that an address takes."""
        self.tried.append((address, seconds))
        needs = self._addresses[address]
        if needs is None:
            raise httpcore.ConnectError(f"{address} refused")
        if seconds is not None and needs > seconds:
            self.time += seconds
            raise httpcore.ConnectTimeout("timed out")
        self.time += needs
        return httpcore.MockStream([])

    def open(self, timeout: float | None) -> None:
        """Open a connection to the host."""
        connect_in_time("h", 80, timeout, self.connect, lambda: self.time)


def test_next_address_is_tried_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that swallows packets costs a quarter of a second, not the whole timeout."""
    network = Network(monkeypatch, dead=1000.0, live=0.0)

    network.open(5.0)

    assert network.tried == [("dead", 0.25), ("live", 0.25)]
    assert network.time == 100.25


def test_all_addresses_share_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three dead addresses take no longer than one."""
    network = Network(monkeypatch, a=1000.0, b=1000.0, c=1000.0)

    with pytest.raises(httpcore.ConnectTimeout):
        network.open(0.5)

    assert network.tried == [("a", 0.25), ("b", 0.25)]
    assert network.time == 100.5


@pytest.mark.parametrize("timeout", [5.0, None])
def test_slow_address_has_its_chance(
    timeout: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address far away is tried again with more time, and alone with all of it."""
    network = Network(monkeypatch, refused=None, slow=0.6, slower=3.0)

    network.open(timeout)

    assert network.tried == [("refused", 0.25), ("slow", 0.25), ("slower", 0.25), ("slow", 1.0)]


@pytest.mark.parametrize("timeout", [5.0, None])
def test_only_address_has_all_the_time(
    timeout: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing else to try, nothing is given up early."""
    network = Network(monkeypatch, slow=3.0)

    network.open(timeout)

    assert network.tried == [("slow", timeout)]


def test_last_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every address refuses, the last refusal is the reason."""
    network = Network(monkeypatch, a=None, b=None)

    with pytest.raises(httpcore.ConnectError, match="b refused"):
        network.open(5.0)


def test_only_address_that_is_dead_ends_with_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried again."""
    network = Network(monkeypatch, a=1000.0)

    with pytest.raises(httpcore.ConnectTimeout):
        network.open(1.0)

    assert network.tried == [("a", 1.0)]


def test_families_are_tried_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several dead addresses of IPv6 do not keep the first of IPv4 waiting."""
    six, four = socket.AF_INET6, socket.AF_INET
    names = [(six, "::1"), (six, "::2"), (six, "::3"), (four, "127.0.0.1")]
    found: list[Any] = [(family, 1, 6, "", (name, 80)) for family, name in names]
    replace_resolver(monkeypatch, found)

    assert resolve("h", 80) == ["::1", "127.0.0.1", "::2", "::3"]


def test_unknown_name_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the resolver says is the reason."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(httpcore.ConnectError, match="unknown"):
        resolve("h", 80)
