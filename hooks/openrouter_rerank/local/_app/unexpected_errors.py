"""Answering when the application itself fails."""

import logging
import traceback

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openrouter_rerank.local._faults.connection_cut import ConnectionCutError
from openrouter_rerank.local._replies import reply_error

logger = logging.getLogger("openrouter_rerank.local")


class UnexpectedErrorMiddleware:
    """
    Answer 500 when the application raises, and log it.

    The log gets the request's id, the traceback and the error's type. The error's message is left
    out, because it may quote the caller's texts.

    Args:
        app: The application that may fail.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch_start)
        except ClientDisconnect:
            return
        except ConnectionCutError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the caller gets a reply
            _log_error(scope["state"]["generation_id"], error)
            if not started:
                await reply_error(500, "an internal error occurred")(scope, receive, send)


def _log_error(generation_id: str, error: Exception) -> None:
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed with %s at\n%s", generation_id, type(error).__name__, frames)
