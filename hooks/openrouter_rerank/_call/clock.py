"""The clock and the random numbers of a call, which tests replace."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio


async def sleep_async(seconds: float) -> None:
    """Sleep, on asyncio or trio."""
    # Looked up when it is called, since anyio imports a part of itself for each name.
    await anyio.sleep(seconds)


# A named tuple, as everything that each call uses: attrs takes half a millisecond to make a class.
class Clock(NamedTuple):
    """Time in seconds, and random numbers from 0 to 1."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = sleep_async
    draw: Callable[[], float] = random.random


SYSTEM_CLOCK = Clock()
