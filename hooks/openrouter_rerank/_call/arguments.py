"""The arguments of `rerank`, for every method that passes them on."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Required, TypeAlias, TypedDict, Unpack

import httpx

from openrouter_rerank._codec.request import EncodedRequest, encode_request
from openrouter_rerank._policy.retries import RetryConfig
from openrouter_rerank.types import UNSET, Unset

from .config import Settings, check_attribution, read_deadline, read_timeout, require_retry_config
from .target import ATTRIBUTION_HEADERS, JSON, parse_server_url

if TYPE_CHECKING:
    from openrouter_rerank import components, operations

# In quotes, since most calls need no document model and so never import it.
Document: TypeAlias = "str | operations.DocumentRequest | Mapping[str, str]"
Documents: TypeAlias = Iterable[Document]


class RerankOptions(TypedDict, total=False):
    """How a call is made; `openrouter_rerank.OpenRouter.rerank.rerank` explains each option."""

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
    """What to rank, and how the call is made."""

    documents: Required[Documents]
    model: Required[str]
    query: Required[str]
    provider: "components.ProviderPreferences | Mapping[str, Any] | Unset | None"
    session_id: str | None
    top_n: int | None
    trace: "components.TraceConfig | Mapping[str, Any] | None"
    user: str | None
    extra_body: Mapping[str, Any] | None


class CallOptions:
    """The options that one call overrides; the names are those of `Rerank.rerank`."""

    def __init__(
        self,
        *,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | None = None,
        retries: RetryConfig | Unset | None = UNSET,
        server_url: str | None = None,
        accept_header_override: str | None = None,
        timeout_ms: float | None = None,
        timeout: httpx.Timeout | float | None = None,
        deadline_ms: float | Unset | None = UNSET,
        http_headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the options of `Rerank.rerank`."""
        self.http_referer = http_referer
        self.x_open_router_title = x_open_router_title
        self.x_open_router_categories = x_open_router_categories
        self.retries = retries
        self.server_url = server_url
        self.accept_header_override = accept_header_override
        self.timeout_ms = timeout_ms
        self.timeout = timeout
        self.deadline_ms = deadline_ms
        self.http_headers = http_headers

    def apply(self, settings: Settings) -> Settings:
        """
        Return the client's settings with these options applied.

        Raises:
            TypeError: An option has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        if vars(self) == NO_OPTIONS:
            return settings
        check_accept(self.accept_header_override)
        given = check_attribution({name: getattr(self, name) for name in ATTRIBUTION_HEADERS})
        config = require_retry_config(self.retries, "retries")
        timeout = read_timeout(self.timeout_ms, self.timeout)
        server_url = parse_server_url(self.server_url, "server_url") if self.server_url else None
        deadline_ms = self.deadline_ms
        return settings._replace(
            target=settings.target.replace(server_url, given),
            retry_config=config or settings.retry_config,
            timeout=timeout or settings.timeout,
            deadline=(
                settings.deadline if isinstance(deadline_ms, Unset) else read_deadline(deadline_ms)
            ),
        )


NO_OPTIONS = vars(CallOptions())


def check_accept(accept: object) -> None:
    """Refuse any media type except JSON."""
    # Users of the official SDK pass a member of its enum.
    value = getattr(accept, "value", accept)
    if value not in {None, JSON}:
        raise ValueError(f"accept_header_override: rerank never streams; expected {JSON!r} or None")


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
    Check the arguments, encode the request, and collect the options.

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
