"""What every reply gets, whether it went well or not."""

import logging
import traceback

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openrouter_rerank.local._faults.connection_cut import ConnectionCutError
from openrouter_rerank.local._replies import reply_error

from .generation_id import new_generation_id

logger = logging.getLogger("openrouter_rerank.local")


class Envelope:
    """
    Name each request, put the name on its reply, and answer 500 when the application fails.

    The name is `request.state.generation_id` and the header `X-Generation-Id`. A failure is
    logged with where it happened and its type; its message may quote the caller's texts and is
    left out.
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
        started = False

        async def send_named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["X-Generation-Id"] = generation_id
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except ClientDisconnect:
            return
        except ConnectionCutError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the caller gets a reply
            _log_failure(generation_id, error)
            if not started:
                await reply_error(500, "an internal error occurred")(scope, receive, send_named)


def _log_failure(generation_id: str, error: Exception) -> None:
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed with %s at\n%s", generation_id, type(error).__name__, frames)
