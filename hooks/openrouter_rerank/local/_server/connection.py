"""Connections of the embedded server that an application can cut."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from openrouter_rerank.local._app.generation_id import new_generation_id
from openrouter_rerank.local._faults.connection_cut import Cut, offer_cutter
from openrouter_rerank.local._replies import reply_error

from .strict_parser import StrictParser

# struct linger of socket(7): on, with no time to deliver what is unsent. Windows has it in shorts.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Patience:
    """
    How long a connection waits for its client.

    Attributes:
        head: For the whole head of a request, from the connection or the last reply on, in seconds.
        reply: For the client to take a whole reply, in seconds.
    """

    head: float = 10
    reply: float = 60


PATIENCE = Patience()


class Timer:
    """
    Calls back once, unless it is stopped before; a timer that runs is not started again.

    Args:
        loop: The event loop to call back in.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, call: Callable[[], None]) -> None:
        """Call `call` after so many seconds."""
        if self._handle is None:
            self._handle = self._loop.call_later(seconds, call)

    def stop(self) -> None:
        """Call nothing any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class CuttableConnection(H11Protocol):
    """
    uvicorn's HTTP connection, which gives each request a way to cut it.

    An ASGI application sends a reply or none, and for none uvicorn sends its own 500. Only the
    transport can cut a connection, and uvicorn gives the application no access to it. But uvicorn
    takes another protocol class, and ASGI has extensions for what only some servers can do.

    It also ends connections whose clients are slow or silent. uvicorn closes only one that is idle
    after a reply, and no longer once a first byte has come.

    Args:
        patience: How long it waits for its client.
        is_full: Says whether new connections have to wait, so that this one is not to be kept.
        on_lost: Called when the connection is gone.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        patience: Patience,
        is_full: Callable[[], bool],
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = StrictParser(h11.SERVER)
        self._lost = asyncio.Event()
        self._patience = patience
        self._on_lost = on_lost
        self._head_timer = Timer(self.loop)
        self._reply_timer = Timer(self.loop)
        inner = self.app

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_last(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = [*message.get("headers", ()), (b"connection", b"close")]
                    message = {**message, "headers": headers}
                await send(message)

            offer_cutter(scope, self.cut)
            await inner(scope, receive, send_last if is_full() else send)

        self.app = answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        # Pausing as soon as anything is left unsent tells when the client takes nothing more.
        transport.set_write_buffer_limits(high=0)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Read on; a slow request goes on with the time it has left."""
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, which may have been received already."""
        self._watch_head()
        super().on_response_complete()
        self._watch_head()

    def pause_writing(self) -> None:
        """Begin to wait for the client to take what was written."""
        super().pause_writing()
        self._reply_timer.start(self._patience.reply, self.transport.abort)

    def resume_writing(self) -> None:
        """End the wait, since all that was written has gone out."""
        super().resume_writing()
        self._reply_timer.stop()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request, as other errors are, and close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            reply = reply_error(400, msg)
            headers = [
                *reply.raw_headers,
                (b"x-generation-id", new_generation_id().encode()),
                (b"connection", b"close"),
            ]
            head = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            self.transport.write(self.conn.send(head) or b"")
            # Written as it is: h11 accepts no body in a reply to HEAD, and nothing follows.
            self.transport.write(bytes(reply.body))
        self.transport.close()

    async def cut(self, cut: Cut) -> None:
        """
        Cut the connection and wait until it is gone.

        A close lets what was written go out first and ends with FIN. A reset drops it and ends
        with RST, which needs more than `abort`: without `SO_LINGER` that too sends a FIN.
        """
        if self.transport.is_closing():
            pass  # The client was faster, and the socket may be closed already.
        elif cut is Cut.RESET:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()
        else:
            self.transport.close()
        await self._lost.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Record that the connection is gone."""
        super().connection_lost(exc)
        self._head_timer.stop()
        self._reply_timer.stop()
        self._lost.set()
        self._on_lost()

    def _watch_head(self) -> None:
        """Have a timer run just as long as no request is in progress."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            self._head_timer.start(self._patience.head, self.transport.close)
        else:
            self._head_timer.stop()
