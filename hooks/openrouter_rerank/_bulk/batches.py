"""The parts of a document set: what each one sends, what came of it, and what follows."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from attrs import frozen

from openrouter_rerank._call.arguments import CallOptions, Document, RerankOptions
from openrouter_rerank._call.clock import Clock
from openrouter_rerank._call.config import Settings
from openrouter_rerank._codec.request import (
    EncodedDocument,
    EncodedRequest,
    encode_document,
    is_blank,
    require_count,
)
from openrouter_rerank._codec.response import Reply
from openrouter_rerank.errors import BatchError, DeadlineExceededError, OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody

from .merge import Merge


class Encode(Protocol):
    """Encodes a part of the documents, with all else that is asked; see `encode_request`."""

    def __call__(
        self, *, documents: Iterable[EncodedDocument], top_n: int | None
    ) -> EncodedRequest:
        """Return the part's request."""
        ...


class BatchOptions(CallOptions):
    """How each part's call is made; all of them share one deadline."""

    def __init__(self, now: Callable[[], float], options: RerankOptions) -> None:
        """
        Begin the time of all the parts.

        Args:
            now: The clock, in seconds.
            options: What the caller of all the parts wants otherwise.
        """
        super().__init__(**options)
        self._now = now
        self._began = now()

    def apply(self, settings: Settings) -> Settings:
        """
        Return the settings of one part's call, which has the time that is left.

        Raises:
            DeadlineExceededError: There is none left.
            TypeError: An option has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        applied = super().apply(settings)
        if applied.deadline is None:
            return applied
        left = applied.deadline - (self._now() - self._began)
        if left <= 0:
            raise DeadlineExceededError(f"not begun within the deadline of {applied.deadline:g} s")
        return applied._replace(deadline=left)


@frozen
class Batch:
    """
    Some of the documents, ready to be sent.

    Attributes:
        number: Counts the parts, from 0.
        request: The body, with the documents.
    """

    number: int
    request: EncodedRequest


class BatchedCall:
    """
    One call in parts: what is to be sent, what came of it, and what follows.

    One thread or task reads the parts, others report on them.

    Attributes:
        batch_size: How many documents a part has at most.
        max_concurrency: How many parts are under way at most.
        options: How each part's call is made.
        has_failed: Whether a part has failed, so that no further one is to be sent.
    """

    def __init__(
        self,
        encode: Encode,
        clock: Clock,
        options: RerankOptions,
        *,
        batch_size: int,
        max_concurrency: int,
        top_n: int | None,
    ) -> None:
        """
        Begin the time of the whole call.

        Raises:
            TypeError: A number is not a whole one, or an option is not known.
            ValueError: A number is below 1.
        """
        self.batch_size = require_count(batch_size, "batch_size")
        self.max_concurrency = require_count(max_concurrency, "max_concurrency")
        self.options = BatchOptions(clock.now, options)
        self.has_failed = False
        self._encode = encode
        self._top_n = None if top_n is None else require_count(top_n, "top_n")
        self._merge = Merge(self.batch_size, self._top_n)
        self._failures: dict[int, tuple[Exception, range]] = {}
        self._exit: BaseException | None = None
        self._lock = threading.Lock()

    def make_batch(self, number: int, documents: Sequence[Document]) -> Batch | None:
        """
        Check and encode the documents of a part.

        Returns:
            The part; None if the one before was the last.

        Raises:
            TypeError: A document, or another argument, has the wrong type.
            ValueError: The API would refuse one; a document is named by the caller's position.
        """
        if number and not documents:
            return None
        first = number * self.batch_size
        encoded = [
            check_document(document, position) for position, document in enumerate(documents, first)
        ]
        top_n = None if self._top_n is None else min(self._top_n, max(1, len(encoded)))
        return Batch(number, self._encode(documents=encoded, top_n=top_n))

    def finish(self, part: Batch, reply: Reply) -> None:
        """
        Take a part's reply.

        Raises:
            ResponseValidationError: It is not the contract's shape.
        """
        response = reply.decode(part.request.documents)
        with self._lock:
            self._merge.add(part.number, response)

    def fail(self, number: int, error: BaseException, size: int) -> None:
        """Note what a part of so many documents ended in."""
        first = number * self.batch_size
        with self._lock:
            if isinstance(error, Exception):
                self._failures[number] = error, range(first, first + size)
            else:
                self._exit = error
            self.has_failed = True

    def conclude(self) -> CreateRerankResponseBody:
        """
        Return the reply to the whole, once nothing is under way.

        Raises:
            BatchError: A part failed.
            BaseException: What the first part failed with, when it is no outcome of a call and no
                other part succeeded; and what is not an `Exception`, from whatever part.
        """
        if self._exit is not None:
            raise self._exit
        if not self._failures:
            return self._merge.build()
        number = min(self._failures)
        error, positions = self._failures[number]
        is_outcome = isinstance(error, OpenRouterError)
        if not (is_outcome or len(self._merge)):
            raise error
        raise BatchError(
            f"part {number} ({describe(positions)}): {error if is_outcome else repr(error)}",
            cause=error,
            part=number,
            positions=positions,
            responses=self._merge.replies(),
        ) from error


def check_document(document: object, position: int) -> EncodedDocument:
    """Return a document as it is sent; a blank one would be billed for nothing."""
    encoded = encode_document(document, position)
    if is_blank(encoded):
        raise ValueError(f"documents[{position}]: is blank")
    return encoded


def describe(positions: range) -> str:
    """Name the documents of a part."""
    return f"documents {positions[0]} to {positions[-1]}" if positions else "no document was read"
