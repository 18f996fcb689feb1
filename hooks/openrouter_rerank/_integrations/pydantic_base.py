"""The base of adapters that are pydantic models: their settings, and the client they call."""

import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    SecretStr,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from openrouter_rerank._cache.store import Cache
from openrouter_rerank._call.arguments import Document
from openrouter_rerank._call.ranker import Ranker
from openrouter_rerank._client import OpenRouter
from openrouter_rerank._codec.documents import Unrankable
from openrouter_rerank._codec.passages import Passages
from openrouter_rerank._policy.failures import OnFailure

from .items import Arranged, Selection, limit_count, read_entry
from .passage_setting import read_passages, write_passages
from .request_settings import RequestSettings, drop_none, read_settings

T = TypeVar("T")
PassagesSetting = Annotated[
    SkipJsonSchema[Passages] | None,
    BeforeValidator(read_passages, json_schema_input_type=dict[str, int] | None),
    PlainSerializer(write_passages),
]


class LazyClient:
    """
    The client that an adapter makes for itself, once, when it first needs one.

    A copy or an unpickled one starts without a client.
    """

    def __init__(self) -> None:
        """Start without a client."""
        self._lock = threading.Lock()
        self._client: OpenRouter | None = None

    def get(self, read_key: Callable[[], str | None]) -> OpenRouter:
        """Return the client, which calls `read_key` for each request."""
        with self._lock:
            if self._client is None:
                self._client = OpenRouter(read_key)
            return self._client

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        """Pickle and copy it without the client."""
        return type(self), ()


class PydanticAdapter(BaseModel, RequestSettings):
    """
    The settings of an adapter, and its calls; a subclass lists its framework's base class after it.

    The public subclasses document each setting.
    """

    # Without hide_input_in_errors, an error about one field quotes all of them, the key too.
    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_assignment=True,
    )

    model: str
    top_n: int | None = Field(default=None, ge=1)
    api_key: SecretStr | None = Field(default=None, exclude=True)
    server_url: str | None = None
    batch_size: int | None = Field(default=None, ge=1)
    unrankable: Unrankable = "set_aside"
    extra_body: dict[str, Any] | None = None
    fields: list[str] | None = None
    on_failure: OnFailure | None = None
    fallback_models: list[str | SkipJsonSchema[Ranker]] | None = None
    follow_fallbacks: bool | None = None
    min_score: float | dict[str, float] | None = None
    cache: SkipJsonSchema[Cache | bool | None] = Field(default=None, exclude=True)
    passages: PassagesSetting = None
    client: SkipJsonSchema[OpenRouter | None] = Field(default=None, exclude=True)
    _own_client: LazyClient = PrivateAttr(default_factory=LazyClient)

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        """Refuse a key that no request would use."""
        if self.client is not None and self.api_key is not None:
            raise ValueError("api_key: a client that is given has its own")
        return self

    def close(self) -> None:
        """Close the sync connections of the adapter's own client; a given one stays open."""
        if self.client is None:
            self._get_client().close()

    async def aclose(self) -> None:
        """Close all connections of the adapter's own client; a given one stays open."""
        if self.client is None:
            await self._get_client().aclose()

    def __enter__(self) -> Self:
        """Return the adapter."""
        return self

    def __exit__(self, *_: object) -> None:
        """Call `close`."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the adapter."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Call `aclose`."""
        await self.aclose()

    def __copy__(self) -> Self:
        """Return a copy with its own client, which reads the copy's key."""
        copied = super().__copy__()
        copied._own_client = LazyClient()  # noqa: SLF001 - the copy is of this class
        return copied

    def __getstate__(self) -> dict[Any, Any]:
        """
        Return what a pickle holds: everything but the key.

        Raises:
            TypeError: A client was given; it holds connections and a key.
        """
        if self.client is not None:
            raise TypeError("client: an OpenRouter cannot be pickled; set server_url instead")
        without_key = self.model_copy(update={"api_key": None})
        return super(PydanticAdapter, without_key).__getstate__()

    def _get_client(self) -> OpenRouter:
        """Return the given client, or else the adapter's own."""
        return self._own_client.get(self._read_key) if self.client is None else self.client

    def _read_key(self) -> str | None:
        """Return the key; None for the one in the environment."""
        return None if self.api_key is None else self.api_key.get_secret_value()

    def _rank(self, items: Sequence[T], read: Callable[[T], Document], query: str) -> Arranged[T]:
        """Order the items by what `read` returns; send nothing if there is nothing to rank."""
        selected = Selection(items, read, self.unrankable)
        entries = selected.entries
        if not entries:
            return selected.arrange_nothing(self.model, self.top_n)
        rerank = self._get_client().rerank
        ranking = rerank.rank(entries, key=read_entry, query=query, **self._arguments(len(entries)))
        return selected.arrange(ranking, self.top_n)

    async def _rank_async(
        self, items: Sequence[T], read: Callable[[T], Document], query: str
    ) -> Arranged[T]:
        """Async `_rank`."""
        selected = Selection(items, read, self.unrankable)
        entries = selected.entries
        if not entries:
            return selected.arrange_nothing(self.model, self.top_n)
        rerank = self._get_client().rerank
        arguments = self._arguments(len(entries))
        ranking = await rerank.rank_async(entries, key=read_entry, query=query, **arguments)
        return selected.arrange(ranking, self.top_n)

    def _arguments(self, count: int) -> dict[str, Any]:
        """Return the arguments that all calls share, for `count` documents."""
        return {
            "model": self.model,
            "top_n": limit_count(self.top_n, count),
            "batch_size": self.batch_size,
            "server_url": self.server_url,
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
