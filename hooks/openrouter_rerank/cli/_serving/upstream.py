"""OpenRouter behind the embedded server, for the models that are not on this machine."""

import os
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from openrouter_rerank import OpenRouter
from openrouter_rerank._call.target import BASE_URL_VARIABLE
from openrouter_rerank._network.auth import API_KEY_VARIABLE
from openrouter_rerank.cli._errors import CommandError, UsageError


@contextmanager
def open_upstream(port: int, *, wanted: bool) -> Generator[OpenRouter | None]:
    """
    Open the client that the server asks OpenRouter with; its key is that of the environment.

    Args:
        port: The server's own, 0 for any.
        wanted: Whether there is to be one.

    Yields:
        The client; None if none is wanted.

    Raises:
        CommandError: There is no key, though OpenRouter itself is to be asked.
        UsageError: The variable with the API's address names the server itself.
        ValueError: It is no address.
    """
    if not wanted:
        yield None
        return
    address = os.environ.get(BASE_URL_VARIABLE)
    if not (os.environ.get(API_KEY_VARIABLE) or address):
        raise CommandError(
            f"there is no key for --upstream. Set {API_KEY_VARIABLE} to yours from "
            "openrouter.ai/keys."
        )
    if address and is_own_address(httpx.URL(address), port):
        raise UsageError(
            f"{BASE_URL_VARIABLE} is {address}, this server itself, which cannot be its own "
            "upstream. Unset it."
        )
    with OpenRouter() as client:
        yield client


def is_own_address(url: httpx.URL, port: int) -> bool:
    """Tell whether a URL leads to a server of this machine that listens on `port`."""
    from openrouter_rerank.local._server.listener import is_loopback

    return url.port == port and is_loopback(url.host)
