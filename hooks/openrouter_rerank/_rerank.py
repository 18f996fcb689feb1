"""The operation as users call it: `client.rerank`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar, Unpack, cast

import httpx
from attrs import frozen

from ._arguments import Document, Documents, RerankOptions, prepare
from ._calls import Caller
from ._raw import RawRerank
from ._request import require_iterable
from ._retries import RetryConfig
from .components import ProviderPreferences, TraceConfig
from .operations import CreateRerankResponseBody
from .types import UNSET, Unset

T = TypeVar("T")


@frozen
class Ranked(Generic[T]):
    """
    One of the caller's objects with its score.

    Attributes:
        item: The object itself.
        score: How relevant it is, higher is better; scores of different models do not compare.
        index: Its position among the items, from 0.
    """

    item: T
    score: float
    index: int


class Rerank:
    """
    Orders documents by their relevance to a query.

    Attributes:
        with_raw_response: The same operation, returning each reply with its headers, its attempts
            and the time waited; `parse()` gives the model.
    """

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller
        self.with_raw_response = RawRerank(caller)

    def rerank(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | None = None,
        provider: ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        retries: RetryConfig | Unset | None = UNSET,
        server_url: str | None = None,
        accept_header_override: str | None = None,
        timeout_ms: float | None = None,
        http_headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = None,
        deadline_ms: float | Unset | None = UNSET,
        extra_body: Mapping[str, Any] | None = None,
    ) -> CreateRerankResponseBody:
        """
        Order documents by how relevant a model finds each one to a query.

        The fields of the request are those of `#/components/schemas/CreateRerankRequestBody` in
        openapi.yaml.

        Args:
            documents: Any iterable of texts, `DocumentRequest` or mappings with `text`, `image` or
                both. It is read once.
            model: Slug of the rerank model, such as "cohere/rerank-v3.5".
            query: What the documents are compared with.
            http_referer: URL of the calling app; None is the client's, "" sends none.
            x_open_router_title: The app's name; None is the client's, "" sends none.
            x_open_router_categories: The app's categories, separated by commas; None is the
                client's, "" sends none.
            provider: How to choose among providers, as a model or a mapping. None sends null, UNSET
                sends nothing.
            session_id: Groups related requests, at most 256 characters; None sends nothing.
            top_n: How many results to return, at least 1; None returns all.
            trace: Names for observability tools, as a model or a mapping; None sends nothing.
            user: The caller's own end user; None sends nothing.
            retries: When to try again; None and UNSET are the client's policy.
            server_url: Where this call goes, the key with it; None is the client's server.
            accept_header_override: Taken for the official SDK's sake; only "application/json" and
                None are possible.
            timeout_ms: Limit for connecting, for one read and for one write, in milliseconds; None
                is the client's.
            http_headers: Further headers. They win over every other header but `Authorization` and
                `Content-Length`, which they cannot set.
            timeout: What `timeout_ms` sets, in seconds or as an `httpx.Timeout`.
            deadline_ms: Limit for the whole call with all its attempts, in milliseconds; None for
                none, UNSET is the client's. Through an `httpx.Client` of the caller's own, a single
                read can outlast it.
            extra_body: Fields that this release does not know, added to the body as they are.

        Returns:
            The results, the most relevant first. `results[i].index` is a position in `documents`,
            from 0; `results[i].document` is always there, from the reply, else the caller's own.
            There may be fewer results than `top_n`.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            ResponseValidationError: The reply is a success but not the contract's shape.
            NoResponseError: No reply arrived; its subclasses say why.
            OpenRouterError: The API answered with an error; the status decides the subclass (see
                `openrouter_rerank.errors`).
        """
        encoded, options = prepare(
            documents=documents,
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
            retries=retries,
            server_url=server_url,
            accept_header_override=accept_header_override,
            timeout_ms=timeout_ms,
            timeout=timeout,
            deadline_ms=deadline_ms,
            http_headers=http_headers,
        )
        reply = self._caller.call(encoded, options)
        return reply.decode(encoded.documents)

    async def rerank_async(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | None = None,
        provider: ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        retries: RetryConfig | Unset | None = UNSET,
        server_url: str | None = None,
        accept_header_override: str | None = None,
        timeout_ms: float | None = None,
        http_headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = None,
        deadline_ms: float | Unset | None = UNSET,
        extra_body: Mapping[str, Any] | None = None,
    ) -> CreateRerankResponseBody:
        """
        Do what `rerank` does, on asyncio or trio.

        The deadline holds here through an `httpx.AsyncClient` of the caller's own, too. A call that
        is cancelled gives its connection back; the request may have been billed.

        Args:
            documents: See `rerank`, as for all the arguments.
            model: See `rerank`.
            query: See `rerank`.
            http_referer: See `rerank`.
            x_open_router_title: See `rerank`.
            x_open_router_categories: See `rerank`.
            provider: See `rerank`.
            session_id: See `rerank`.
            top_n: See `rerank`.
            trace: See `rerank`.
            user: See `rerank`.
            retries: See `rerank`.
            server_url: See `rerank`.
            accept_header_override: See `rerank`.
            timeout_ms: See `rerank`.
            http_headers: See `rerank`.
            timeout: See `rerank`.
            deadline_ms: See `rerank`.
            extra_body: See `rerank`.

        Returns:
            What `rerank` returns.

        Raises:
            TypeError: See `rerank`, as for all the errors.
            ValueError: See `rerank`.
            OpenRouterError: See `rerank`.
        """
        encoded, options = prepare(
            documents=documents,
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
            retries=retries,
            server_url=server_url,
            accept_header_override=accept_header_override,
            timeout_ms=timeout_ms,
            timeout=timeout,
            deadline_ms=deadline_ms,
            http_headers=http_headers,
        )
        reply = await self._caller.call_async(encoded, options)
        return reply.decode(encoded.documents)

    def rank(
        self,
        items: Iterable[T],
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | None = None,
        provider: ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **options: Unpack[RerankOptions],
    ) -> list[Ranked[T]]:
        """
        Order any objects by how relevant a model finds each one to a query.

        Args:
            items: Any iterable; it is read once.
            query: What the items are compared with.
            model: Slug of the rerank model.
            key: Gives the document of an item: text, a `DocumentRequest` or a mapping. None if the
                items are documents themselves.
            provider: See `rerank`, as for all the arguments below.
            session_id: See `rerank`.
            top_n: How many items to return, at least 1; None returns all.
            trace: See `rerank`.
            user: See `rerank`.
            extra_body: See `rerank`.
            options: How the call is made: every further argument of `rerank`.

        Returns:
            The caller's own objects, the most relevant first.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        chosen = read_items(items)
        response = self.rerank(
            documents=read_documents(chosen, key),
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            **options,
        )
        return pair(chosen, response)

    async def rank_async(
        self,
        items: Iterable[T],
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | None = None,
        provider: ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **options: Unpack[RerankOptions],
    ) -> list[Ranked[T]]:
        """
        Do what `rank` does, on asyncio or trio.

        Args:
            items: Any iterable; it is read once.
            query: What the items are compared with.
            model: Slug of the rerank model.
            key: Gives the document of an item: text, a `DocumentRequest` or a mapping. None if the
                items are documents themselves.
            provider: See `rerank`, as for all the arguments below.
            session_id: See `rerank`.
            top_n: How many items to return, at least 1; None returns all.
            trace: See `rerank`.
            user: See `rerank`.
            extra_body: See `rerank`.
            options: How the call is made: every further argument of `rerank`.

        Returns:
            The caller's own objects, the most relevant first.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        chosen = read_items(items)
        response = await self.rerank_async(
            documents=read_documents(chosen, key),
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            **options,
        )
        return pair(chosen, response)


def read_items(items: Iterable[T]) -> list[T]:
    """
    Read the items once.

    Raises:
        TypeError: They are one text or one mapping, or cannot be iterated.
    """
    require_iterable(items, "items")
    return list(items)


def read_documents(items: Sequence[T], key: Callable[[T], Document] | None) -> Documents:
    """Return the document of each item."""
    return cast("Documents", items) if key is None else map(key, items)


def pair(items: Sequence[T], response: CreateRerankResponseBody) -> list[Ranked[T]]:
    """Return the items in the order of the results."""
    return [
        Ranked(items[result.index], result.relevance_score, result.index)
        for result in response.results
    ]
