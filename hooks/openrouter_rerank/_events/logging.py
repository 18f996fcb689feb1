"""
What a call writes to the log: no secrets, and content only at DEBUG, cut short.

The standard library's logger is named `openrouter_rerank`. `OPENROUTER_LOG=debug` (or info,
warning) makes it write to standard error; `OPENROUTER_DEBUG` turns debugging on as the official SDK
does.
"""

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from openrouter_rerank._codec.documents import SHOWN_POSITIONS
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import GENERATION_ID
from openrouter_rerank._network.received_reply import ReceivedReply
from openrouter_rerank._policy.failures import PAYMENT_REQUIRED
from openrouter_rerank.errors import OpenRouterError

if TYPE_CHECKING:
    from .hooks import RetryEvent

LOGGER_NAME = "openrouter_rerank"
LEVEL_VARIABLE = "OPENROUTER_LOG"
DEBUG_VARIABLE = "OPENROUTER_DEBUG"
SHOWN_CHARACTERS = 80
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}

logger = logging.getLogger(LOGGER_NAME)
# Without it, our warnings would reach standard error in a program that sets up no logging.
logger.addHandler(logging.NullHandler())


class DebugLogger(Protocol):
    """The official SDK's `debug_logger`: anything with a `debug` method."""

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Write a line."""
        ...


def warn_of_unranked(positions: Sequence[int]) -> None:
    """Warn that documents were set aside because they have nothing to rank."""
    if positions:
        shown = ", ".join(map(str, positions[:SHOWN_POSITIONS]))
        more = ", ..." if len(positions) > SHOWN_POSITIONS else ""
        logger.warning(
            "%d documents have nothing to rank and were set aside, at positions %s",
            len(positions),
            f"{shown}{more}",
        )


def warn_of_kept_order(error: OpenRouterError) -> None:
    """Say that a search goes on without a ranking; at ERROR if somebody has to pay first."""
    level = logging.ERROR if error.status_code == PAYMENT_REQUIRED else logging.WARNING
    logger.log(level, "not reranked, the order is kept: %s", name_error(error))


class CallLog:
    """Logs the calls of one client."""

    def __init__(self, debug_logger: DebugLogger | None = None) -> None:
        """Take what also gets the DEBUG lines; None for nothing."""
        self._debug_logger = debug_logger

    @property
    def is_debugging(self) -> bool:
        """Whether the DEBUG lines are written anywhere."""
        return self._debug_logger is not None or logger.isEnabledFor(logging.DEBUG)

    def record_request(self, url: httpx.URL, encoded: EncodedRequest) -> None:
        """Record a request at DEBUG, its content cut short."""
        if self.is_debugging:
            self._debug(
                "POST %s model=%s query=%s documents=%d, the first %s",
                url,
                escape(encoded.model),
                shorten(encoded.query),
                len(encoded.documents),
                shorten(encoded.documents[0]),
            )

    def record_reply(self, reply: ReceivedReply, attempt: int) -> None:
        """Record an attempt's reply at DEBUG."""
        if self.is_debugging:
            self._debug(
                "attempt %d: %d after %.3f s, %d bytes, generation %s",
                attempt,
                reply.status_code,
                reply.seconds,
                len(reply.content),
                escape(reply.read_header(GENERATION_ID) or "None"),
            )

    def record_error(self, error: OpenRouterError, attempt: int, seconds: float) -> None:
        """Record at DEBUG that an attempt got no readable reply."""
        if self.is_debugging:
            self._debug("attempt %d: %s after %.3f s", attempt, name_error(error), seconds)

    def record_retry(self, event: "RetryEvent") -> None:
        """Record a retry, its reason and its delay at INFO."""
        logger.info(
            "attempt %d failed with %s, retrying in %.3f s",
            event.attempt,
            name_error(event.error),
            event.delay,
        )

    def record_end(self, error: OpenRouterError) -> None:
        """Record at WARNING that a call is given up."""
        logger.warning("giving up after attempt %d: %s", error.attempts, name_error(error))

    def _debug(self, message: str, *values: object) -> None:
        logger.debug(message, *values)
        if self._debug_logger is not None:
            self._debug_logger.debug(message, *values)


def name_error(error: OpenRouterError) -> str:
    """Name an error without its message, which may quote what was sent."""
    kind = type(error).__name__
    return kind if error.status_code is None else f"{kind} ({error.status_code})"


def shorten(content: object) -> str:
    """Return the beginning of a content's repr."""
    text = repr(content[:SHOWN_CHARACTERS] if isinstance(content, str) else content)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def escape(text: str) -> str:
    """Return a text as one line, with what cannot be printed as in its repr."""
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def has_handler() -> bool:
    """Return whether any handler writes the log."""
    handlers = [*logger.handlers, *logging.getLogger().handlers]
    return not all(isinstance(handler, logging.NullHandler) for handler in handlers)


def read_log_settings(debug_logger: DebugLogger | None) -> CallLog:
    """
    Turn logging on as the environment says.

    Raises:
        TypeError: `debug_logger` has no method `debug`.
        ValueError: `OPENROUTER_LOG` names no level.
    """
    if debug_logger is not None and not callable(getattr(debug_logger, "debug", None)):
        raise TypeError("debug_logger: expected an object with a method debug")
    level = os.environ.get(LEVEL_VARIABLE, "").strip().lower()
    if level:
        if level not in LEVELS:
            raise ValueError(f"{LEVEL_VARIABLE}: expected one of {', '.join(LEVELS)}")
        logger.setLevel(LEVELS[level])
        if not has_handler():
            logger.addHandler(logging.StreamHandler())
    if os.environ.get(DEBUG_VARIABLE):
        logging.basicConfig(level=logging.DEBUG)
        logger.setLevel(logging.DEBUG)
    return CallLog(debug_logger)
