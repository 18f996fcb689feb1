"""A client's settings, read from arguments and the environment, and checked once."""

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast, get_args

import httpx

from openrouter_rerank._cache.store import Cache
from openrouter_rerank._codec.passages import Passages, require_passages
from openrouter_rerank._codec.request import check_header
from openrouter_rerank._codec.response_model import MinScore
from openrouter_rerank._codec.values import (
    require_count,
    require_finite,
    require_positive,
    require_text,
)
from openrouter_rerank._events.hooks import Hooks
from openrouter_rerank._events.logging import CallLog, DebugLogger, logger, read_log_settings
from openrouter_rerank._network.auth import ApiKey, BearerAuth
from openrouter_rerank._network.httpx2_types import Timeout, is_httpx2
from openrouter_rerank._policy.failures import OnFailure
from openrouter_rerank._policy.retries import MILLISECONDS
from openrouter_rerank._policy.retry_config import RetryConfig
from openrouter_rerank.types import Unset

from .defaults import LOCAL_NAME
from .ranker import Ranker
from .target import Target, fill_template, read_server_url

if TYPE_CHECKING:
    from openrouter_rerank._cache.answers import AnswerCache

DEFAULT_TIMEOUT = httpx.Timeout(connect=5.0, read=60.0, write=60.0, pool=None)
# Argument -> environment variable; the names are the official SDK's.
ATTRIBUTION_VARIABLES = {
    "http_referer": "OPENROUTER_HTTP_REFERER",
    "x_open_router_title": "OPENROUTER_X_OPEN_ROUTER_TITLE",
    "x_open_router_categories": "OPENROUTER_X_OPEN_ROUTER_CATEGORIES",
}


# A slug, or a ranker in this process.
FallbackModel: TypeAlias = str | Ranker


class Settings(NamedTuple):
    """
    The settings of a client, or of one call once its options are applied.

    Attributes:
        auth: Sets the key, only on requests to the target's origin.
        target: Where calls go.
        retry_config: When to try again.
        timeout: Limits for connecting, one read, one write, and waiting for a connection; None if
            the caller set none.
        deadline: Seconds for a whole call; None for no limit.
        max_response_bytes: The longest body to accept, as sent and as inflated.
        log: Where calls are recorded.
        hooks: The user's functions.
        fallback_models: What is asked in turn when the model has failed.
        follow_fallbacks: Whether the models that the server names instead are asked, too.
        min_score: The lowest score to keep; None keeps all.
        on_failure: What `rank` does when all of them have failed.
        cache: Where answers are kept; None for nowhere.
        uses_cache: Whether the call uses it.
        passages: How long documents are split; None sends them as they are.
    """

    auth: BearerAuth
    target: Target
    retry_config: RetryConfig
    timeout: httpx.Timeout | None
    deadline: float | None
    max_response_bytes: int
    log: CallLog
    hooks: Hooks
    fallback_models: Sequence[FallbackModel] = ()
    follow_fallbacks: bool = False
    min_score: MinScore = None
    on_failure: OnFailure = "raise"
    cache: "AnswerCache | None" = None
    uses_cache: bool = True
    passages: Passages | None = None

    @property
    def has_fallbacks(self) -> bool:
        """Whether another model may answer instead."""
        return self.follow_fallbacks or bool(self.fallback_models)


def read_settings(
    *,
    api_key: ApiKey,
    server: str | None = None,
    url_params: Mapping[str, str] | None = None,
    server_url: str | None,
    http_referer: str | None,
    x_open_router_title: str | None,
    x_open_router_categories: str | None,
    retry_config: RetryConfig | Unset | None,
    timeout_ms: float | None,
    timeout: Timeout | float | None,
    deadline_ms: float | None,
    max_response_bytes: int,
    debug_logger: DebugLogger | None = None,
    fallback_models: Iterable[FallbackModel] | None = None,
    follow_fallbacks: bool | None = None,
    min_score: MinScore = None,
    on_failure: OnFailure | None = None,
    cache: Cache | None = None,
    passages: Passages | None = None,
) -> Settings:
    """
    Check a client's arguments and fill in what the environment sets.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that cannot work.
    """
    given = {
        "http_referer": http_referer,
        "x_open_router_title": x_open_router_title,
        "x_open_router_categories": x_open_router_categories,
    }
    return Settings(
        auth=BearerAuth(api_key),
        target=Target(
            read_server_url(server, fill_template(server_url, url_params)),
            check_attribution(
                {
                    name: os.environ.get(ATTRIBUTION_VARIABLES[name]) if value is None else value
                    for name, value in given.items()
                }
            ),
        ),
        retry_config=require_retry_config(retry_config, "retry_config") or RetryConfig(),
        timeout=read_timeout(timeout_ms, timeout),
        deadline=read_deadline(deadline_ms),
        max_response_bytes=require_count(max_response_bytes, "max_response_bytes"),
        log=read_log_settings(debug_logger),
        hooks=Hooks(),
        fallback_models=read_fallback_models(fallback_models) or (),
        follow_fallbacks=read_flag(follow_fallbacks, "follow_fallbacks") or False,
        min_score=read_min_score(min_score),
        on_failure=read_on_failure(on_failure) or "raise",
        cache=read_cache(cache)[0],
        passages=require_passages(passages),
    )


def read_cache(cache: Cache | bool | None) -> tuple["AnswerCache | None", bool | None]:
    """
    Return where answers are kept, and whether a call uses it; None for what is not said.

    Raises:
        TypeError: It is neither a cache nor True, False or None.
    """
    if cache is None or isinstance(cache, bool):
        return None, cache
    if not isinstance(cast("object", cache), Cache):
        kind = type(cache).__name__
        raise TypeError(f"cache: expected MemoryCache, DiskCache or a Cache of yours, got {kind}")
    # Most clients have none.
    from openrouter_rerank._cache.answers import AnswerCache

    return AnswerCache(cache), True


def check_attribution(given: Mapping[str, str | None]) -> dict[str, str]:
    """
    Return the attribution that was given, without the values that are None.

    Text that no header may hold (RFC 9110, section 5.5), such as "Café", is not sent: no call
    should fail for the name of its app.

    Raises:
        TypeError: A value is not text.
        ValueError: A value holds control characters, or begins or ends with white space.
    """
    return {
        name: check_header(drop_beyond_ascii(value, name), name)
        for name, value in given.items()
        if value is not None
    }


def drop_beyond_ascii(value: str, name: str) -> str:
    """Return a value; "" for printable text beyond ASCII, with a warning in the log."""
    if isinstance(cast("object", value), str) and not value.isascii() and value.isprintable():
        logger.warning("%s: not sent, since a header holds only ASCII", name)
        return ""
    return value


def require_retry_config(value: object, name: str) -> RetryConfig | None:
    """Return the configuration; None for None and UNSET."""
    if value is None or isinstance(value, Unset):
        return None
    if not isinstance(value, RetryConfig):
        raise TypeError(f"{name}: expected RetryConfig, got {type(value).__name__}")
    return value


def read_timeout(timeout_ms: float | None, timeout: Timeout | float | None) -> httpx.Timeout | None:
    """Return the limits that either argument sets; None if neither is given."""
    if timeout_ms is not None and timeout is not None:
        raise ValueError("timeout_ms: cannot be combined with timeout")
    if timeout_ms is not None:
        return httpx.Timeout(require_positive(timeout_ms, "timeout_ms") / MILLISECONDS)
    if timeout is None or isinstance(timeout, httpx.Timeout):
        return timeout
    if isinstance(timeout, int | float) or not is_httpx2(timeout, "Timeout"):
        return httpx.Timeout(require_positive(timeout, "timeout"))
    return httpx.Timeout(**timeout.as_dict())


def read_deadline(deadline_ms: float | None) -> float | None:
    """Return the deadline in seconds; None for no limit."""
    if deadline_ms is None:
        return None
    return require_positive(deadline_ms, "deadline_ms") / MILLISECONDS


def read_fallback_models(
    models: Iterable[FallbackModel] | None,
) -> Sequence[FallbackModel] | None:
    """
    Return the models to fall back to; None for None.

    Raises:
        TypeError: They are no list of slugs and rankers.
        ValueError: A slug is blank, or is what the command calls the model on this machine.
    """
    if models is None:
        return None
    if isinstance(models, str) or not isinstance(cast("object", models), Iterable):
        kind = type(models).__name__
        raise TypeError(f"fallback_models: expected a list of models, got {kind}")
    read = tuple(
        model if isinstance(model, Ranker) else _read_slug(model, f"fallback_models[{position}]")
        for position, model in enumerate(models)
    )
    if any(isinstance(model, Ranker) for model in read):
        # Most processes only send. It is loaded before a model fails: then no file may be left.
        import_module("openrouter_rerank._call.in_process")
    return read


def _read_slug(model: object, name: str) -> str:
    """Return a slug; `local/minilm` is one, of a server that `openrouter-rerank serve` runs."""
    slug = require_text(model, name)
    if slug == LOCAL_NAME:
        raise ValueError(
            f"{name}: {LOCAL_NAME!r} is no model's slug; to rank in this process, use "
            'openrouter_rerank.local.LOCAL or LocalRanker("minilm")'
        )
    return slug


def read_flag(value: bool | None, name: str) -> bool | None:
    """Return the value if it is True, False or None."""
    if not isinstance(cast("object", value), bool | None):
        raise TypeError(f"{name}: expected bool, got {type(value).__name__}")
    return value


def read_min_score(value: MinScore) -> MinScore:
    """
    Return the lowest score to keep, of any model or of some; None keeps all.

    Raises:
        TypeError: It is neither a number nor a mapping of slugs to numbers.
        ValueError: A number is not finite.
    """
    if isinstance(value, Mapping):
        return {
            require_text(model, "min_score: model"): require_finite(score, f"min_score[{model!r}]")
            for model, score in value.items()
        }
    return None if value is None else require_finite(value, "min_score")


def read_on_failure(value: OnFailure | None) -> OnFailure | None:
    """Return the value if it says what becomes of a call that has failed, or is None."""
    if value is not None and value not in get_args(OnFailure):
        raise ValueError(f"on_failure: expected 'raise' or 'keep_order', got {value!r}")
    return value
