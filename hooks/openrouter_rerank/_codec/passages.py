"""
Long documents in passages: how they are split, and how their results become the documents' own.

Pure: no I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Sized
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from .values import require_count, require_integer

if TYPE_CHECKING:
    from openrouter_rerank_api.models.result import Result

    from .documents import EncodedDocument

# The first character of a passage, and the first one after it.
Span: TypeAlias = tuple[int, int]
# What a result says of its document's best passage, beside the fields of the contract.
PASSAGE_KEY = "passage"
BYTES_PER_TOKEN = 4
# A text with more for each token it may have is not counted as a whole: a tokenizer can take
# hundreds of bytes for each character, and the splitter counts only parts of it.
MOST_CHARACTERS_PER_TOKEN = 16
# Passages are made equally long to this part of the largest size.
SIZE_STEPS = 16


class Tokenizer(Protocol):
    """What `Passages` asks of a tokenizer, such as a `tokenizers.Tokenizer`."""

    def encode(self, text: str, /) -> Sized:
        """Return the tokens of a text; their number is what counts."""
        ...


class Passages:
    """
    How documents that a model would cut are split into passages.

    A document with more than `max_tokens` is split where sentences end (Unicode Standard Annex 29),
    at newlines rather than between two sentences of a paragraph, and within a sentence only if it
    is too long alone: into as few passages as it takes, of about the same length, since a short
    rest scores too high or too low. The passages are ranked instead of the document. Its score is
    that of its best passage, and the result says where that one stands in the document's text. A
    document with an image is not split.

    It needs the extra `passages`: `pip install "openrouter-rerank[passages]"`.

    Attributes:
        max_tokens: The most tokens of a passage.
        overlap: The most tokens that a passage repeats of the one before it.
        count: What counts them; None estimates a token for every 4 bytes of UTF-8.
    """

    def __init__(
        self,
        max_tokens: int = 128,
        overlap: int = 0,
        *,
        count: Tokenizer | Callable[[str], int] | None = None,
    ) -> None:
        """
        Take the sizes.

        Args:
            max_tokens: The most tokens of a passage, at least 1. With 128, the embedded model,
                which reads 256, ranks SciFact as well as with cut documents (see
                benchmarks/NOTES.md). More means fewer passages to pay for.
            overlap: The most tokens that a passage repeats of the one before it, less than
                `max_tokens`. Whole sentences are repeated, so it can be fewer, and none where
                the text has a border that is more than the end of a sentence.
            count: Counts the tokens of a text: the tokenizer of the model, such as a
                `tokenizers.Tokenizer`, or a function such as
                `openrouter_rerank.local.LOCAL.count_tokens`. None takes every 4 bytes of a text's
                UTF-8 for a token.

        Raises:
            ModuleNotFoundError: The extra `passages` is not installed.
            TypeError: A size is not a whole number, or `count` is neither a tokenizer nor a
                function.
            ValueError: A size is too small, the overlap not below `max_tokens`, or the tokenizer
                cuts or pads what it reads.
        """
        self.max_tokens = require_count(max_tokens, "max_tokens")
        self.overlap = require_integer(overlap, "overlap", 0)
        if self.overlap >= self.max_tokens:
            raise ValueError(
                f"overlap: must be below max_tokens, {self.max_tokens}, got {self.overlap}"
            )
        self.count = count
        self._measure = read_count(count)
        self._make_splitter = import_splitter()

    def split(self, text: str) -> Sequence[Span]:
        """
        Return where the passages of a text stand in it; one that is short enough is a single one.

        Raises:
            TypeError: `count` gave no whole number.
            Exception: What it raised.
        """
        is_short = len(text) <= self.max_tokens * MOST_CHARACTERS_PER_TOKEN
        if is_short and self.count_tokens(text) <= self.max_tokens:
            return [(0, len(text))]
        # The same parts are counted for several sizes.
        count = cache(self.count_tokens)
        spans = self._cut(text, count, self.max_tokens)
        lowest, highest = max(self.overlap + 1, self.max_tokens // 2), self.max_tokens
        while highest - lowest > self.max_tokens // SIZE_STEPS:
            size = (lowest + highest) // 2
            shorter = self._cut(text, count, size)
            if len(shorter) <= len(spans):
                spans, highest = shorter, size
            else:
                lowest = size + 1
        return spans

    def _cut(self, text: str, count: Callable[[str], int], size: int) -> Sequence[Span]:
        """Return the spans of passages of at most so many tokens, each as long as it can be."""
        splitter = self._make_splitter(count, size, self.overlap)
        spans = [(start, start + len(part)) for start, part in splitter.chunk_indices(text)]
        # The splitter trims, but not by all that Python takes for white space.
        return [(start, end) for start, end in spans if not text[start:end].isspace()]

    def count_tokens(self, text: str) -> int:
        """
        Count the tokens of a text.

        Raises:
            TypeError: `count` gave no whole number.
        """
        return require_integer(self._measure(text), "count: what it gives", 0)

    def __eq__(self, other: object) -> bool:
        """Return whether the other splits in the same way."""
        return isinstance(other, Passages) and self._arguments() == other._arguments()

    def __hash__(self) -> int:
        """Return the same for what is equal."""
        return hash((self.max_tokens, self.overlap))

    def __reduce__(self) -> tuple[object, tuple[int, int, object]]:
        """Copy and pickle it by its arguments."""
        return _make_passages, self._arguments()

    def __repr__(self) -> str:
        """Say what a passage is, and what is counted."""
        counted = f"{BYTES_PER_TOKEN} bytes of UTF-8 for a token"
        if self.count is not None:
            counted = getattr(self.count, "__qualname__", type(self.count).__qualname__)
        return f"Passages(max_tokens={self.max_tokens}, overlap={self.overlap}, count=<{counted}>)"

    def _arguments(self) -> tuple[int, int, Any]:
        return self.max_tokens, self.overlap, self.count


def _make_passages(max_tokens: int, overlap: int, count: Any) -> Passages:
    return Passages(max_tokens, overlap, count=count)


def require_passages(value: Passages | None) -> Passages | None:
    """
    Return the value if it says how documents are split, or is None.

    Raises:
        TypeError: It is something else.
    """
    if value is not None and not isinstance(cast("object", value), Passages):
        raise TypeError(f"passages: expected Passages, got {type(value).__name__}")
    return value


def read_count(count: Tokenizer | Callable[[str], int] | None) -> Callable[[str], object]:
    """
    Return the function that counts.

    Raises:
        TypeError: It is neither a tokenizer nor a function.
        ValueError: It is a tokenizer that cuts or pads, and would give the same for many texts.
    """
    if count is None:
        return estimate_tokens
    encode: Callable[[str], Sized] | None = getattr(count, "encode", None)
    if encode is not None:
        for setting in ("truncation", "padding"):
            if getattr(count, setting, None) is not None:
                raise ValueError(
                    f"count: the tokenizer has a {setting}; call its no_{setting}() before"
                )
        return partial(count_encoded, encode)
    if not callable(count):
        raise TypeError(f"count: expected a tokenizer or a function, got {type(count).__name__}")
    return count


def count_encoded(encode: Callable[[str], Sized], text: str) -> int:
    """Count what a tokenizer makes of a text."""
    return len(encode(text))


def estimate_tokens(text: str) -> int:
    """Return a token for every `BYTES_PER_TOKEN` of a text's UTF-8."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def import_splitter() -> Callable[[Callable[[str], int], int, int], Any]:
    """
    Return what makes a splitter of a function that counts, the most it may count, and the overlap.

    Raises:
        ModuleNotFoundError: The extra is not installed.
    """
    try:
        from semantic_text_splitter import TextSplitter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Passages needs the package {error.name}: "
            'run pip install "openrouter-rerank[passages]"',
            name=error.name,
        ) from error
    return TextSplitter.from_callback


class PassageMap:
    """
    The passages of one call, and the documents that they belong to.

    Attributes:
        documents: The documents, whole, in their order.
        sent: The passages, in the order in which they are sent.
        owners: For each passage, the index of its document.
        has_parts: Whether a passage is not a whole document.
    """

    def __init__(self, passages: Passages) -> None:
        """Start without documents."""
        self.documents: list[EncodedDocument] = []
        self.sent: list[EncodedDocument] = []
        self.owners: list[int] = []
        self.has_parts = False
        self._spans: list[Span | None] = []
        self._passages = passages

    def add(self, document: EncodedDocument) -> Sequence[EncodedDocument]:
        """
        Split the next document, and return its passages as they are sent.

        Raises:
            TypeError: What counts tokens gave no whole number.
            Exception: What it raised.
        """
        spans: Sequence[Span | None] = [None]
        sent = [document]
        if isinstance(document, str) or "image" not in document:
            text = read_text(document)
            found = spans = self._passages.split(text)
            if found != [(0, len(text))]:
                parts = [text[start:end] for start, end in found]
                is_text = isinstance(document, str)
                sent = [part if is_text else {"text": part} for part in parts]
                self.has_parts = True
        self.owners += [len(self.documents)] * len(sent)
        self.documents.append(document)
        self.sent += sent
        self._spans += spans
        return sent

    def fold(self, results: Iterable[Result], top_n: int | None) -> list[Result]:
        """
        Return the documents' results, each from the best one of its passages.

        Args:
            results: Those of the passages, sorted.
            top_n: How many documents to keep; None keeps all.
        """
        best: dict[int, Result] = {}
        for result in results:
            best.setdefault(self.owners[result.index], result)
        kept = list(best.items())[:top_n]
        return [self._restore_document(owner, result) for owner, result in kept]

    def find_documents(self, unscored: Iterable[int]) -> list[int]:
        """Return the documents that have no score, if these passages have none."""
        counts = Counter(self.owners[index] for index in unscored)
        sizes = Counter(self.owners)
        return [owner for owner, count in counts.items() if count == sizes[owner]]

    def _restore_document(self, owner: int, result: Result) -> Result:
        """Turn a passage's result into its document's."""
        document, span = self.documents[owner], self._spans[result.index]
        if span is not None:
            start, end = span
            result.additional_properties[PASSAGE_KEY] = {"start": start, "end": end}
            text = read_text(document)
            if end - start < len(text):
                from openrouter_rerank_api.models.document_response import DocumentResponse

                result.document = DocumentResponse(text=text)
        result.index = owner
        return result


def read_text(document: EncodedDocument) -> str:
    """Return the text of a document without an image."""
    return document if isinstance(document, str) else document["text"]


def read_span(result: Result) -> Span | None:
    """Return where a document's best passage stands; None if the document was not split."""
    passage = result.additional_properties.get(PASSAGE_KEY)
    return None if passage is None else (passage["start"], passage["end"])
