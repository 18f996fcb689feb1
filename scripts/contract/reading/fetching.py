"""Upstream's document over https, with hard limits on size and time."""

from http import HTTPStatus
from urllib.parse import urlsplit

import anyio
import httpx
from contract.model import ContractError

from .loading import MAX_SOURCE_BYTES
from .sources import FetchError, describe_source

FETCH_SECONDS = 60.0
MAX_REDIRECTS = 5


def fetch_document(
    url: str,
    *,
    seconds: float = FETCH_SECONDS,
    transport: httpx.AsyncBaseTransport | None = None,
) -> bytes:
    """
    Fetch a document of at most `MAX_SOURCE_BYTES` within `seconds`, redirects included.

    Raises:
        ContractError: The URL is not https, or redirects to one that is not; or the reply is too
            large or compressed.
        FetchError: There is no reply, it is no 200, or it takes too long.
    """
    shown = describe_source(url)
    try:
        return anyio.run(_fetch_in_time, url, seconds, transport)
    except TimeoutError as error:
        raise FetchError(f"{shown} took longer than {seconds:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # httpx names the URL in some of its messages, and a URL may hold a password.
        raise FetchError(f"{shown} cannot be fetched: {type(error).__name__}") from error


async def _fetch_in_time(
    url: str, seconds: float, transport: httpx.AsyncBaseTransport | None
) -> bytes:
    # httpx's own timeouts start again with every byte, so a trickle would never end.
    with anyio.fail_after(seconds):
        async with httpx.AsyncClient(transport=transport, timeout=seconds) as client:
            for _ in range(MAX_REDIRECTS + 1):
                _require_https(url)
                async with client.stream(
                    "GET", url, headers={"Accept-Encoding": "identity"}
                ) as response:
                    if response.next_request is None:
                        return await _read_reply(response)
                    url = str(response.next_request.url)
    raise FetchError(f"{describe_source(url)} redirects more than {MAX_REDIRECTS} times")


def _require_https(url: str) -> None:
    if urlsplit(url).scheme.lower() != "https":
        raise ContractError(f"{describe_source(url)} is not an https URL")


async def _read_reply(response: httpx.Response) -> bytes:
    shown = describe_source(str(response.url))
    if response.status_code != HTTPStatus.OK:
        raise FetchError(f"{shown} answered with status {response.status_code}")
    # A compressed reply could grow to any size in one piece.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ContractError(f"{shown} is compressed, although it was asked not to be")
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > MAX_SOURCE_BYTES:
            raise ContractError(f"{shown} is larger than {MAX_SOURCE_BYTES // 2**20} MiB")
    return bytes(content)
