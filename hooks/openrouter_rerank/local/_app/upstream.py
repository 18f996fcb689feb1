"""Requests that OpenRouter answers, for the server's own key."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn, cast

import anyio
from openrouter_rerank_api.request_fields import REQUEST_FIELDS
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openrouter_rerank import OpenRouter
from openrouter_rerank._codec.reply_cost import read_cost
from openrouter_rerank.errors import (
    DeadlineExceededError,
    OpenRouterError,
    ReadTimeoutError,
    ResponseValidationError,
)
from openrouter_rerank.local._replies import encode_json, reply_error, reply_json
from openrouter_rerank.local._requests.refusal import RefusedError

FIRST_ERROR, PAYMENT_REQUIRED, BAD_GATEWAY, GATEWAY_TIMEOUT = 400, 402, 502, 504
ARGUMENTS = ("documents", "model", "query", "top_n")


class Upstream:
    """
    Asks OpenRouter by a client of ours, with its key, its retries and its limits.

    Attributes:
        spent: What all requests have cost so far, in credits, as far as replies say.
        max_cost: Credits after which nothing more is sent; None for no limit.
    """

    def __init__(self, client: OpenRouter, max_cost: float | None = None) -> None:
        """
        Take the client.

        Args:
            client: Sends the requests; it is not closed.
            max_cost: Credits after which nothing more is sent; None for no limit. With a limit
                requests are sent one at a time, so that it is exceeded by one at most.

        Raises:
            ValueError: `max_cost` is negative or not finite.
        """
        if max_cost is not None and not 0 <= max_cost < float("inf"):
            raise ValueError(f"max_cost: must be at least 0, got {max_cost!r}")
        self.spent = 0.0
        self.max_cost = max_cost
        self._client = client
        self._has_unknown_cost = False
        self._turn = anyio.Lock()

    async def answer(self, request: Request, fields: Mapping[str, object]) -> Response:
        """
        Send a request, and return OpenRouter's reply or its error in the API's form.

        What is sent is waited for even if the caller has gone, since only the reply says what it
        cost.

        Args:
            request: The caller's request; its body has been read.
            fields: Those of the body, checked against the contract.

        Raises:
            ClientDisconnect: The caller went away while others had their turn.
            RefusedError: With 402, the limit is reached, or a reply did not say what it cost; with
                400, the client does not send such a request.
        """
        if self.max_cost is None:
            return await self._send(fields)
        async with self._turn:
            self._require_credit(self.max_cost)
            if await request.is_disconnected():
                raise ClientDisconnect
            return await self._send(fields)

    def _require_credit(self, max_cost: float) -> None:
        if self._has_unknown_cost:
            raise RefusedError(
                PAYMENT_REQUIRED,
                "max_cost: a reply did not say what it cost, so nothing more is sent to OpenRouter",
            )
        if self.spent >= max_cost:
            raise RefusedError(
                PAYMENT_REQUIRED,
                f"max_cost: {self.spent:g} of {max_cost:g} credits are spent, so nothing more is "
                "sent to OpenRouter",
            )

    async def _send(self, fields: Mapping[str, object]) -> Response:
        try:
            response = await self._client.rerank.rerank_async(**to_arguments(fields))
        except OpenRouterError as error:
            self._count(error.cost, is_billed=isinstance(error, ResponseValidationError))
            return reply_upstream_error(error)
        except (TypeError, ValueError) as error:
            raise RefusedError(400, str(error)) from error
        self._count(read_cost(response), is_billed=True)
        return reply_json(encode_json(response.to_dict()), 200)

    def _count(self, cost: float | None, *, is_billed: bool) -> None:
        """
        Add what a request cost.

        Args:
            cost: What its reply says, in credits; None if it says nothing.
            is_billed: Whether it cost something even then.
        """
        if cost is not None:
            self.spent += cost
        elif is_billed:
            self._has_unknown_cost = True


def to_arguments(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a body as arguments of the client; unknown ones are passed on."""
    known = {name: value for name, value in fields.items() if name in (*ARGUMENTS, *REQUEST_FIELDS)}
    extra = {name: value for name, value in fields.items() if name not in known}
    if isinstance(known.get("top_n"), float):
        # JSON Schema takes 2.0 for an integer.
        known["top_n"] = int(cast("float", known["top_n"]))
    return {**known, "extra_body": extra or None}


def reply_upstream_error(error: OpenRouterError) -> Response:
    """
    Answer with the error of a request: what OpenRouter said, else what kept it from saying so.

    `WWW-Authenticate` is left out: it would ask for a key of this server's.
    """
    status = error.status_code
    if status is None or status < FIRST_ERROR:
        is_late = isinstance(error, DeadlineExceededError | ReadTimeoutError)
        return reply_error(GATEWAY_TIMEOUT if is_late else BAD_GATEWAY, error.message)
    wait = error.retry_after
    headers = {} if wait is None else {"Retry-After": f"{max(0, math.ceil(wait))}"}
    body = read_error_body(error.body)
    if body is None:
        return reply_error(status, error.message, headers)
    return reply_json(encode_json(body), status, headers)


def read_error_body(text: str) -> dict[str, object] | None:
    """Return a body that is an error in the API's form; None for any other, such as HTML."""
    try:
        body: object = json.loads(text, parse_constant=_refuse_constant)
    except (RecursionError, ValueError):
        return None
    if not isinstance(body, dict):
        return None
    fields = cast("dict[str, object]", body)
    error = fields.get("error")
    if not isinstance(error, dict):
        return None
    return fields if isinstance(cast("dict[str, object]", error).get("message"), str) else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
