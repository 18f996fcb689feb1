"""The client: its configuration and its lifetime."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn, Self, Unpack, cast

import httpx

# It imports a type only when something asks for it, as typing.get_type_hints does.
from ._call import setting_types
from ._call.defaults import DEFAULT_DEADLINE_MS, DEFAULT_MAX_RESPONSE_BYTES
from .types import UNSET, Unset

if TYPE_CHECKING:
    from ._call.config import Settings
    from ._events.hooks import Hooks
    from ._rerank import Rerank


class SpecAttribute:
    """
    An attribute that each instance sets for itself, and of which the class shows a blank one.

    `unittest.mock.create_autospec` looks at the class, and would not know the attribute otherwise.
    """

    def __init__(self, load: Callable[[], type[object]]) -> None:
        """Take what imports the attribute's class, which importing this module should not do."""
        self._load = load

    def __get__(self, instance: object, _owner: type[object]) -> object:
        """
        Return a blank object for the class.

        Raises:
            AttributeError: The instance's constructor has not set its own.
        """
        if instance is not None:
            raise AttributeError("the client's constructor did not come to its end")
        kind = self._load()
        return kind.__new__(kind)


def load_rerank() -> type[object]:
    """Import the class of `rerank`."""
    from ._rerank import Rerank

    return Rerank


def load_hooks() -> type[object]:
    """Import the class of `hooks`."""
    from ._events.hooks import Hooks

    return Hooks


class OpenRouter:
    """
    A client for reranking through OpenRouter, sync and async in one.

    Use it as a context manager, `with` or `async with`, or close it with `close()` or `aclose()`.
    You may share it between threads, and between the tasks of an event loop.

    Attributes:
        rerank: The operation: `client.rerank.rerank(...)`, `client.rerank.rerank_async(...)`.
        hooks: Registers functions that are called during every call.
    """

    rerank = cast("Rerank", SpecAttribute(load_rerank))
    hooks = cast("Hooks", SpecAttribute(load_hooks))

    def __init__(
        self,
        api_key: setting_types.ApiKey = None,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | None = None,
        server: str | None = None,
        url_params: Mapping[str, str] | None = None,
        server_url: str | None = None,
        client: setting_types.Client | None = None,
        async_client: setting_types.AsyncClient | None = None,
        retry_config: setting_types.RetryConfig | Unset | None = UNSET,
        timeout_ms: float | None = None,
        debug_logger: setting_types.DebugLogger | None = None,
        *,
        timeout: setting_types.Timeout | float | None = None,
        deadline_ms: float | None = DEFAULT_DEADLINE_MS,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        verify: setting_types.Verify = True,
        proxy: str | setting_types.Proxy | None = None,
        transport: setting_types.Transport | None = None,
        async_transport: setting_types.AsyncTransport | None = None,
        limits: setting_types.Limits | None = None,
        fallback_models: Iterable[setting_types.FallbackModel] | None = None,
        follow_fallbacks: bool | None = None,
        min_score: float | Mapping[str, float] | None = None,
        on_failure: setting_types.OnFailure | None = None,
        cache: setting_types.Cache | None = None,
        passages: setting_types.Passages | None = None,
    ) -> None:
        """
        Set up without connecting.

        Args:
            api_key: The key, or a function that returns it, or a coroutine function for async
                calls; it is read again for every request. None and "" read `OPENROUTER_API_KEY` at
                that time; if that is empty too, no `Authorization` is sent.
            http_referer: URL of the calling app; None reads `OPENROUTER_HTTP_REFERER`, "" sends
                none.
            x_open_router_title: The app's name; None reads `OPENROUTER_X_OPEN_ROUTER_TITLE`, ""
                sends none. Like the other two, it is left out with a warning in the log if it is
                not ASCII, which is all that a header may hold.
            x_open_router_categories: The app's categories, separated by commas; None reads
                `OPENROUTER_X_OPEN_ROUTER_CATEGORIES`, "" sends none.
            server: A server by its name; "production" is the contract's. None leaves the choice to
                `server_url`.
            url_params: Values for the `{names}` in `server_url`.
            server_url: Where the API is served, its path included, with or without the final
                "/rerank"; it overrides `server`. None and "" read `OPENROUTER_BASE_URL`, and
                without that use the contract's server.
            client: An `httpx.Client` to send sync calls with, used as it is and never closed here.
                Its timeouts apply unless some are set here or on the call. For this and all others
                of httpx's objects, httpx2's of the same name do as well.
            async_client: The same for async calls.
            retry_config: When to try again; None and UNSET use the default policy.
            timeout_ms: Limit for connecting, for one read and for one write, in milliseconds.
            debug_logger: Also receives the log's DEBUG lines: an object with a method `debug`, such
                as a `logging.Logger`.
            timeout: What `timeout_ms` sets, but in seconds or as an `httpx.Timeout`. With neither:
                5 s to connect, 60 s for a read and a write.
            deadline_ms: Limit for a whole call with all its attempts, in milliseconds; None sets no
                limit.
            max_response_bytes: The longest body to accept, both as sent and after inflating.
            verify: A TLS context; True uses the usual certificates and those of `SSL_CERT_FILE` and
                `SSL_CERT_DIR`, False checks none.
            proxy: The proxy to connect through; None uses what `HTTPS_PROXY`, `HTTP_PROXY`,
                `ALL_PROXY` and `NO_PROXY` say.
            transport: Sends sync requests instead of our own connections; closed with the client.
            async_transport: The same for async requests.
            limits: How many connections there may be to one origin, for sync calls and for each
                event loop, and for how many seconds they may be idle; None is what httpx has: 100,
                of which 20 may be idle, for 5 s.
            fallback_models: Models to ask in turn when one has failed, slugs or a `Ranker`; None is
                for none. `rerank` explains it, and the next two.
            follow_fallbacks: Whether to ask the models that an error names instead; None does not.
            min_score: Drop results that score lower; None drops none.
            on_failure: What becomes of a call of `rank`, or of a job, that has failed: "raise", as
                None does, or "keep_order"; `rank` explains it.
            cache: Where answers are kept, so that what was paid once is not paid again: a
                `MemoryCache`, a `DiskCache` or a `Cache` of yours; None for nowhere. It is not
                closed with the client.
            passages: How documents that are too long for the model are split; None sends them as
                they are. `rerank` explains it.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument has a value that cannot work.
            ConnectionFailedError: `SSL_CERT_FILE` names a file that cannot be read, or a proxy
                needs a package that is missing; not checked with a client or transport of yours.
        """
        # Imported here, so that importing the class alone does not wait for them.
        from ._call.caller import Caller
        from ._call.config import read_settings
        from ._call.error_mapping import clear_locals
        from ._call.sender import Sender
        from ._network.pool_registry import PoolRegistry
        from ._rerank import Rerank

        try:
            require_client(client, httpx.Client, "client")
            require_client(async_client, httpx.AsyncClient, "async_client")
            self._settings = read_settings(
                api_key=api_key,
                server=server,
                url_params=url_params,
                server_url=server_url,
                http_referer=http_referer,
                x_open_router_title=x_open_router_title,
                x_open_router_categories=x_open_router_categories,
                retry_config=retry_config,
                timeout_ms=timeout_ms,
                timeout=timeout,
                deadline_ms=deadline_ms,
                max_response_bytes=max_response_bytes,
                debug_logger=debug_logger,
                fallback_models=fallback_models,
                follow_fallbacks=follow_fallbacks,
                min_score=min_score,
                on_failure=on_failure,
                cache=cache,
                passages=passages,
            )
            pools = PoolRegistry(verify=verify, proxy=proxy, limits=limits)
        except (TypeError, ValueError) as error:
            clear_locals(error)
            raise
        finally:
            # An error keeps the variables of this frame.
            del api_key, proxy
        self.hooks = self._settings.hooks
        sender = Sender(
            pools,
            transport=transport,
            async_transport=async_transport,
            client=client,
            async_client=async_client,
        )
        sender.check(self._settings.target.server_url)
        self._caller = Caller(self._settings, sender)
        self._is_view = False
        self.rerank = Rerank(self._caller)

    def with_options(
        self,
        *,
        on_failure: setting_types.OnFailure | None = None,
        **options: Unpack[setting_types.CallOptions],
    ) -> Self:
        """
        Return a view of this client: other defaults, the same connections, key and hooks.

        Closing the view closes nothing; once the client is closed, its calls raise
        `ClientClosedError`.

        Args:
            on_failure: What becomes of a call of `rank`, or of a job, that has failed; None keeps
                the client's.
            options: The options of a call, which `rerank` explains, such as `deadline_ms`,
                `retries`, `server_url`, `fallback_models`. Those that are not given stay.

        Raises:
            TypeError: An option is unknown or has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        from ._rerank import Rerank

        view = object.__new__(type(self))
        vars(view).update(vars(self))
        view._caller = self._caller.with_options(options, on_failure)
        view._settings = view._caller.settings
        view._is_view = True
        view.rerank = Rerank(view._caller)
        return view

    def close(self) -> None:
        """Close the sync connections; later calls raise `ClientClosedError`."""
        if not self._is_view:
            self._caller.close()

    async def aclose(self) -> None:
        """Close the sync connections and those of the running event loop."""
        if not self._is_view:
            await self._caller.aclose()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the client."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the client."""
        await self.aclose()

    def __copy__(self) -> Self:
        """Return the client itself: a copy would share its connections all the same."""
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the client itself, so that an object that holds one can be copied."""
        return self

    def __reduce__(self) -> NoReturn:
        """
        Refuse to be pickled.

        Raises:
            TypeError: Always, since a client holds connections and a key.
        """
        raise TypeError(
            "an OpenRouter cannot be pickled, since it holds connections and a key; "
            "make one where it is used"
        )

    def __repr__(self) -> str:
        """Show where the client's calls go, never the key."""
        # A debugger also shows a client whose constructor has refused an argument.
        settings: Settings | None = vars(self).get("_settings")
        server_url = None if settings is None else str(settings.target.server_url)
        return f"OpenRouter(server_url={server_url!r})"


def require_client(client: object, kind: type[object], name: str) -> None:
    """Refuse anything but None and a client of the kind."""
    from ._network.httpx2_types import is_httpx2

    if client is None or isinstance(client, kind) or is_httpx2(client, kind.__name__):
        return
    raise TypeError(f"{name}: expected httpx.{kind.__name__}, got {type(client).__name__}")
