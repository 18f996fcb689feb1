"""The id of each request, which its reply and the log bear."""

from secrets import token_hex

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def new_generation_id() -> str:
    """Make an id for one request; it is not derived from the request."""
    return f"gen-rerank-{token_hex(10)}"


class GenerationIdMiddleware:
    """
    Give each request an id: `request.state.generation_id`, and `X-Generation-Id` on its reply.

    Args:
        app: The application that answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        generation_id = new_generation_id()
        scope.setdefault("state", {})["generation_id"] = generation_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Generation-Id"] = generation_id
            await send(message)

        await self._app(scope, receive, send_with_id)
