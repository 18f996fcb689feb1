"""
A ranker for Haystack's pipelines.

It needs the extra `haystack`: `pip install "openrouter-rerank[haystack]"`. Haystack 3 loads from
YAML only the modules that you allow: `Pipeline.loads(text, allowed_modules=["openrouter_rerank"])`,
or `HAYSTACK_DESERIALIZATION_ALLOWLIST=openrouter_rerank` in the environment.
"""

import math
import threading
from base64 import b64encode
from collections.abc import Iterable
from copy import copy, deepcopy
from typing import Any, Self, TypedDict, Unpack

from ._cache.store import Cache
from ._call.config import (
    read_cache,
    read_fallback_models,
    read_flag,
    read_min_score,
    read_on_failure,
)
from ._call.defaults import DEFAULT_DEADLINE_MS
from ._call.ranker import Ranker
from ._call.signatures import list_arguments
from ._client import OpenRouter
from ._codec.documents import Unrankable, require_unrankable
from ._codec.fields import TEXT_FIELD, make_document, require_fields
from ._codec.passages import Passages
from ._codec.values import require_count, require_text
from ._integrations.items import (
    Arranged,
    Scored,
    Selection,
    limit_count,
    read_entry,
    require_items,
)
from ._integrations.passage_setting import read_passages, write_passages
from ._integrations.request_settings import (
    REQUEST_FIELDS,
    RequestSettings,
    RequestSettingsArguments,
    drop_none,
    read_settings,
)
from ._network.auth import API_KEY_VARIABLE
from ._policy.failures import OnFailure

try:
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.dataclasses import ByteStream
    from haystack.utils import Secret, deserialize_secrets_inplace
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "openrouter_rerank.haystack needs the package haystack-ai: "
        'run pip install "openrouter-rerank[haystack]"',
        name=error.name,
    ) from error

__all__ = ["OpenRouterRanker"]

RETRIEVER_KEY = "retriever_score"
PASSAGE_KEY = "passage"
API_KEY = Secret.from_env_var(API_KEY_VARIABLE, strict=False)


class RankerOutputs(TypedDict):
    """What a ranker hands on in a pipeline; `OpenRouterRanker.run` explains it."""

    documents: list[Document]
    rerank: dict[str, Any]


@component
class OpenRouterRanker(RequestSettings):
    """
    Orders documents by how relevant a model finds each one to a query.

    It returns copies of the documents with the model's score and does not change the documents
    themselves. Only `top_k` drops any. Of documents of the same id it takes one, as Haystack's own
    rankers do: the one with the highest score, or else the first.

    It ranks a document's content, preceded by the meta fields that you ask for, and its image: a
    blob of the type `image/*`, sent as a data URI.

    It connects when it needs to; `close` and `close_async` close the connections.
    """

    @list_arguments(RequestSettingsArguments)
    def __init__(
        self,
        model: str,
        *,
        api_key: Secret = API_KEY,
        top_k: int | None = None,
        server_url: str | None = None,
        timeout_ms: float | None = None,
        deadline_ms: float | None = None,
        meta_fields_to_embed: list[str] | None = None,
        meta_data_separator: str = "\n",
        batch_size: int | None = None,
        unrankable: Unrankable = "set_aside",
        extra_body: dict[str, Any] | None = None,
        fields: list[str] | None = None,
        on_failure: OnFailure | None = None,
        fallback_models: list[str | Ranker] | None = None,
        follow_fallbacks: bool | None = None,
        min_score: float | dict[str, float] | None = None,
        cache: Cache | bool | None = None,
        passages: Passages | dict[str, int] | None = None,
        client: OpenRouter | None = None,
        **settings: Unpack[RequestSettingsArguments],
    ) -> None:
        """
        Set up without connecting or reading the key.

        Args:
            model: Slug of the rerank model, such as "cohere/rerank-5-fast".
            api_key: The key, `OPENROUTER_API_KEY` unless given. Only a secret from the environment
                can be serialised.
            top_k: How many documents to return, at least 1; None returns all.
            server_url: Where the API is served; None uses `OPENROUTER_BASE_URL`, else OpenRouter.
            timeout_ms: Limit for connecting, for one read and for one write, in milliseconds; None
                uses the client's default.
            deadline_ms: Limit for a whole call with all its attempts, in milliseconds; None uses
                the client's default.
            meta_fields_to_embed: Names of meta fields to put before the content; those that a
                document lacks, or that are None, are left out.
            meta_data_separator: The text between the meta fields and the content.
            batch_size: How many documents to send in one request, at least 1, such as the most that
                the provider takes; more are sent in batches and merged by score, which is sound for
                models that score each document by itself. None sends them all in one request.
            unrankable: What becomes of a document with neither text nor an image: "set_aside"
                returns it after all others, with the score None and a warning in the log; "raise"
                refuses the call before anything is sent.
            extra_body: Fields that this release does not know, added to the body; None adds none.
            fields: Names of meta fields to rank beside the content, which is the field "text", such
                as ["title", "text"]: they are sent as YAML text in this order. None goes by
                `meta_fields_to_embed`.
            on_failure: What becomes of a call that fails, with all its fallbacks: "raise" raises
                its error, "keep_order" returns the documents in the order in which they came, cut
                to `top_k` and without scores. None uses the client's, which is "raise" unless it
                says otherwise.
            fallback_models: Models to ask in turn when one has failed: slugs, or a `Ranker` such as
                `openrouter_rerank.local.LOCAL`, which cannot be serialised. None uses the client's.
            follow_fallbacks: Whether to ask the models that an error names instead; None uses the
                client's.
            min_score: Drop documents that score lower, by any model or by those that a mapping of
                slugs names; None uses the client's.
            cache: Where answers are kept, such as a `DiskCache`, which cannot be serialised; False
                does not use the client's, None does.
            passages: How documents that are too long for the model are split, as
                `Passages(max_tokens=128)` or its sizes as a dict; None uses the client's. With a
                tokenizer or a function that counts it cannot be serialised.
            client: A client to make the calls with, never closed here. It has its own key, server
                and limits, and a ranker with one cannot be serialised.
            settings: The optional fields of the request, such as `provider`, as plain JSON;
                `client.rerank.rerank` explains them. None sends nothing.

        Raises:
            TypeError: `model`, `top_k` or `batch_size` has the wrong type.
            ValueError: `model` is blank, `top_k` or `batch_size` is below 1, `unrankable` is
                unknown, or there is both a client and a setting of the client.
        """
        client_settings = (server_url, timeout_ms, deadline_ms)
        if client is not None and any(setting is not None for setting in client_settings):
            raise ValueError("client: brings its own server_url, timeout_ms and deadline_ms")
        # Not by super(): Haystack makes another class of this one.
        RequestSettings.__init__(self, **settings)
        self.model = require_text(model, "model")
        self.api_key = api_key
        self.top_k = check_count(top_k, "top_k")
        self.server_url = server_url
        self.timeout_ms = timeout_ms
        self.deadline_ms = deadline_ms
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.meta_data_separator = meta_data_separator
        self.batch_size = check_count(batch_size, "batch_size")
        self.unrankable: Unrankable = require_unrankable(unrankable)
        self.extra_body = extra_body
        if fields is not None and meta_fields_to_embed:
            raise ValueError("fields: they take the place of meta_fields_to_embed")
        self.fields = None if fields is None else list(require_fields(fields))
        self.on_failure = read_on_failure(on_failure)
        self.fallback_models = None if fallback_models is None else list(fallback_models)
        read_fallback_models(fallback_models)
        self.follow_fallbacks = read_flag(follow_fallbacks, "follow_fallbacks")
        self.min_score = min_score
        read_min_score(min_score)
        self.cache = cache
        read_cache(cache)
        self.passages = read_passages(passages)
        self._given_client = client
        # Two clients, since Haystack closes sync and async connections separately.
        self._sync_client = client
        self._async_client = client
        self._lock = threading.Lock()

    def __copy__(self) -> Self:
        """Return a ranker with the same settings, which shares a client that was given."""
        copied = type(self).__new__(type(self))
        own = {"_sync_client": self._given_client, "_async_client": self._given_client}
        vars(copied).update(vars(self), **own, _lock=threading.Lock())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a ranker with copies of the settings, which shares a client that was given."""
        copied = self.__copy__()
        lock = vars(copied).pop("_lock")
        vars(copied).update(deepcopy(vars(copied), memo), _lock=lock)
        return copied

    def warm_up(self) -> None:
        """
        Make the client for `run`, unless it exists.

        Raises:
            ValueError: The key is missing, though `api_key` is strict, or a setting cannot work.
        """
        self._ensure_client()

    async def warm_up_async(self) -> None:
        """Make the client for `run_async`, unless it exists; it raises what `warm_up` raises."""
        self._ensure_async_client()

    def close(self) -> None:
        """Close the connections of `run`; the next `run` makes new ones."""
        client, self._sync_client = self._sync_client, self._given_client
        if client is not None and client is not self._given_client:
            client.close()

    async def close_async(self) -> None:
        """Close the connections of `run` and `run_async`; the next run makes new ones."""
        self.close()
        client, self._async_client = self._async_client, self._given_client
        if client is not None and client is not self._given_client:
            await client.aclose()

    def to_dict(self) -> dict[str, Any]:
        """
        Return what `from_dict` needs, with the key's variable instead of the key.

        Raises:
            ValueError: The key is a token, or the ranker was given a client or a cache, falls back
                to a `Ranker` or has something that counts tokens.
        """
        if self._given_client is not None:
            raise ValueError("client: a ranker with a client of its own cannot be serialised")
        if not all(isinstance(model, str) for model in self.fallback_models or ()):
            raise ValueError("fallback_models: a Ranker cannot be serialised")
        if self.cache is not None and not isinstance(self.cache, bool):
            raise ValueError("cache: a cache cannot be serialised")
        return default_to_dict(
            self,
            model=self.model,
            api_key=self.api_key.to_dict(),
            top_k=self.top_k,
            server_url=self.server_url,
            **{name: getattr(self, name) for name in REQUEST_FIELDS},
            timeout_ms=self.timeout_ms,
            deadline_ms=self.deadline_ms,
            meta_fields_to_embed=self.meta_fields_to_embed,
            meta_data_separator=self.meta_data_separator,
            batch_size=self.batch_size,
            unrankable=self.unrankable,
            extra_body=self.extra_body,
            fields=self.fields,
            on_failure=self.on_failure,
            fallback_models=self.fallback_models,
            follow_fallbacks=self.follow_fallbacks,
            min_score=self.min_score,
            cache=self.cache,
            passages=write_passages(self.passages),
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "OpenRouterRanker":
        """
        Make the ranker that `to_dict` described; `data` is not changed.

        Raises:
            DeserializationError: `data` describes another class.
        """
        parameters = dict(data.get("init_parameters", {}))
        deserialize_secrets_inplace(parameters, ["api_key"])
        return default_from_dict(cls, {**data, "init_parameters": parameters})

    @component.output_types(documents=list[Document], rerank=dict[str, Any])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> RankerOutputs:
        """
        Order documents by their relevance to a query.

        Args:
            query: The text to compare the documents with.
            documents: The documents. If there are none, nothing is sent and none are returned.
            top_k: How many to return, at least 1; None uses the ranker's own.

        Returns:
            `documents`: copies with their scores, the most relevant first; if the order was kept,
            the scores are None. The score that a document came with is in
            `meta["retriever_score"]`; with `passages`, `meta["passage"]` is where the best one
            stands in what was ranked, as `{"start": ..., "end": ...}`. `rerank` says how the order
            came about: `model`, `reranked`, `failure`, `cost`, `cached`, `generation_id` and
            `attempts`.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: The query is blank, a document is and `unrankable` is "raise", or `top_k` is
                below 1; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        top_n = check_count(top_k, "top_k") or self.top_k
        documents = drop_duplicates(require_items(documents, Document, "documents"))
        selected = Selection(documents, self._read_document, self.unrankable)
        if not selected.entries:
            return give(selected.arrange_nothing(self.model, top_n))
        ranking = self._ensure_client().rerank.rank(
            selected.entries,
            query=query,
            key=read_entry,
            top_n=limit_count(top_n, len(selected.entries)),
            **self._arguments(),
        )
        return give(selected.arrange(ranking, top_n))

    @component.output_types(documents=list[Document], rerank=dict[str, Any])
    async def run_async(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> RankerOutputs:
        """Async `run`, in the running event loop."""
        top_n = check_count(top_k, "top_k") or self.top_k
        documents = drop_duplicates(require_items(documents, Document, "documents"))
        selected = Selection(documents, self._read_document, self.unrankable)
        if not selected.entries:
            return give(selected.arrange_nothing(self.model, top_n))
        ranking = await self._ensure_async_client().rerank.rank_async(
            selected.entries,
            query=query,
            key=read_entry,
            top_n=limit_count(top_n, len(selected.entries)),
            **self._arguments(),
        )
        return give(selected.arrange(ranking, top_n))

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments that all calls share."""
        return {
            "model": self.model,
            "batch_size": self.batch_size,
            "extra_body": self.extra_body,
            # A document that is blank was set aside already, or is to be refused.
            "unrankable": "raise",
            "on_failure": self.on_failure,
            "fallback_models": self.fallback_models,
            "follow_fallbacks": self.follow_fallbacks,
            "cache": self.cache,
            **drop_none({"min_score": self.min_score, "passages": self.passages}),
            **read_settings(self),
        }

    def _read_document(self, document: Document) -> str | dict[str, str]:
        """Return a document as it is sent: text, or an object if it holds an image."""
        image = read_image(document.blob)
        text = self._read_text(document)
        if image is not None:
            return {"text": text, "image": image} if text else {"image": image}
        return text

    def _read_text(self, document: Document) -> str:
        """Return the text of a document, with its meta fields."""
        if self.fields is not None:
            return make_document({**document.meta, TEXT_FIELD: document.content}, self.fields)
        meta_values = [document.meta.get(name) for name in self.meta_fields_to_embed]
        parts = [str(value) for value in meta_values if value is not None]
        if document.content is not None:
            parts.append(document.content)
        return self.meta_data_separator.join(parts)

    def _ensure_client(self) -> OpenRouter:
        with self._lock:
            if self._sync_client is None:
                self._sync_client = self._make_client()
            return self._sync_client

    def _ensure_async_client(self) -> OpenRouter:
        with self._lock:
            if self._async_client is None:
                self._async_client = self._make_client()
            return self._async_client

    def _make_client(self) -> OpenRouter:
        deadline_ms = DEFAULT_DEADLINE_MS if self.deadline_ms is None else self.deadline_ms
        return OpenRouter(
            self.api_key.resolve_value(),
            server_url=self.server_url,
            timeout_ms=self.timeout_ms,
            deadline_ms=deadline_ms,
        )


def check_count(count: int | None, name: str) -> int | None:
    """Check that a count is None or a whole number of at least 1, and return it."""
    return None if count is None else require_count(count, name)


def drop_duplicates(documents: Iterable[Document]) -> list[Document]:
    """Return one document of each id, the one with the highest score, in the order of the ids."""
    best: dict[str, Document] = {}
    for document in documents:
        other = best.setdefault(document.id, document)
        if read_score(document) > read_score(other):
            best[document.id] = document
    return list(best.values())


def read_score(document: Document) -> float:
    """Return the score that a document came with; one without comes last."""
    return -math.inf if document.score is None else document.score


def read_image(blob: ByteStream | None) -> str | None:
    """Return an image as a data URI (RFC 2397); None if the blob is no image."""
    if blob is None or not (blob.mime_type or "").startswith("image/"):
        return None
    return f"data:{blob.mime_type};base64,{b64encode(blob.data).decode()}"


def give(arranged: Arranged[Document]) -> RankerOutputs:
    """Return the outputs: copies of the documents with their scores, and how these came about."""
    documents = [copy_with_score(each) for each in arranged.scored]
    return {"documents": documents, "rerank": arranged.origin}


def copy_with_score(scored: Scored[Document]) -> Document:
    """
    Return a copy of a document with another score, its own in the meta, and its best passage.

    Not by `dataclasses.replace`, which runs the class's checks: one that fails would lose a reply
    that is paid for.
    """
    document = scored.item
    added: dict[str, Any] = {}
    if document.score is not None:
        added[RETRIEVER_KEY] = document.score
    if scored.passage is not None:
        added[PASSAGE_KEY] = scored.passage
    copied = copy(document)
    vars(copied)["score"] = scored.score
    if added:
        vars(copied)["meta"] = {**document.meta, **added}
    return copied
