"""
Decoding a reply as the model or as the right error. Pure: no I/O.

The status decides which error it is; the body only adds detail. Whatever an error's body holds, the
class is right.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn, cast

import httpx
from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody

from openrouter_rerank._network.received_reply import ReceivedReply
from openrouter_rerank.errors import ResponseValidationError

from .error_reply import build_status_error, find_status, parse_object
from .json import IS_FAST, JsonObject, is_bounded, load_fast, load_json
from .request import EncodedRequest
from .response_model import MinScore, ShapeError, build_model, drop_below, type_name
from .side_fields import Oddities, read_cost

logger = logging.getLogger("openrouter_rerank")
GENERATION_ID = "X-Generation-Id"


def read_reply(reply: ReceivedReply) -> JsonObject:
    """
    Return the JSON object of a success.

    Raises:
        OpenRouterError: The reply is an error, or a 200 that holds one; the status decides the
            class.
        ResponseValidationError: The reply is a success but not a JSON object, or one of nulls.
    """
    if reply.status_code != HTTPStatus.OK:
        if reply.is_success:
            reject(reply, f"expected status 200, got {reply.status_code}")
        raise build_status_error(reply.response, parse_object(reply.content), reply.status_code)
    payload = parse_body(reply, load_fast)
    if not isinstance(payload, dict):
        reason = f"expected an object, got {type_name(payload)}"
        reject(reply, reason, is_empty=payload is None)
    body = cast("JsonObject", payload)
    if body.get("error") is not None and not body.get("results"):
        raise build_status_error(reply.response, body, find_status(body["error"]))
    if not body.get("results") and is_bounded(body) and is_null(body):
        reject(reply, "no field has a value", is_empty=True)
    return body


def parse_body(reply: ReceivedReply, load: Callable[[bytes], Any]) -> Any:
    """Parse the body of a success."""
    try:
        return load(reply.content)
    except (ValueError, RecursionError) as error:
        reason = f"the body is not JSON: {describe(error)}"
        reject(reply, reason, cause=error, is_empty=not reply.content.strip())


def describe(error: Exception) -> str:
    """Say briefly why JSON could not be parsed."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return str(error)


def is_null(value: object) -> bool:
    """Return whether a value is null, or an object of nulls and of such objects."""
    if isinstance(value, dict):
        return all(map(is_null, cast("JsonObject", value).values()))
    return value is None


def reject(
    reply: ReceivedReply,
    reason: str,
    cause: Exception | None = None,
    *,
    is_empty: bool = False,
) -> NoReturn:
    """Raise the error of a success that is not the contract's shape."""
    error = ResponseValidationError(f"unexpected reply: {reason}", reply.response)
    if is_empty:
        error.is_empty = True
    raise error from cause


def decode(
    body: JsonObject, reply: ReceivedReply, request: EncodedRequest
) -> CreateRerankResponseBody:
    """
    Turn a success into the model: sorted, no longer than asked for, each result with its document.

    Args:
        body: The body as `read_reply` gave it; results without a document get theirs.
        reply: The reply, for the error.
        request: What was asked for; `results[i].index` is a position in its documents.

    Raises:
        ResponseValidationError: The body is not the contract's shape
            (`#/components/schemas/CreateRerankResponseBody` in openapi.yaml), an index is out of
            range or appears twice, or a score is not finite. The message names the field.
    """
    oddities = Oddities()
    try:
        try:
            model = build_model(body, request, oddities, is_fast=IS_FAST)
        except ShapeError:
            if not IS_FAST:
                raise
            # Python's own parser decides.
            oddities = Oddities()
            body = parse_body(reply, load_json)
            model = build_model(body, request, oddities, is_fast=False)
    except ShapeError as error:
        reject(reply, str(error))
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # pragma: no cover - guard
        reject(reply, f"{type(error).__name__}: {error}", cause=error)
    log_oddities(oddities)
    return request.restore(model)


def read_billed_cost(body: JsonObject) -> float | None:
    """Return what a reply that cannot be used has cost, in credits; None if it does not say."""
    usage = body.get("usage")
    return read_cost(cast("JsonObject", usage).get("cost")) if isinstance(usage, dict) else None


def log_oddities(oddities: Oddities) -> None:
    """Log what was odd beside a ranking: at WARNING if something was lost, else at DEBUG."""
    if oddities.ignored:
        logger.warning("ignored in a reply: %s", ", ".join(sorted(oddities.ignored)))
    if oddities.converted:
        logger.debug("converted in a reply: %s", ", ".join(sorted(oddities.converted)))


class Reply:
    """
    A success.

    Attributes:
        body: Its JSON object.
        attempts: How many attempts it took.
        waited: Seconds waited between them.
        is_cached: Whether nothing was sent for it.
        saved_cost: What its cached part cost when it was sent, in credits; None if nothing was
            cached, or if that is unknown.
    """

    is_cached = False
    saved_cost: float | None = None

    def __init__(
        self,
        received: ReceivedReply | None,
        body: JsonObject,
        attempts: int,
        waited: float,
        min_score: MinScore = None,
    ) -> None:
        """Take the outcome of the call's last attempt, and the lowest score to keep."""
        self.body = body
        self.attempts = attempts
        self.waited = waited
        # One that was kept overrides what reads this.
        self._received = cast("ReceivedReply", received)
        self._min_score = min_score
        self._outcome: CreateRerankResponseBody | ResponseValidationError | None = None

    @property
    def response(self) -> httpx.Response:
        """The reply, fully read."""
        return self._received.response

    @property
    def generation_id(self) -> str | None:
        """The request's name in OpenRouter's logs; None if the reply does not say."""
        return self._received.read_header(GENERATION_ID)

    def decode(self, request: EncodedRequest) -> CreateRerankResponseBody:
        """
        Return the model: sorted, no longer than asked for, each result with its document.

        Results that score lower than the call's `min_score` are left out.

        Decoding uses up the body, so a second call gives what the first one gave.

        Raises:
            ResponseValidationError: The body is not the contract's shape.
        """
        if self._outcome is None:
            try:
                self._outcome = self._decode(request)
            except ResponseValidationError as error:
                error.attempts = self.attempts
                error.cost = read_billed_cost(self.body)
                error.ended_call = True
                self._outcome = error
            else:
                drop_below(self._outcome, self._min_score, request.model)
        if isinstance(self._outcome, ResponseValidationError):
            raise self._outcome
        return self._outcome

    def _decode(self, request: EncodedRequest) -> CreateRerankResponseBody:
        return decode(self.body, self._received, request)
