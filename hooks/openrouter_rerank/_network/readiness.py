"""Whether a socket can be read or written at once, TLS included."""

import math
import select
import socket
import ssl
from contextlib import suppress
from typing import Any

MILLISECONDS = 1000
READ_BYTES = 64 * 1024


def is_readable(connection: socket.socket) -> bool:
    """Return whether a read would return at once, with data or with the end of the stream."""
    # Windows has no poll. Where there is one, select takes no file numbers from 1024 on.
    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def wait_until_ready(
    connection: socket.socket, seconds: float | None, *, may_read: bool
) -> tuple[bool, bool]:
    """
    Wait until a connection can be written or, if that is wanted, read.

    Args:
        connection: The socket.
        seconds: How long to wait; None for ever.
        may_read: Whether something to read ends the wait, too.

    Returns:
        Whether it can be read, and whether it can be written; neither when the time is up. An error
        counts as both, to be seen by who reads or writes.
    """
    if not hasattr(select, "poll"):
        readers = [connection] if may_read else []
        readable, writable, broken = select.select(readers, [connection], [connection], seconds)
        return bool(readable), bool(writable or broken)
    poll = select.poll()
    poll.register(connection, select.POLLOUT | (select.POLLIN if may_read else 0))
    timeout = None if seconds is None else math.ceil(seconds * MILLISECONDS)
    events = sum(event for _, event in poll.poll(timeout))
    is_broken = bool(events & (select.POLLERR | select.POLLHUP))
    can_read = may_read and (is_broken or bool(events & select.POLLIN))
    return can_read, is_broken or bool(events & select.POLLOUT)


def read_decrypted(tls: Any) -> bytes:
    """Return what waits in the TLS layer of an async connection, which may be None."""
    data = b""
    if isinstance(tls, ssl.SSLObject):
        with suppress(ssl.SSLError):
            while piece := tls.read(READ_BYTES):
                data += piece
    return data


def has_decrypted(tls: Any) -> bool:
    """Return whether something waits in the TLS layer of a connection, which may be None."""
    if not isinstance(tls, ssl.SSLObject):
        # OpenSSL takes one record at a time from a socket; the next ones are still there.
        return tls is not None and bool(tls.pending())
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        pass
    return True
