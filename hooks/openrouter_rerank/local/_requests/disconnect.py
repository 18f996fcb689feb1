"""Noticing that the client has closed its connection."""

import anyio
from starlette.types import Receive


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client closes the connection, and ignore what it still sends."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    """Cancel `scope` once the client has closed the connection."""
    await wait_for_disconnect(receive)
    scope.cancel()
