"""Opening a connection to one of a host's addresses, in time, for sync calls."""

import itertools
import time
from collections.abc import Callable

import httpcore

from .resolver import RESOLVER

# RFC 8305, section 8: how long an address has before the next one is tried.
FIRST_SECONDS = 0.25
# Those that were too slow have more time in the next round.
GROWTH = 4
Connect = Callable[[str, float | None], httpcore.NetworkStream]


def connect_in_time(
    host: str,
    port: int,
    timeout: float | None,
    connect: Connect,
    now: Callable[[], float] = time.monotonic,
) -> httpcore.NetworkStream:
    """
    Open a connection to the first address that answers; all share the timeout.

    RFC 8305 has one attempt go on while the next begins. Here each is given up in turn, and begun
    again if no other answers: to let them go on, as anyio does with tasks, would take threads.

    Args:
        host: A name or an address.
        port: The port.
        timeout: Seconds for all addresses together; None for no limit.
        connect: Connects to an address within so many seconds.
        now: Tells the time in seconds.

    Raises:
        httpcore.ConnectError: The name is unknown, or all addresses have refused.
        httpcore.ConnectTimeout: No address answered in time.
    """
    ends_at = None if timeout is None else now() + timeout
    addresses = resolve(host, port, timeout)
    share = FIRST_SECONDS
    failure: Exception = httpcore.ConnectError("the name has no address")
    while True:
        slow: list[str] = []
        for address in addresses:
            left = None if ends_at is None else ends_at - now()
            if left is not None and left <= 0:
                raise httpcore.ConnectTimeout("timed out")
            limit = left if len(addresses) == 1 else min(share, share if left is None else left)
            try:
                return connect(address, limit)
            except httpcore.ConnectTimeout as error:
                failure = error
                slow.append(address)
            except httpcore.ConnectError as error:
                failure = error
        if not slow or len(addresses) == 1:
            raise failure
        addresses, share = slow, share * GROWTH


def resolve(host: str, port: int, timeout: float | None = None) -> list[str]:
    """
    Return a host's addresses, those of IPv6 and IPv4 in turn (RFC 8305, section 4).

    Raises:
        httpcore.ConnectError: The name is unknown.
        httpcore.ConnectTimeout: It was not resolved in time.
    """
    try:
        found = RESOLVER.look_up(host, port, timeout)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    families: dict[int, list[str]] = {}
    for family, _, _, _, address in found:
        families.setdefault(family, []).append(str(address[0]))
    rounds = itertools.zip_longest(*families.values())
    return [address for each in rounds for address in each if address is not None]
