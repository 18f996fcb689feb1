"""Replies with their headers and attempts: `client.rerank.with_raw_response`."""

from __future__ import annotations

from typing import Unpack

import httpx
from attrs import frozen

from . import operations
from ._call.arguments import Documents, RawArguments, prepare, refuse_fallbacks
from ._call.caller import Caller
from ._call.signatures import list_raw_arguments
from ._codec.request import EncodedRequest
from ._codec.response import Reply
from ._events.logging import warn_of_unranked


@frozen
class RateLimit:
    """
    OpenRouter's own limit, as a reply reports it (`X-RateLimit-*` in openapi.yaml).

    Attributes:
        limit: How many requests the window allows; None if the reply does not say.
        remaining: How many are left in it; None if the reply does not say.
        reset: When it ends, in milliseconds since 1970-01-01 UTC; None if the reply does not say.
    """

    limit: int | None
    remaining: int | None
    reset: int | None


@frozen(repr=False)
class RawReply:
    """
    A successful reply with its headers, its attempts and the time waited.

    Attributes:
        http_response: The reply, fully read.
        attempts: How many attempts it took, from 1; 0 if nothing was sent.
        waited: Seconds slept between the attempts.
        cached: Whether the whole answer is from the client's cache; its cost is then 0.
        saved_cost: What the cached part of the answer cost when it was sent, in credits; None if
            nothing was cached, or if that is unknown.
    """

    http_response: httpx.Response
    attempts: int
    waited: float
    cached: bool
    saved_cost: float | None
    _reply: Reply
    _request: EncodedRequest

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.http_response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """The reply's headers."""
        return self.http_response.headers

    @property
    def generation_id(self) -> str | None:
        """The request's name in OpenRouter's logs; None if the reply does not say."""
        return self._reply.generation_id

    @property
    def rate_limit(self) -> RateLimit:
        """What the reply says about OpenRouter's own limit."""
        return RateLimit(
            limit=read_count(self.headers.get("X-RateLimit-Limit")),
            remaining=read_count(self.headers.get("X-RateLimit-Remaining")),
            reset=read_count(self.headers.get("X-RateLimit-Reset")),
        )

    def parse(self) -> operations.CreateRerankResponseBody:
        """
        Return what `rerank` would have returned; the same object every time.

        Raises:
            ResponseValidationError: The body is not the contract's shape; the same error every
                time.
        """
        return self._reply.decode(self._request)

    def __repr__(self) -> str:
        """Say how the call went, without its content."""
        return (
            f"RawReply(status_code={self.status_code}, generation_id={self.generation_id!r}, "
            f"attempts={self.attempts})"
        )


class RawRerank:
    """The rerank operation, returning each reply with its headers."""

    def __init__(self, caller: Caller) -> None:
        """Keep the caller, which makes the requests."""
        self._caller = caller

    @list_raw_arguments
    def rerank(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        top_n: int | None = None,
        **arguments: Unpack[RawArguments],
    ) -> RawReply:
        """
        Do what `client.rerank.rerank` does with the same arguments, and return the raw reply.

        It asks one model, whose reply this is: it falls back to no other. With `passages`, the
        reply itself speaks of these; `parse()` gives the documents' results.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        encoded, options = prepare(
            "RawRerank.rerank",
            documents=documents,
            model=model,
            query=query,
            top_n=top_n,
            **arguments,
        )
        refuse_fallbacks(options)
        require_documents(encoded)
        settings = self._caller.resolve(options)
        encoded = encoded.split(settings.passages)
        reply = self._caller.send(settings, encoded)
        return make_raw_reply(reply, encoded)

    @list_raw_arguments
    async def rerank_async(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        top_n: int | None = None,
        **arguments: Unpack[RawArguments],
    ) -> RawReply:
        """Async `rerank`, on asyncio or trio."""
        encoded, options = prepare(
            "RawRerank.rerank_async",
            documents=documents,
            model=model,
            query=query,
            top_n=top_n,
            **arguments,
        )
        refuse_fallbacks(options)
        require_documents(encoded)
        settings = self._caller.resolve(options)
        encoded = encoded.split(settings.passages)
        reply = await self._caller.send_async(settings, encoded)
        return make_raw_reply(reply, encoded)


def require_documents(encoded: EncodedRequest) -> None:
    """Refuse a call that would send nothing, and so have no reply."""
    if not encoded.documents:
        raise ValueError("documents: none of them can be ranked, so there would be no reply")
    warn_of_unranked(encoded.set_aside)


def make_raw_reply(reply: Reply, encoded: EncodedRequest) -> RawReply:
    """Wrap a reply with what decoding it needs, which the request's body is not."""
    request = encoded._replace(content=b"", body=None)
    return RawReply(
        reply.response,
        reply.attempts,
        reply.waited,
        reply.is_cached,
        reply.saved_cost,
        reply,
        request,
    )


def read_count(text: str | None) -> int | None:
    """Read a whole number; None if there is no text, or it is not a number or too long for one."""
    stripped = (text or "").strip()
    return (
        int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 20 else None
    )
