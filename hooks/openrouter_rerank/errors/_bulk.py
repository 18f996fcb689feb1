"""The exceptions of calls in batches, and of runs over many jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

# It imports a model only when something asks for it, as typing.get_type_hints does.
from openrouter_rerank_api import models

from ._base import OpenRouterError


class BatchError(OpenRouterError):
    """
    A batch of `rerank_batched` failed, and so did the whole call; the paid replies are kept here.

    If `cause` is an `OpenRouterError`, this error has its attributes.

    Attributes:
        cause: The error of the batch; also in `__cause__`. It is an `OpenRouterError`, the
            `TypeError` or `ValueError` of a wrong document, or what the documents' iterable or a
            hook raised.
        part: The number of the batch, from 0. If several failed, it is the first of them.
        positions: The positions of its documents among the caller's, from 0; if the iterable
            raised, those that had been read. Documents that are set aside may lie between them.
        responses: The replies of the batches that succeeded, by number. `results[i].index` is the
            caller's position; with `top_n`, only the best `top_n` results of all of them are kept.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: models.ErrorResponse | None = None,
        cause: Exception | None = None,
        part: int = 0,
        positions: range = range(0),
        responses: Mapping[int, models.CreateRerankResponseBody] | None = None,
    ) -> None:
        """
        Create an error.

        If `cause` is an `OpenRouterError`, its attributes override the arguments up to `data`.
        `responses` None is for no replies.
        """
        super().__init__(message, raw_response, body, status_code=status_code, data=data)
        if isinstance(cause, OpenRouterError):
            vars(self).update(vars(cause), message=message)
        self.cause = self.__cause__ = cause
        self.part = part
        self.positions = positions
        self.responses = dict(responses or {})

    def __reduce__(self) -> tuple[type[OpenRouterError], tuple[Any, ...], dict[str, Any]]:
        """Also keep `__cause__`, which tracebacks show."""
        kind, arguments, state = super().__reduce__()
        return kind, arguments, {**state, "__cause__": self.cause}


class RunStoppedError(OpenRouterError):
    """
    A run of `rerank_many` ended early; it had yielded all its outcomes before.

    If there is a `cause`, this error has its attributes.

    Attributes:
        reason: "refused" after a 401 or 402, "max_cost" when the costs had reached the limit and
            there was more to send, "unknown_cost" when a reply had no cost although there is a
            limit, "stopped" after `stop()`, "cancelled" when somebody else cancelled a task of the
            run.
        cause: The error that stopped the run; also in `__cause__`. None without one.
        done: How many outcomes the run yielded.
        cost: Sum of the costs in the replies, in credits.
        unsent: The `RerankJob`s that were taken from the caller's iterable and not sent, rarely
            more than one. If the iterable gives one after the run has stopped, it is added then.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: models.ErrorResponse | None = None,
        reason: str = "refused",
        cause: OpenRouterError | None = None,
        done: int = 0,
        cost: float = 0.0,
        unsent: list[Any] | None = None,
    ) -> None:
        """
        Create an error.

        If there is a `cause`, its attributes override the arguments up to `data`. `unsent` None is
        for no jobs.
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
        """Also keep `__cause__`, which tracebacks show."""
        kind, arguments, state = super().__reduce__()
        return kind, arguments, {**state, "__cause__": self.cause}
