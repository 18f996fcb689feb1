"""
How each client is made, called and closed, as its own documentation shows it.

Each client's modules are imported when it is made, so that a process that measures one of them does
not pay for the others.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from .canned import API_KEY, MODEL, QUERY

TIMEOUT_SECONDS = 60
AUTHORIZATION = {"Authorization": f"Bearer {API_KEY}"}
JSON = {"Content-Type": "application/json"}

Call = Callable[[list[str]], Any]
AsyncCall = Callable[[list[str]], Awaitable[Any]]
Sync = tuple[Call, Callable[[], object]]
Async = tuple[AsyncCall, Callable[[], Awaitable[object]]]


def write_body(documents: list[str]) -> dict[str, Any]:
    """Return the body of a request."""
    return {"model": MODEL, "query": QUERY, "documents": documents}


def open_floor(base_url: str) -> Sync:
    """Connect a socket."""
    from .floor import Floor

    floor = Floor(base_url)
    return floor.call, floor.close


def open_async_floor(base_url: str) -> Async:
    """Prepare for sockets on the event loop."""
    from .floor import AsyncFloor

    floor = AsyncFloor(base_url)
    return floor.call, floor.aclose


def open_httpx(base_url: str) -> Sync:
    """Do what a user of httpx writes."""
    import httpx

    client = httpx.Client(headers=AUTHORIZATION, timeout=TIMEOUT_SECONDS)
    url = f"{base_url}/rerank"

    def call(documents: list[str]) -> Any:
        response = client.post(url, json=write_body(documents))
        response.raise_for_status()
        return response.json()

    return call, client.close


def open_async_httpx(base_url: str) -> Async:
    """Do what a user of httpx writes."""
    import httpx

    client = httpx.AsyncClient(headers=AUTHORIZATION, timeout=TIMEOUT_SECONDS)
    url = f"{base_url}/rerank"

    async def call(documents: list[str]) -> Any:
        response = await client.post(url, json=write_body(documents))
        response.raise_for_status()
        return response.json()

    return call, client.aclose


def open_httpx_orjson(base_url: str) -> Sync:
    """Do what a user of httpx who has orjson writes."""
    import httpx
    import orjson

    client = httpx.Client(headers=AUTHORIZATION | JSON, timeout=TIMEOUT_SECONDS)
    url = f"{base_url}/rerank"

    def call(documents: list[str]) -> Any:
        response = client.post(url, content=orjson.dumps(write_body(documents)))
        response.raise_for_status()
        return orjson.loads(response.content)

    return call, client.close


def open_async_httpx_orjson(base_url: str) -> Async:
    """Do what a user of httpx who has orjson writes."""
    import httpx
    import orjson

    client = httpx.AsyncClient(headers=AUTHORIZATION | JSON, timeout=TIMEOUT_SECONDS)
    url = f"{base_url}/rerank"

    async def call(documents: list[str]) -> Any:
        response = await client.post(url, content=orjson.dumps(write_body(documents)))
        response.raise_for_status()
        return orjson.loads(response.content)

    return call, client.aclose


def open_aiohttp(base_url: str) -> Async:
    """Do what a user of aiohttp writes."""
    import aiohttp

    session = aiohttp.ClientSession(headers=AUTHORIZATION)
    url = f"{base_url}/rerank"

    async def call(documents: list[str]) -> Any:
        async with session.post(url, json=write_body(documents)) as response:
            response.raise_for_status()
            return await response.json()

    return call, session.close


def open_rerank(base_url: str) -> Sync:
    """Make the client of this project."""
    from openrouter_rerank import OpenRouter

    client = OpenRouter(API_KEY, server_url=base_url)

    def call(documents: list[str]) -> Any:
        return client.rerank.rerank(documents=documents, model=MODEL, query=QUERY)

    return call, client.close


def open_async_rerank(base_url: str) -> Async:
    """Make the client of this project."""
    from openrouter_rerank import OpenRouter

    return adapt_async(OpenRouter(API_KEY, server_url=base_url))


def open_rerank_over_aiohttp(base_url: str) -> Async:
    """Make the client of this project, with aiohttp for its connections."""
    import aiohttp
    from httpx_aiohttp import AiohttpTransport
    from openrouter_rerank import OpenRouter

    transport = AiohttpTransport(client=aiohttp.ClientSession)
    return adapt_async(OpenRouter(API_KEY, server_url=base_url, async_transport=transport))


def adapt_async(client: Any) -> Async:
    """Return how to call and close a client of this project."""

    async def call(documents: list[str]) -> Any:
        return await client.rerank.rerank_async(documents=documents, model=MODEL, query=QUERY)

    return call, client.aclose


def open_openrouter(base_url: str) -> Sync:
    """Make the official SDK's client."""
    from openrouter import OpenRouter

    client: Any = OpenRouter(api_key=API_KEY, server_url=base_url)
    client.__enter__()

    def call(documents: list[str]) -> Any:
        return client.rerank.rerank(documents=documents, model=MODEL, query=QUERY)

    return call, lambda: client.__exit__(None, None, None)


def open_async_openrouter(base_url: str) -> Async:
    """Make the official SDK's client."""
    from openrouter import OpenRouter

    client: Any = OpenRouter(api_key=API_KEY, server_url=base_url)

    async def call(documents: list[str]) -> Any:
        return await client.rerank.rerank_async(documents=documents, model=MODEL, query=QUERY)

    return call, lambda: client.__aexit__(None, None, None)


def open_cohere(base_url: str) -> Sync:
    """Make Cohere's client; its path differs, its reply does not."""
    import cohere
    import httpx

    inner = httpx.Client(timeout=TIMEOUT_SECONDS)
    client = cohere.ClientV2(API_KEY, base_url=base_url, httpx_client=inner)

    def call(documents: list[str]) -> Any:
        return client.rerank(documents=documents, model=MODEL, query=QUERY)

    return call, inner.close


def open_async_cohere(base_url: str) -> Async:
    """Make Cohere's client, which uses httpx-aiohttp if that is installed."""
    import cohere

    client: Any = cohere.AsyncClientV2(API_KEY, base_url=base_url, timeout=TIMEOUT_SECONDS)

    async def call(documents: list[str]) -> Any:
        return await client.rerank(documents=documents, model=MODEL, query=QUERY)

    async def close() -> None:
        await client.__aexit__(None, None, None)

    return call, close


def open_openai(base_url: str) -> Sync:
    """Make OpenAI's client, for its generic post."""
    from openai import OpenAI

    client = OpenAI(api_key=API_KEY, base_url=base_url)

    def call(documents: list[str]) -> Any:
        return client.post("/rerank", body=write_body(documents), cast_to=object)

    return call, client.close


def open_async_openai(base_url: str) -> Async:
    """Make OpenAI's client, for its generic post."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key=API_KEY, base_url=base_url)

    async def call(documents: list[str]) -> Any:
        return await client.post("/rerank", body=write_body(documents), cast_to=object)

    return call, client.close


def open_litellm(base_url: str) -> Sync:
    """Prepare for litellm's function."""
    import litellm

    def call(documents: list[str]) -> Any:
        return litellm.rerank(
            f"cohere/{MODEL}", QUERY, documents, api_key=API_KEY, api_base=f"{base_url}/rerank"
        )

    return call, lambda: None


def open_async_litellm(base_url: str) -> Async:
    """Prepare for litellm's function."""
    import litellm

    async def call(documents: list[str]) -> Any:
        return await litellm.arerank(
            f"cohere/{MODEL}", QUERY, documents, api_key=API_KEY, api_base=f"{base_url}/rerank"
        )

    async def close() -> None:
        return None

    return call, close
