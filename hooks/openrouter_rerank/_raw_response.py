"""Replies with all that came with them: `client.rerank.with_raw_response`."""

from collections.abc import Mapping, Sequence
from typing import Unpack

import httpx
from attrs import field, frozen

from ._call.arguments import RerankArguments, prepare
from ._call.caller import Caller
from ._codec.request import EncodedDocument
from ._codec.response import Reply
from .operations import CreateRerankResponseBody


@frozen
class RateLimit:
    """
    OpenRouter's own limit, as a reply told it (`X-RateLimit-*` in openapi.yaml).

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
    A success with its headers, and how it came about.

    Attributes:
        http_response: The reply, fully read.
        attempts: How many attempts it took, from 1.
        waited: Seconds slept between the attempts.
    """

    http_response: httpx.Response
    attempts: int
    waited: float
    _reply: Reply
    _documents: Sequence[EncodedDocument]
    _parsed: list[CreateRerankResponseBody] = field(
        factory=list[CreateRerankResponseBody], init=False, eq=False
    )

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
        """Names the request in OpenRouter's logs; None if the reply does not say."""
        found: str | None = self.headers.get("X-Generation-Id")
        return found

    @property
    def rate_limit(self) -> RateLimit:
        """What the reply says of OpenRouter's own limit."""
        return RateLimit(
            limit=read_count(self.headers.get("X-RateLimit-Limit")),
            remaining=read_count(self.headers.get("X-RateLimit-Remaining")),
            reset=read_count(self.headers.get("X-RateLimit-Reset")),
        )

    def parse(self) -> CreateRerankResponseBody:
        """
        Return what `rerank` would have returned; the same object every time.

        Raises:
            ResponseValidationError: The body is not the contract's shape.
        """
        if not self._parsed:
            self._parsed.append(self._reply.decode(self._documents))
        return self._parsed[0]

    def __repr__(self) -> str:
        """Say how the call went, without its content."""
        return (
            f"RawReply(status_code={self.status_code}, generation_id={self.generation_id!r}, "
            f"attempts={self.attempts})"
        )


class RawRerank:
    """The operation, returning each reply as it came."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    def rerank(self, **arguments: Unpack[RerankArguments]) -> RawReply:
        """
        Do what `client.rerank.rerank` does, and return the reply with all that came with it.

        Args:
            arguments: Those of `client.rerank.rerank`.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        require_known(arguments)
        encoded, options = prepare(**arguments)
        return make_raw(self._caller.call(encoded, options), encoded.documents)

    async def rerank_async(self, **arguments: Unpack[RerankArguments]) -> RawReply:
        """
        Do what `rerank` does, on asyncio or trio.

        Args:
            arguments: Those of `client.rerank.rerank`.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        require_known(arguments)
        encoded, options = prepare(**arguments)
        return make_raw(await self._caller.call_async(encoded, options), encoded.documents)


def require_known(arguments: Mapping[str, object]) -> None:
    """
    Do what Python does for arguments that stand in a signature.

    Raises:
        TypeError: One is unknown, or a required one is missing.
    """
    for name in arguments:
        if name not in RerankArguments.__annotations__:
            raise TypeError(f"rerank() got an unexpected keyword argument {name!r}")
    for name in sorted(RerankArguments.__required_keys__):
        if name not in arguments:
            raise TypeError(f"rerank() missing a required keyword argument: {name!r}")


def make_raw(reply: Reply, documents: Sequence[EncodedDocument]) -> RawReply:
    """Wrap a reply for the caller."""
    return RawReply(reply.response, reply.attempts, reply.waited, reply, documents)


def read_count(text: str | None) -> int | None:
    """Read a whole number; None if the text is none, or too long to be one."""
    stripped = (text or "").strip()
    return (
        int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 20 else None
    )
