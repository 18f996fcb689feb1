"""Clients that close their connection before the reply."""

from starlette.types import Receive


async def wait_until_gone(receive: Receive) -> None:
    """Wait until the client closes the connection, and pass over what it still sends."""
    while (await receive())["type"] != "http.disconnect":
        pass
