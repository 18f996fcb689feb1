"""The arguments of `rerank`, as the methods that hand them on know them."""

from collections.abc import Iterable, Mapping
from typing import Any, Required, TypedDict, Unpack

import httpx

from ._calls import CallOptions
from ._request import EncodedRequest, encode_request
from ._retries import RetryConfig
from .components import ProviderPreferences, TraceConfig
from .operations import DocumentRequest
from .types import UNSET, Unset

Document = str | DocumentRequest | Mapping[str, str]
Documents = Iterable[Document]


class RerankOptions(TypedDict, total=False):
    """How a call is made; `openrouter_rerank.OpenRouter.rerank.rerank` says what each one does."""

    http_referer: str | None
    x_open_router_title: str | None
    x_open_router_categories: str | None
    retries: RetryConfig | Unset | None
    server_url: str | None
    accept_header_override: str | None
    timeout_ms: float | None
    http_headers: Mapping[str, str] | None
    timeout: httpx.Timeout | float | None
    deadline_ms: float | Unset | None


class RerankArguments(RerankOptions, total=False):
    """What is asked, and how the call is made."""

    documents: Required[Documents]
    model: Required[str]
    query: Required[str]
    provider: ProviderPreferences | Mapping[str, Any] | Unset | None
    session_id: str | None
    top_n: int | None
    trace: TraceConfig | Mapping[str, Any] | None
    user: str | None
    extra_body: Mapping[str, Any] | None


def prepare(**arguments: Unpack[RerankArguments]) -> tuple[EncodedRequest, CallOptions]:
    """
    Check the arguments and split them into what is sent and how.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that the API would refuse.
    """
    encoded = encode_request(
        documents=arguments["documents"],
        model=arguments["model"],
        query=arguments["query"],
        provider=arguments.get("provider", UNSET),
        top_n=arguments.get("top_n"),
        session_id=arguments.get("session_id"),
        trace=arguments.get("trace"),
        user=arguments.get("user"),
        extra_body=arguments.get("extra_body"),
    )
    options = CallOptions(
        http_referer=arguments.get("http_referer"),
        x_open_router_title=arguments.get("x_open_router_title"),
        x_open_router_categories=arguments.get("x_open_router_categories"),
        retries=arguments.get("retries"),
        server_url=arguments.get("server_url"),
        accept_header_override=arguments.get("accept_header_override"),
        timeout_ms=arguments.get("timeout_ms"),
        timeout=arguments.get("timeout"),
        deadline_ms=arguments.get("deadline_ms", UNSET),
        http_headers=arguments.get("http_headers"),
    )
    return encoded, options
