"""The arguments of `rerank`, for every method that passes them on."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Union, Unpack, cast

from openrouter_rerank_api.request_fields import REQUEST_FIELDS, RequestFields

# It imports the configuration only when something asks for it, as typing.get_type_hints does.
from openrouter_rerank import utils
from openrouter_rerank._cache.store import Cache
from openrouter_rerank._codec.documents import Unrankable
from openrouter_rerank._codec.passages import Passages, require_passages
from openrouter_rerank._codec.request import EncodedRequest, check_headers, encode_request
from openrouter_rerank._network.httpx2_types import Timeout
from openrouter_rerank._policy.failures import OnFailure
from openrouter_rerank.types import UNSET, Unset

from .config import (
    FallbackModel,
    Settings,
    check_attribution,
    read_cache,
    read_deadline,
    read_fallback_models,
    read_flag,
    read_min_score,
    read_timeout,
    require_retry_config,
)
from .target import ATTRIBUTION_HEADERS, JSON, parse_server_url

if TYPE_CHECKING:
    from openrouter_rerank import operations

# The model in quotes, which `|` does not take: most calls need none and so never import it.
Document: TypeAlias = Union[str, "operations.DocumentRequest", Mapping[str, Any]]
Documents: TypeAlias = Iterable[Document]


class RerankOptions(TypedDict, total=False):
    """How a call is made; `openrouter_rerank.OpenRouter.rerank.rerank` explains each option."""

    http_referer: str | None
    x_open_router_title: str | None
    x_open_router_categories: str | None
    retries: "utils.RetryConfig | Unset | None"
    server_url: str | None
    accept_header_override: str | None
    timeout_ms: float | None
    http_headers: Mapping[str, str] | None
    timeout: Timeout | float | None
    deadline_ms: float | Unset | None
    min_score: float | Mapping[str, float] | Unset | None
    cache: Cache | bool | None
    passages: Passages | Unset | None


class FallbackOptions(TypedDict, total=False):
    """Which models are asked when the one that was asked for has failed."""

    fallback_models: Iterable[FallbackModel] | None
    follow_fallbacks: bool | None


class CallOptions(RerankOptions, FallbackOptions, total=False):
    """How a call is made, and by which models."""


class RawArguments(RequestFields, RerankOptions, total=False):
    """What each method takes besides the arguments that it names itself."""

    extra_body: Mapping[str, Any] | None
    unrankable: Unrankable
    fields: Iterable[str] | None


class RerankArguments(RawArguments, FallbackOptions, total=False):
    """The same for methods that may fall back to other models."""


# What the encoder takes besides the fields of the request.
ENCODER_ARGUMENTS = frozenset({"extra_body", "fields", "unrankable"})


def resolve(settings: Settings, options: CallOptions, on_failure: OnFailure) -> Settings:
    """
    Return the settings of one call: the client's, with the call's options applied.

    Args:
        settings: The client's settings.
        options: The call's options.
        on_failure: What becomes of the call when it has failed; only some methods have the choice.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option has a value that cannot work.
    """
    if settings.on_failure != on_failure:
        settings = settings._replace(on_failure=on_failure)
    if all(value is NO_OPTIONS.get(name, ...) for name, value in options.items()):
        return settings
    check_accept(options.get("accept_header_override"))
    attribution = {name: cast("str | None", options.get(name)) for name in ATTRIBUTION_HEADERS}
    given = check_attribution(attribution)
    config = require_retry_config(options.get("retries"), "retries")
    timeout = read_timeout(options.get("timeout_ms"), options.get("timeout"))
    url = options.get("server_url")
    server_url = parse_server_url(url, "server_url") if url else None
    headers = check_headers(options.get("http_headers"))
    deadline_ms = options.get("deadline_ms", UNSET)
    min_score = options.get("min_score", UNSET)
    passages = options.get("passages", UNSET)
    fallback_models = read_fallback_models(options.get("fallback_models"))
    follow_fallbacks = read_flag(options.get("follow_fallbacks"), "follow_fallbacks")
    cache, uses_cache = read_cache(options.get("cache"))
    return settings._replace(
        target=settings.target.replace(server_url, given, headers),
        retry_config=config or settings.retry_config,
        timeout=timeout or settings.timeout,
        deadline=(
            settings.deadline if isinstance(deadline_ms, Unset) else read_deadline(deadline_ms)
        ),
        min_score=(
            settings.min_score if isinstance(min_score, Unset) else read_min_score(min_score)
        ),
        passages=settings.passages if isinstance(passages, Unset) else require_passages(passages),
        fallback_models=(settings.fallback_models if fallback_models is None else fallback_models),
        follow_fallbacks=(
            settings.follow_fallbacks if follow_fallbacks is None else follow_fallbacks
        ),
        cache=settings.cache if cache is None else cache,
        uses_cache=settings.uses_cache if uses_cache is None else uses_cache,
    )


# What each option is when it is not given.
NO_OPTIONS: CallOptions = {
    "http_referer": None,
    "x_open_router_title": None,
    "x_open_router_categories": None,
    "retries": UNSET,
    "server_url": None,
    "accept_header_override": None,
    "timeout_ms": None,
    "http_headers": None,
    "timeout": None,
    "deadline_ms": UNSET,
    "min_score": UNSET,
    "cache": None,
    "passages": UNSET,
    "fallback_models": None,
    "follow_fallbacks": None,
}


def check_accept(accept: object) -> None:
    """Refuse any media type except JSON."""
    # Users of the official SDK pass a member of its enum.
    value = getattr(accept, "value", accept)
    if value not in {None, JSON}:
        raise ValueError(f"accept_header_override: rerank never streams; expected {JSON!r} or None")


def prepare(
    method: str,
    /,
    *,
    documents: Documents,
    model: str,
    query: str,
    top_n: int | None = None,
    **arguments: Unpack[RerankArguments],
) -> tuple[EncodedRequest, CallOptions]:
    """
    Check and encode what is sent, and return it with the options, which say how.

    Raises:
        TypeError: An argument is unknown to the method or has the wrong type.
        ValueError: An argument has a value that the API would refuse.
    """
    fields, options = split_arguments(method, arguments)
    encoded = encode_request(documents=documents, model=model, query=query, top_n=top_n, **fields)
    return encoded, options


def split_arguments(method: str, arguments: RerankArguments) -> tuple[dict[str, Any], CallOptions]:
    """
    Return what is sent and how.

    Raises:
        TypeError: An argument is unknown to the method; it says so as Python does.
    """
    fields: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in REQUEST_FIELDS or name in ENCODER_ARGUMENTS:
            fields[name] = value
        elif name in NO_OPTIONS:
            options[name] = value
        else:
            raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")
    return fields, cast("CallOptions", options)


def refuse_fallbacks(options: CallOptions) -> None:
    """
    Refuse other models for a call that returns the reply of one.

    Raises:
        TypeError: There are some.
    """
    for name in FallbackOptions.__annotations__:
        if options.get(name) is not None:
            raise TypeError(f"{name}: a raw reply is that of one model; call rerank or rank")


def choose_unrankable(on_failure: OnFailure) -> Unrankable:
    """Return what becomes of unrankable documents if the caller does not say."""
    return "set_aside" if on_failure == "keep_order" else "raise"


def require_options(method: str, options: CallOptions) -> None:
    """
    Refuse names that are no options of a call.

    Raises:
        TypeError: There is one; it says so as Python does.
    """
    for name in options:
        if name not in NO_OPTIONS:
            raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")
