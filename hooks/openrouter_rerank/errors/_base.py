"""The root of the client's exceptions, and what all of them hold."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import httpx

# It imports a model only when something asks for it, as typing.get_type_hints does.
from openrouter_rerank_api import models


class Moderation(NamedTuple):
    """
    Why moderation refused an input (`#/components/schemas/ErrorMetadata` in openapi.yaml).

    Attributes:
        reasons: The reasons, empty if none were given.
        flagged_input: The part of the input that was refused; None if not given.
        provider_name: The provider that the request was meant for; None if not given.
        model_slug: The model that the request was meant for; None if not given.
    """

    reasons: list[str]
    flagged_input: str | None
    provider_name: str | None
    model_slug: str | None


class OpenRouterError(Exception):
    """
    The root of every error that a call can end in, except for wrong arguments.

    Attributes:
        message: What went wrong, in a sentence; never empty, and the same as `str()`.
        status_code: The HTTP status of the error. An error inside a 200 has the status that it
            would have had. None if no reply arrived.
        body: The reply's body as text, "" if none arrived. If a server echoes the API key,
            "[redacted]" stands in its place, here, in the message and in `raw_response`.
        headers: The reply's headers, empty if none arrived.
        raw_response: The reply, fully read. None if none arrived. After pickling, its request
            has only the method and the URL.
        data: The body as the contract's error envelope, None if it is not one.
        error_type: The kind of error, in words whose meaning does not change.
        provider_code: The provider's own code for the error.
        metadata: `error.metadata` as received, empty if there was none.
        previous_errors: The errors of providers that were tried before, the earliest first.
        availability: Why no provider could serve the model, with `retryable`, `retry_after`
            (seconds), `fallback_models` and more (`#/components/schemas/Availability` in
            openapi.yaml); None if the error is of another kind.
        moderation: Why the input was refused; None if the error is of another kind.
        generation_id: Names the request in OpenRouter's logs (`X-Generation-Id`); None if unknown.
        retry_after: How long the server asks to wait, in seconds; None if it does not say.
        attempts: How many times the request was tried, 0 if never; by all models, if the call fell
            back to others.
        cost: What the call cost all the same, in credits, as far as the replies that could not be
            used say; None if none of them does.
        ended_call: Whether a call ended in this error; False for one that a hook raised.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: models.ErrorResponse | None = None,
    ) -> None:
        """
        Create an error.

        Args:
            message: What went wrong.
            raw_response: The reply, fully read.
            body: The reply's body; None takes it from the reply.
            status_code: The status of the error; None takes it from the reply.
            data: The body as the contract's error envelope.
        """
        super().__init__(message)
        self.message = message
        self.raw_response = raw_response
        if raw_response is None:
            self.status_code, self.body, self.headers = status_code, body or "", httpx.Headers()
        else:
            self.status_code = raw_response.status_code if status_code is None else status_code
            self.body = read_text(raw_response) if body is None else body
            self.headers = raw_response.headers
        self.data = data
        self.error_type: str | None = None
        self.provider_code: str | int | None = None
        self.metadata: Mapping[str, Any] = {}
        self.previous_errors: list[models.PreviousError] = []
        self.availability: models.Availability | None = None
        self.moderation: Moderation | None = None
        self.generation_id: str | None = self.headers.get("X-Generation-Id")
        self.retry_after: float | None = None
        self.attempts = 0
        self.cost: float | None = None
        self.ended_call = False

    def __str__(self) -> str:
        """Return the message."""
        return self.message

    def __reduce__(self) -> tuple[type[OpenRouterError], tuple[Any, ...], dict[str, Any]]:
        """Pickle and copy everything except the request's headers, with their key, and its body."""
        state = dict(self.__dict__)
        if self.raw_response is not None:
            state["raw_response"] = strip_request(self.raw_response)
        return type(self), self.args, state


def strip_request(response: httpx.Response) -> httpx.Response:
    """Return a copy of a reply whose request has only the method and the URL."""
    copied = copy.copy(response)
    # httpx raises this for a reply without a request.
    with suppress(RuntimeError):
        copied.request = httpx.Request(response.request.method, response.request.url)
    return copied


def read_text(response: httpx.Response) -> str:
    """
    Return a reply's body as text, decoded by its own character set, else as UTF-8; never fail.

    httpx looks up the character set among all of Python's codecs, and fails for those that are not
    text encodings, such as base64.
    """
    try:
        return response.content.decode(response.charset_encoding or "utf-8", "replace")
    except (LookupError, ValueError):
        return response.content.decode("utf-8", "replace")
