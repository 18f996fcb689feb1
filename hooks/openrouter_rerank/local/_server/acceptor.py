"""Accepting connections, no more than the process can serve."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable

if sys.platform != "win32":
    import resource

MAX_CONNECTIONS = 256
RESERVED_FILES = 32
"""Descriptors to leave for everything else in the process."""

PAUSE_SECONDS = 1.0

logger = logging.getLogger("openrouter_rerank.local")


def find_max_connections() -> int:
    """Return how many connections to serve at once, within what the process may open."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, files - RESERVED_FILES))


async def accept(
    listener: socket.socket, slots: asyncio.Semaphore, connect: Callable[[], asyncio.Protocol]
) -> None:
    """
    Accept connections until cancelled. What finds no slot waits in the listener's queue.

    asyncio's own way of accepting has no such limit, and when the system allows no more, it logs
    up to two thousand tracebacks a second.

    Args:
        listener: The listening socket.
        slots: One is acquired for each connection, which releases it when it is lost.
        connect: Makes the protocol of one connection.
    """
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    while True:
        await slots.acquire()
        connection = await _accept_one(loop, listener)
        try:
            await loop.connect_accepted_socket(connect, connection)
        except OSError:  # The client was faster to leave.
            connection.close()
            slots.release()


async def _accept_one(loop: asyncio.AbstractEventLoop, listener: socket.socket) -> socket.socket:
    is_first = True
    while True:
        try:
            connection, _ = await loop.sock_accept(listener)
        except ConnectionError:
            continue
        except OSError as error:
            if is_first:
                logger.warning("accepts no connection for now: %s", error.strerror)
            is_first = False
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return connection
