"""Connections of the embedded server that an application can cut."""

import asyncio
import os
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from openrouter_rerank.local._faults.connection_cut import Cut, offer_cutter

# struct linger of socket(7): on, with no time to deliver what is unsent. Windows has it in shorts.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class CuttableConnection(H11Protocol):
    """
    uvicorn's HTTP connection, which gives each request a way to cut it.

    An ASGI application sends a reply or none, and for none uvicorn sends its own 500. Only the
    transport can cut a connection, and uvicorn gives the application no access to it. But uvicorn
    takes another protocol class, and ASGI has extensions for what only some servers can do.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._lost = asyncio.Event()
        inner = self.app

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            offer_cutter(scope, self.cut)
            await inner(scope, receive, send)

        self.app = answer

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
        self._lost.set()
