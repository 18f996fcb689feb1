"""The passing of time and chance, which tests bring their own of."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio


# Here and in what every call uses, named tuples: attrs takes half a millisecond to make a class.
class Clock(NamedTuple):
    """The passing of time, in seconds, and chance; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = anyio.sleep
    draw: Callable[[], float] = random.random


SYSTEM_CLOCK = Clock()
