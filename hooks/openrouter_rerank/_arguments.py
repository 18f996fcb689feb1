"""The arguments of `rerank`, as the methods that hand them on know them."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Required, TypeAlias, TypedDict, Unpack

import httpx

from ._calls import CallOptions
from ._policy.retries import RetryConfig
from ._request import EncodedRequest, encode_request
from .types import UNSET, Unset

if TYPE_CHECKING:
    from . import components, operations

# As text, since most calls need no model of a document.
Document: TypeAlias = "str | operations.DocumentRequest | Mapping[str, str]"
Documents: TypeAlias = Iterable[Document]


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
    provider: "components.ProviderPreferences | Mapping[str, Any] | Unset | None"
    session_id: str | None
    top_n: int | None
    trace: "components.TraceConfig | Mapping[str, Any] | None"
    user: str | None
    extra_body: Mapping[str, Any] | None


def prepare(
    *,
    documents: Documents,
    model: str,
    query: str,
    provider: "components.ProviderPreferences | Mapping[str, Any] | Unset | None" = UNSET,
    session_id: str | None = None,
    top_n: int | None = None,
    trace: "components.TraceConfig | Mapping[str, Any] | None" = None,
    user: str | None = None,
    extra_body: Mapping[str, Any] | None = None,
    **options: Unpack[RerankOptions],
) -> tuple[EncodedRequest, CallOptions]:
    """
    Check the arguments and split them into what is sent and how.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that the API would refuse.
    """
    encoded = encode_request(
        documents=documents,
        model=model,
        query=query,
        provider=provider,
        top_n=top_n,
        session_id=session_id,
        trace=trace,
        user=user,
        extra_body=extra_body,
    )
    return encoded, CallOptions(**options)
