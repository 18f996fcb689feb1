"""
Reranking in LangChain, as a document compressor.

It needs the extra `langchain`: `pip install "openrouter-rerank[langchain]"`. Without it, importing
this module raises a `ModuleNotFoundError` that says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

try:
    from langchain_core.callbacks import Callbacks
    from langchain_core.documents import BaseDocumentCompressor, Document
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"openrouter_rerank.langchain needs the package {error.name}: "
        'run pip install "openrouter-rerank[langchain]"',
        name=error.name,
    ) from error
from pydantic import Field

from ._codec.fields import TEXT_FIELD, make_document
from ._integrations.items import Arranged, Scored, require_items
from ._integrations.pydantic_base import PydanticAdapter

__all__ = ["OpenRouterRerank"]

SCORE_KEY = "relevance_score"
PASSAGE_KEY = "passage"
RETRIEVER_KEY = "retriever_score"
ORIGIN_KEY = "rerank"


class OpenRouterRerank(PydanticAdapter, BaseDocumentCompressor):
    """
    Keeps the documents that an OpenRouter model finds most relevant to the query.

    Use it wherever LangChain takes a `BaseDocumentCompressor`, such as the `base_compressor` of a
    `ContextualCompressionRetriever`. Use it as a context manager, `with` or `async with`, or close
    it with `close()` or `aclose()`; after that its calls raise `ClientClosedError`. The key is in
    no repr, dump or pickle: a compressor loaded from one reads it from `OPENROUTER_API_KEY`.

    Each optional field of the request is a setting too, such as `provider`, as plain JSON;
    `client.rerank.rerank` explains them. One that is None is not sent.

    Attributes:
        model: Slug of the rerank model, such as "cohere/rerank-5-fast".
        top_n: How many documents to return, at least 1; None returns all. The default is 3, as in
            LangChain's other rerankers.
        api_key: The key; None reads `OPENROUTER_API_KEY` at the time of a call.
        server_url: Where the API is served, its path included; None uses the client's server, else
            `OPENROUTER_BASE_URL`, else OpenRouter.
        batch_size: How many documents to send in one request, at least 1, such as the most that the
            provider takes; more are sent in batches and merged by score, which is sound for models
            that score each document by itself. None sends them all in one request.
        unrankable: What becomes of a document with nothing to rank, such as a blank one:
            "set_aside" returns it after all others, with the score None and a warning in the log;
            "raise" refuses the call before anything is sent.
        extra_body: Fields that this release does not know, added to the body; None adds none.
        fields: Names of metadata to rank beside the content, which is the field "text", such as
            ["title", "text"]: they are sent as YAML text in this order. None sends the content
            alone.
        on_failure: What becomes of a call that fails, with all its fallbacks: "raise" raises its
            error, "keep_order" returns the documents in the order in which they came, cut to
            `top_n` and without scores. None uses the client's, which is "raise" unless it says
            otherwise.
        fallback_models: Models to ask in turn when one has failed: slugs, or a `Ranker` such as
            `openrouter_rerank.local.LOCAL`, which no dump as JSON can hold. None uses the client's.
        follow_fallbacks: Whether to ask the models that an error names instead; None uses the
            client's.
        min_score: Drop documents that score lower, by any model or by those that a mapping of slugs
            names; None uses the client's.
        cache: Where answers are kept, such as a `DiskCache`; False does not use the client's, None
            does. It is in no dump.
        passages: How documents that are too long for the model are split, as
            `Passages(max_tokens=128)` or its sizes as a dict; None uses the client's.
        client: An `OpenRouter` to call with instead of one made here; it has its own key and is
            never closed here. Set timeouts, retries and a key that changes on it. It is in no dump,
            and a compressor that has one cannot be pickled.
    """

    top_n: int | None = Field(default=3, ge=1)

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,  # noqa: ARG002  LangChain has no event for this
    ) -> list[Document]:
        """
        Return copies of the most relevant documents, the most relevant first.

        Args:
            documents: The documents to choose from; they are not changed. If there are none,
                nothing is sent.
            query: The text to compare the documents with.
            callbacks: Not called: the retriever around the compressor reports its run.

        Returns:
            At most `top_n` documents with their metadata and, in `metadata["relevance_score"]`, the
            score; higher is better, and None if the order was kept. What stood there before is in
            `metadata["retriever_score"]`. With `passages`, `metadata["passage"]` is where the best
            one stands in what was ranked, as `{"start": ..., "end": ...}`. `metadata["rerank"]`
            says how the order of them all came about: `model`, `reranked`, `failure`, and the
            call's `cost`, `cached`, `generation_id` and `attempts`. The metadata is a dict of its
            own with the same values.

        Raises:
            TypeError: `documents` is no list of documents; nothing was sent.
            ValueError: The query is blank, a document is and `unrankable` is "raise", or a setting
                has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error (see `openrouter_rerank.errors`).
        """
        found = require_items(documents, Document, "documents")
        return add_scores(self._rank(found, self._read_document, query))

    async def acompress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,  # noqa: ARG002  LangChain has no event for this
    ) -> list[Document]:
        """Async `compress_documents`, on the running event loop and without a thread."""
        found = require_items(documents, Document, "documents")
        return add_scores(await self._rank_async(found, self._read_document, query))

    def _read_document(self, document: Document) -> str:
        """Return what the model compares with the query."""
        text = document.page_content
        if self.fields is None:
            return text
        return make_document({**document.metadata, TEXT_FIELD: text}, self.fields)


def add_scores(arranged: Arranged[Document]) -> list[Document]:
    """Return copies of the documents with their scores in metadata dicts of their own."""
    return [add_score(scored, arranged.origin) for scored in arranged.scored]


def add_score(scored: Scored[Document], origin: Mapping[str, Any]) -> Document:
    """Return a copy of a document with its score, and how it came about."""
    # Not a deep copy: some values have none, and that would lose a reply that is paid for.
    metadata = {**scored.item.metadata, SCORE_KEY: scored.score, ORIGIN_KEY: dict(origin)}
    if scored.item.metadata.get(SCORE_KEY) is not None:
        metadata[RETRIEVER_KEY] = scored.item.metadata[SCORE_KEY]
    if scored.passage is not None:
        metadata[PASSAGE_KEY] = scored.passage
    return scored.item.model_copy(update={"metadata": metadata})
