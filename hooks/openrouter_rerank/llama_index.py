"""
Reranking in LlamaIndex, as a node postprocessor.

It needs the extra `llama-index`: `pip install "openrouter-rerank[llama-index]"`. Without it,
importing this module raises a `ModuleNotFoundError` that says so.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

try:
    from llama_index.core.callbacks import CBEventType, EventPayload
    from llama_index.core.instrumentation import (  # type: ignore[attr-defined]
        get_dispatcher,  # pyright: ignore[reportPrivateImportUsage]
    )
    from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"openrouter_rerank.llama_index needs the package {error.name}: "
        'run pip install "openrouter-rerank[llama-index]"',
        name=error.name,
    ) from error
from pydantic import Field

from ._call.arguments import Document
from ._codec.fields import TEXT_FIELD, make_document
from ._integrations.items import Arranged, Scored, require_items
from ._integrations.llama_images import read_image
from ._integrations.pydantic_base import PydanticAdapter

__all__ = ["OpenRouterRerank"]

Finish = Callable[[Arranged[NodeWithScore]], list[NodeWithScore]]
RETRIEVER_KEY = "retriever_score"
PASSAGE_KEY = "passage"
ORIGIN_KEY = "rerank"

_dispatcher = get_dispatcher(__name__)


class OpenRouterRerank(PydanticAdapter, BaseNodePostprocessor):
    """
    Keeps the nodes that an OpenRouter model finds most relevant to the query.

    Use it wherever LlamaIndex takes a `BaseNodePostprocessor`, such as the `node_postprocessors` of
    a query engine. It reports each call by `ReRankStartEvent` and `ReRankEndEvent`, by a span, and
    to the callback manager. Use it as a context manager, `with` or `async with`, or close it with
    `close()` or `aclose()`; after that its calls raise `ClientClosedError`. The key is in no repr,
    dump or pickle: a postprocessor loaded from one reads it from `OPENROUTER_API_KEY`.

    A node's image is sent beside its text: a URL as it is, data and files as data URIs.

    Each optional field of the request is a setting too, such as `provider`, as plain JSON;
    `client.rerank.rerank` explains them. One that is None is not sent.

    Attributes:
        model: Slug of the rerank model, such as "cohere/rerank-5-fast".
        top_n: How many nodes to return, at least 1; None returns all. The default is 2, as in
            LlamaIndex's other rerankers.
        metadata_mode: Which metadata to put before a node's text when it is compared. The default,
            EMBED, is what an embedding model reads; NONE is the text alone.
        api_key: The key; None reads `OPENROUTER_API_KEY` at the time of a call.
        server_url: Where the API is served, its path included; None uses the client's server, else
            `OPENROUTER_BASE_URL`, else OpenRouter.
        batch_size: How many nodes to send in one request, at least 1, such as the most that the
            provider takes; more are sent in batches and merged by score, which is sound for models
            that score each document by itself. None sends them all in one request.
        unrankable: What becomes of a node with nothing to rank, such as a blank one: "set_aside"
            returns it after all others, with the score None and a warning in the log; "raise"
            refuses the call before anything is sent.
        extra_body: Fields that this release does not know, added to the body; None adds none.
        fields: Names of metadata to rank beside the text, which is the field "text", such as
            ["title", "text"]: they are sent as YAML text in this order, and `metadata_mode` does
            not count. None goes by that.
        on_failure: What becomes of a call that fails, with all its fallbacks: "raise" raises its
            error, "keep_order" returns the nodes in the order in which they came, cut to `top_n`
            and without scores. None uses the client's, which is "raise" unless it says otherwise.
        fallback_models: Models to ask in turn when one has failed: slugs, or a `Ranker` such as
            `openrouter_rerank.local.LOCAL`, which no dump as JSON can hold. None uses the client's.
        follow_fallbacks: Whether to ask the models that an error names instead; None uses the
            client's.
        min_score: Drop nodes that score lower, by any model or by those that a mapping of slugs
            names; None uses the client's.
        cache: Where answers are kept, such as a `DiskCache`; False does not use the client's, None
            does. It is in no dump.
        passages: How nodes that are too long for the model are split, as `Passages(max_tokens=128)`
            or its sizes as a dict; None uses the client's.
        client: An `OpenRouter` to call with instead of one made here; it has its own key and is
            never closed here. Set timeouts, retries and a key that changes on it. It is in no dump,
            and a postprocessor that has one cannot be pickled.
        callback_manager: LlamaIndex's older way of reporting; a query engine sets its own.
    """

    top_n: int | None = Field(default=2, ge=1)
    metadata_mode: MetadataMode = MetadataMode.EMBED

    @classmethod
    def class_name(cls) -> str:
        """Return the name of the class in a dump."""
        return "OpenRouterRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        """
        Return the most relevant nodes, the most relevant first; `postprocess_nodes` calls it.

        Args:
            nodes: The nodes to choose from; they are not changed. If there are none, nothing is
                sent.
            query_bundle: The query to compare the nodes with; only its `query_str` is read.

        Returns:
            At most `top_n` copies of the nodes with the model's scores, higher is better; None if
            the order was kept. The retriever's own are in `metadata["retriever_score"]`; with
            `passages`, `metadata["passage"]` is where the best one stands in what was ranked, as
            `{"start": ..., "end": ...}`. `metadata["rerank"]` says how the order of them all came
            about: `model`, `reranked`, `failure`, and the call's `cost`, `cached`, `generation_id`
            and `attempts`, as do the tags of the `ReRankEndEvent`. None of these is shown to a
            model.

        Raises:
            TypeError: `nodes` is no list of nodes; nothing was sent.
            ValueError: There is no query, the query or the text of a node is blank, an image
                cannot be read, or a setting has a value that the API would refuse; nothing was
                sent.
            OpenRouterError: The call ended in an error (see `openrouter_rerank.errors`).
        """
        query = require_query(query_bundle)
        nodes = require_items(nodes, NodeWithScore, "nodes")
        with self._report(nodes, query) as finish:
            return finish(self._rank(nodes, self._read_document, query))

    @_dispatcher.span
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        """Async `_postprocess_nodes`, on the running event loop and without a thread."""
        query = require_query(query_bundle)
        nodes = require_items(nodes, NodeWithScore, "nodes")
        with self._report(nodes, query) as finish:
            return finish(await self._rank_async(nodes, self._read_document, query))

    def _read_document(self, found: NodeWithScore) -> Document:
        """Return what the model compares with the query: text, or an object with an image."""
        node = found.node
        if self.fields is None:
            text = node.get_content(self.metadata_mode)
        else:
            own = node.get_content(MetadataMode.NONE)
            text = make_document({**node.metadata, TEXT_FIELD: own}, self.fields)
        image = read_image(node)
        if image is None:
            return text
        return {"text": text, "image": image} if text.strip() else {"image": image}

    @contextmanager
    def _report(self, nodes: list[NodeWithScore], query: str) -> Generator[Finish]:
        """Report a call's start; yield what reports its end and turns the ranking into nodes."""
        top_n = min(self.top_n or len(nodes), len(nodes))
        _dispatcher.event(
            ReRankStartEvent(query=query, nodes=nodes, top_n=top_n, model_name=self.model)
        )
        payload: dict[str, Any] = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: self.model,
            EventPayload.QUERY_STR: query,
            EventPayload.TOP_K: top_n,
        }
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:

            def finish(arranged: Arranged[NodeWithScore]) -> list[NodeWithScore]:
                scored = [add_score(each, arranged.origin) for each in arranged.scored]
                event.on_end(payload={EventPayload.NODES: scored, ORIGIN_KEY: arranged.origin})
                _dispatcher.event(ReRankEndEvent(nodes=scored, tags=dict(arranged.origin)))
                return scored

            yield finish


def add_score(scored: Scored[NodeWithScore], origin: Mapping[str, Any]) -> NodeWithScore:
    """Return a copy of a node with its score, and how it came about."""
    node, own_score = scored.item.node, scored.item.score
    added: dict[str, Any] = {ORIGIN_KEY: dict(origin)}
    if own_score is not None:
        added[RETRIEVER_KEY] = own_score
    if scored.passage is not None:
        added[PASSAGE_KEY] = scored.passage
    # Not a deep copy: some values have none, and that would lose a reply that is paid for.
    copied = node.model_copy(
        update={
            "metadata": {**node.metadata, **added},
            "excluded_embed_metadata_keys": [*node.excluded_embed_metadata_keys, *added],
            "excluded_llm_metadata_keys": [*node.excluded_llm_metadata_keys, *added],
        }
    )
    return scored.item.model_copy(update={"node": copied, "score": scored.score})


def require_query(query_bundle: QueryBundle | None) -> str:
    """Return the query's text; LlamaIndex lets postprocessors be called without one."""
    if query_bundle is None:
        raise ValueError("query_bundle: reranking needs a query")
    return query_bundle.query_str
