"""One call in batches: what each batch sends, how it ended, and what follows."""

import math
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from attrs import frozen

from openrouter_rerank._call.answer import Answer
from openrouter_rerank._call.arguments import Document
from openrouter_rerank._call.clock import Clock
from openrouter_rerank._call.config import Settings
from openrouter_rerank._codec.documents import (
    EncodedDocument,
    Unrankable,
    encode_document,
    find_position,
    find_positions,
    is_blank,
    is_unrankable,
    require_unrankable,
    restore_positions,
    select_documents,
)
from openrouter_rerank._codec.passages import PassageMap
from openrouter_rerank._codec.reply_cost import read_cost
from openrouter_rerank._codec.request import EncodedRequest, refuse_surrogate
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._codec.values import require_count
from openrouter_rerank._events.logging import warn_of_unranked
from openrouter_rerank.errors import (
    BatchError,
    DeadlineExceededError,
    OpenRouterError,
    ResponseValidationError,
)
from openrouter_rerank.operations import CreateRerankResponseBody

from .merge import Merge


class BatchEncoder(Protocol):
    """Encodes a batch's documents with the call's other arguments, by `encode_request`."""

    def __call__(
        self, *, documents: Iterable[Document], model: str, top_n: int | None
    ) -> EncodedRequest:
        """Return the batch's request."""
        ...


@frozen
class Batch:
    """
    One request's share of the documents, ready to be sent.

    Attributes:
        number: The batch's number, from 0.
        request: The body, with the documents.
    """

    number: int
    request: EncodedRequest


class BatchedCall:
    """
    One call in batches: what to send, how it ended, and what follows.

    One thread or task reads the batches; others record how they ended.

    Attributes:
        model: The model that ranks.
        settings: The settings of the whole call.
        batch_size: How many documents, or passages of them, a batch has at most.
        max_concurrency: How many batches are sent at once at most.
        has_failed: Whether a batch has failed, so that no more are to be sent.
    """

    def __init__(
        self,
        encode: BatchEncoder,
        clock: Clock,
        settings: Settings,
        *,
        model: str,
        batch_size: int,
        max_concurrency: int,
        top_n: int | None,
        unrankable: Unrankable = "raise",
    ) -> None:
        """
        Start the time of the whole call.

        Raises:
            TypeError: A number is not a whole number.
            ValueError: A number is below 1, or `unrankable` is unknown.
        """
        self.model = model
        self.settings = settings
        self.batch_size = require_count(batch_size, "batch_size")
        self.max_concurrency = require_count(max_concurrency, "max_concurrency")
        self.has_failed = False
        self._clock = clock
        self._began_at = clock.now()
        self._encode = encode
        self._top_n = None if top_n is None else require_count(top_n, "top_n")
        # Of documents that are split, all passages and their results are kept until the end.
        split = settings.passages
        self._passages = None if split is None else PassageMap(split)
        self._waiting: deque[EncodedDocument] = deque()
        self._merge = Merge(self.batch_size, self._top_n if split is None else None)
        self._unrankable: Unrankable = require_unrankable(unrankable)
        # Of the documents read so far: how many there are, and which are not sent.
        self._count = 0
        self._set_aside: list[int] = []
        self._is_checked = False
        self._empty: CreateRerankResponseBody | None = None
        self._sent = self._attempts = 0
        self._is_cached = True
        self._saved_costs: list[float | None] = []
        self._generation_ids: list[str | None] = []
        self._failures: dict[int, tuple[Exception, range]] = {}
        self._interrupt: BaseException | None = None
        self._lock = threading.Lock()

    def for_model(self, model: str, settings: Settings) -> "BatchedCall":
        """Return a call for the same documents by another model; its time begins now."""
        return BatchedCall(
            self._encode,
            self._clock,
            settings,
            model=model,
            batch_size=self.batch_size,
            max_concurrency=self.max_concurrency,
            top_n=self._top_n,
            unrankable=self._unrankable,
        )

    def encode_all(self, documents: Iterable[Document]) -> EncodedRequest:
        """Encode all documents as one request, for a ranker that sends none."""
        encoded = self._encode(documents=documents, model=self.model, top_n=self._top_n)
        return encoded.split(self.settings.passages)

    def limit_settings(self) -> Settings:
        """
        Return the settings of the next request; its deadline is what is left of the call's.

        Raises:
            DeadlineExceededError: No time is left.
        """
        settings = self.settings
        if settings.deadline is None:
            return settings
        remaining = settings.deadline - (self._clock.now() - self._began_at)
        if remaining <= 0:
            error = DeadlineExceededError(
                f"not begun within the deadline of {settings.deadline:g} s"
            )
            error.ended_call = True
            raise error
        return settings._replace(deadline=remaining)

    def check(self, documents: Iterable[Document]) -> Iterable[Document]:
        """
        Check documents that are all there before any is sent; others are checked as they are read.

        Raises:
            TypeError: A document has the wrong type.
            ValueError: A document is malformed, blank or not encodable, or there are none.
        """
        if not isinstance(documents, Collection):
            return documents
        encoded, self._set_aside = select_documents(list(documents), self._unrankable)
        self._is_checked = True
        positions = find_positions(range(len(encoded)), self._set_aside)
        for document, position in zip(encoded, positions, strict=True):
            refuse_surrogate(f"documents[{position}]", document)
        return encoded

    def read(self, documents: Iterable[Document]) -> Iterator[Document]:
        """
        Return what is to be sent of documents that are read now: those themselves, or passages.

        Passages that are left wait for the next batch, and come first.

        Raises:
            TypeError: A document that is to be split has the wrong type.
            ValueError: It is malformed, blank or not encodable.
        """
        selected = filter(self.takes, documents)
        return selected if self._passages is None else self._split(self._passages, selected)

    def _split(
        self, passages: PassageMap, documents: Iterable[Document]
    ) -> Iterator[EncodedDocument]:
        waiting = self._waiting
        while waiting:
            yield waiting.popleft()
        for document in documents:
            position = find_position(len(passages.documents), self._set_aside)
            encoded = check_document(document, position)
            refuse_surrogate(f"documents[{position}]", encoded)
            waiting.extend(passages.add(encoded))
            while waiting:
                yield waiting.popleft()

    def takes(self, document: Document) -> bool:
        """Return whether a document that was just read is to be sent; else set it aside."""
        if self._is_checked:
            return True
        position = self._count
        self._count += 1
        if self._unrankable == "raise" or not is_unrankable(document):
            return True
        self._set_aside.append(position)
        return False

    def make_batch(self, number: int, documents: Sequence[Document]) -> Batch | None:
        """
        Check and encode the documents of a batch.

        Returns:
            The batch; None if the one before was the last.

        Raises:
            TypeError: A document, or another argument, has the wrong type.
            ValueError: The API would refuse one of them. The message names a document by its
                position among all documents of the call.
        """
        if number and not documents:
            return None
        positions = self._find_positions(number * self.batch_size, len(documents))
        encoded = [
            check_document(document, position)
            for document, position in zip(documents, positions, strict=True)
        ]
        top_n = self._top_n if self._passages is None else None
        top_n = None if top_n is None else min(top_n, max(1, len(encoded)))
        try:
            batch = Batch(number, self._encode(documents=encoded, model=self.model, top_n=top_n))
        except ValueError:
            for position, document in zip(positions, encoded, strict=True):
                refuse_surrogate(f"documents[{position}]", document)
            raise
        if encoded:
            return batch
        self._empty = batch.request.make_empty_response()
        return None

    def record_reply(self, batch: Batch, reply: Reply) -> None:
        """
        Add a batch's reply to the merged one.

        Raises:
            ResponseValidationError: The reply does not have the contract's shape.
        """
        response = reply.decode(batch.request)
        with self._lock:
            self._merge.add(batch.number, response)
            self._sent += len(batch.request.documents)
            self._attempts += reply.attempts
            self._is_cached &= reply.is_cached
            if reply.is_cached or reply.saved_cost is not None:
                self._saved_costs.append(reply.saved_cost)
            self._generation_ids.append(reply.generation_id)

    def record_failure(self, number: int, error: BaseException, size: int) -> None:
        """Record the error of a batch of `size` documents, and stop sending."""
        positions = self._find_positions(number * self.batch_size, size)
        read = range(positions[0], positions[-1] + 1) if positions else range(0)
        with self._lock:
            if isinstance(error, Exception):
                self._failures[number] = error, read
            else:
                self._interrupt = error
            self.has_failed = True

    def build_answer(self) -> Answer:
        """
        Return the answer with the merged reply, once all batches have ended.

        Raises:
            BatchError: A batch failed.
            BaseException: The error of the first batch that failed, if it is not an
                `OpenRouterError` and no other batch succeeded; or what any batch raised that is
                not an `Exception`.
        """
        if self._interrupt is not None:
            raise self._interrupt
        warn_of_unranked(self._set_aside)
        if not self._failures:
            sent = self._sent if self._passages is None else len(self._passages.documents)
            return Answer(
                self._empty or self._restore(self._merge.build()),
                sent + len(self._set_aside),
                self._set_aside,
                self._attempts,
                self._generation_ids[0] if len(self._generation_ids) == 1 else None,
                self._is_cached and bool(self._sent),
                sum_known(self._saved_costs),
                has_spans=self._passages is not None,
            )
        number = min(self._failures)
        error, positions = self._failures[number]
        is_api_error = isinstance(error, OpenRouterError)
        if not (is_api_error or len(self._merge)):
            raise error
        reason = error if is_api_error else repr(error)
        failure = BatchError(
            f"part {number} ({describe_positions(positions)}): {reason}",
            cause=error,
            part=number,
            positions=positions,
            responses={
                number: self._restore(response)
                for number, response in self._merge.replies().items()
            },
        )
        failure.cost = sum_costs(failure)
        raise failure from error

    def _restore(self, response: CreateRerankResponseBody) -> CreateRerankResponseBody:
        """Turn results for what was sent into those of the caller's documents."""
        if self._passages is not None:
            response.results = self._passages.fold(response.results, self._top_n)
        restore_positions(response.results, self._set_aside)
        return response

    def _find_positions(self, first: int, count: int) -> Sequence[int]:
        """Return where so many of what is sent stand among the caller's documents."""
        if self._passages is not None:
            owners = self._passages.owners[first : first + count]
            return [find_position(owner, self._set_aside) for owner in owners]
        return find_positions(range(first, first + count), self._set_aside)


def sum_costs(failure: BatchError) -> float | None:
    """Return what the batches cost, in credits; None if nothing or only a part is known."""
    costs = [read_cost(response) for response in failure.responses.values()]
    if failure.cost is not None or isinstance(failure.cause, ResponseValidationError):
        costs.append(failure.cost)
    return sum_known(costs)


def sum_known(costs: Sequence[float | None]) -> float | None:
    """Return the sum of costs; None if there are none, or if one is unknown."""
    known = [cost for cost in costs if cost is not None]
    return math.fsum(known) if known and len(known) == len(costs) else None


def check_document(document: object, position: int) -> EncodedDocument:
    """Encode a document; refuse a blank one, which would be billed for nothing."""
    encoded = encode_document(document, position)
    if is_blank(encoded):
        raise ValueError(f"documents[{position}]: is blank")
    return encoded


def describe_positions(positions: range) -> str:
    """Name the documents of a batch."""
    return f"documents {positions[0]} to {positions[-1]}" if positions else "no document was read"
