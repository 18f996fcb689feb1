"""The exceptions of calls in batches, and of runs over many jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx

from ._base import OpenRouterError

if TYPE_CHECKING:
    from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
    from openrouter_rerank_api.models.error_response import ErrorResponse


class BatchError(OpenRouterError):
    """
    A part of `rerank_batched` failed, and with it the whole; what is paid for is kept here.

    The attributes of `OpenRouterError` are those of `cause`, if it is one.

    Attributes:
        cause: What the part ended in; `__cause__` as well. It is an `OpenRouterError`, the
            `TypeError` or `ValueError` of a wrong document, or what the documents' iterable or a
            hook raised.
        part: The number of the part, from 0. If several failed, it is the first of them.
        positions: The positions of its documents among the caller's, from 0; those that were read
            if the iterable broke off.
        responses: The replies of the parts that succeeded, by number. `results[i].index` is the
            caller's position; with `top_n`, only what is among the best `top_n` of them all is
            left in their results.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: ErrorResponse | None = None,
        cause: Exception | None = None,
        part: int = 0,
        positions: range = range(0),
        responses: Mapping[int, CreateRerankResponseBody] | None = None,
    ) -> None:
        """
        Create an error.

        Args:
            message: What went wrong.
            raw_response: See `OpenRouterError`, as for the arguments up to `data`.
            body: See `OpenRouterError`.
            status_code: See `OpenRouterError`.
            data: See `OpenRouterError`.
            cause: What the part ended in; the arguments above give way to what it says.
            part: The number of the part.
            positions: The positions of its documents.
            responses: The replies of the parts that succeeded; None for none.
        """
        super().__init__(message, raw_response, body, status_code=status_code, data=data)
        if isinstance(cause, OpenRouterError):
            vars(self).update(vars(cause), message=message)
        self.cause = self.__cause__ = cause
        self.part = part
        self.positions = positions
        self.responses = dict(responses or {})

    def __reduce__(self) -> tuple[type[OpenRouterError], tuple[Any, ...], dict[str, Any]]:
        """Keep the cause where a traceback looks for it, too."""
        kind, arguments, state = super().__reduce__()
        return kind, arguments, {**state, "__cause__": self.cause}


class RunStoppedError(OpenRouterError):
    """
    A run of `rerank_many` ended before its jobs did; all its outcomes were given out before.

    The attributes of `OpenRouterError` are those of `cause`, if there is one.

    Attributes:
        reason: "refused" after a 401 or 402, "max_cost" when the costs had reached the limit and
            there was more to send, "unknown_cost" when a reply told no cost although there is a
            limit.
        cause: The error that stopped the run; `__cause__` as well. None if the limit did.
        done: How many outcomes were given out.
        cost: Sum of the costs that replies have told, in credits.
        unsent: The `RerankJob`s that were taken from the caller's iterable and not sent, rarely
            more than one. One that the iterable gives only after the run has stopped is added then.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: ErrorResponse | None = None,
        reason: str = "refused",
        cause: OpenRouterError | None = None,
        done: int = 0,
        cost: float = 0.0,
        unsent: list[Any] | None = None,
    ) -> None:
        """
        Create an error.

        Args:
            message: What went wrong.
            raw_response: See `OpenRouterError`, as for the arguments up to `data`.
            body: See `OpenRouterError`.
            status_code: See `OpenRouterError`.
            data: See `OpenRouterError`.
            reason: Why the run stopped.
            cause: The error that stopped it; the arguments above give way to what it says.
            done: How many outcomes were given out.
            cost: Sum of the costs, in credits.
            unsent: The jobs that were taken and not sent; None for none.
        """
        super().__init__(message, raw_response, body, status_code=status_code, data=data)
        if cause is not None:
            vars(self).update(vars(cause), message=message)
        self.reason = reason
        self.cause = self.__cause__ = cause
        self.done = done
        self.cost = cost
        self.unsent = [] if unsent is None else unsent

    def __reduce__(self) -> tuple[type[OpenRouterError], tuple[Any, ...], dict[str, Any]]:
        """Keep the cause where a traceback looks for it, too."""
        kind, arguments, state = super().__reduce__()
        return kind, arguments, {**state, "__cause__": self.cause}
