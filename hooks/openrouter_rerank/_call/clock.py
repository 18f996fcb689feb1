"""The clock and the random numbers of a call, which tests replace."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio


# A named tuple, as everything that each call uses: attrs takes half a millisecond to make a class.
class Clock(NamedTuple):
    """Time in seconds, and random numbers from 0 to 1."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = anyio.sleep
    draw: Callable[[], float] = random.random


SYSTEM_CLOCK = Clock()
