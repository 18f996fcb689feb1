"""The clients that are measured, one row each."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from . import clients
from .canned import Checker

FLOOR = "socket, orjson"
BARE_HTTPX = "httpx, json"
HTTPX_WITH_SNIFFIO = "httpx and sniffio, json"
BASELINES = (BARE_HTTPX, HTTPX_WITH_SNIFFIO)
AIOHTTP = "aiohttp, json"
DEFAULT = "openrouter-rerank"
FAST = "openrouter-rerank, fast"
OVER_AIOHTTP = "openrouter-rerank over httpx-aiohttp"
LITELLM = "litellm"


class Adapter(NamedTuple):
    """
    One client.

    Attributes:
        name: What the tables call it.
        packages: The distributions that its user installs, its own first.
        modules: The modules that it needs; its user imports from the first.
        imported: The name that its user imports; some packages import their parts only then.
        open_sync: Makes a client for a base URL, and returns how to call and how to close it. None
            if it has no blocking calls.
        open_async: The same for async calls, called inside the event loop.
        gives_dicts: Whether it returns parsed JSON rather than models.
    """

    name: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    imported: str
    open_sync: Callable[[str], clients.Sync] | None
    open_async: Callable[[str], clients.Async]
    gives_dicts: bool = False

    def make_checker(self, count: int) -> Checker:
        """Return a checker of its replies to a request of that many documents."""
        getter = itemgetter if self.gives_dicts else attrgetter
        read: Callable[[Any], Sequence[Any]] = getter("results")
        return Checker(count, read, getter("index", "relevance_score"))


ROWS = (
    Adapter(
        FLOOR,
        ("orjson",),
        ("orjson",),
        "loads",
        clients.open_floor,
        clients.open_async_floor,
        gives_dicts=True,
    ),
    Adapter(
        BARE_HTTPX,
        ("httpx",),
        ("httpx",),
        "Client",
        clients.open_httpx,
        clients.open_async_httpx,
        gives_dicts=True,
    ),
    Adapter(
        HTTPX_WITH_SNIFFIO,
        ("httpx", "sniffio"),
        ("httpx", "sniffio"),
        "Client",
        clients.open_httpx,
        clients.open_async_httpx,
        gives_dicts=True,
    ),
    Adapter(
        "httpx, orjson",
        ("httpx", "orjson"),
        ("httpx", "orjson"),
        "Client",
        clients.open_httpx_orjson,
        clients.open_async_httpx_orjson,
        gives_dicts=True,
    ),
    Adapter(
        AIOHTTP,
        ("aiohttp",),
        ("aiohttp",),
        "ClientSession",
        None,
        clients.open_aiohttp,
        gives_dicts=True,
    ),
    Adapter(
        DEFAULT,
        ("openrouter-rerank",),
        ("openrouter_rerank",),
        "OpenRouter",
        clients.open_rerank,
        clients.open_async_rerank,
    ),
    Adapter(
        FAST,
        ("openrouter-rerank", "orjson"),
        ("openrouter_rerank", "orjson"),
        "OpenRouter",
        clients.open_rerank,
        clients.open_async_rerank,
    ),
    Adapter(
        OVER_AIOHTTP,
        ("openrouter-rerank", "httpx-aiohttp"),
        ("openrouter_rerank", "httpx_aiohttp"),
        "OpenRouter",
        None,
        clients.open_rerank_over_aiohttp,
    ),
    Adapter(
        "openrouter",
        ("openrouter",),
        ("openrouter",),
        "OpenRouter",
        clients.open_openrouter,
        clients.open_async_openrouter,
    ),
    Adapter(
        "cohere",
        ("cohere",),
        ("cohere",),
        "ClientV2",
        clients.open_cohere,
        clients.open_async_cohere,
    ),
    Adapter(
        "openai",
        ("openai",),
        ("openai",),
        "OpenAI",
        clients.open_openai,
        clients.open_async_openai,
        gives_dicts=True,
    ),
    Adapter(
        LITELLM,
        ("litellm",),
        ("litellm",),
        "rerank",
        clients.open_litellm,
        clients.open_async_litellm,
        gives_dicts=True,
    ),
)
ADAPTERS = {adapter.name: adapter for adapter in ROWS}


def find_installed() -> list[Adapter]:
    """Return the adapters whose modules are installed."""
    return [adapter for adapter in ROWS if not find_lacking(adapter)]


def find_lacking(adapter: Adapter) -> list[str]:
    """Return the modules of an adapter that are not installed."""
    return [module for module in adapter.modules if not find_spec(module)]
