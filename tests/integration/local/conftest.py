"""What the tests of the embedded server share."""

from collections.abc import Iterator

import httpx
import pytest
from openrouter_rerank.local import MiniLMRanker, running


@pytest.fixture(scope="session")
def ranker() -> MiniLMRanker:
    """Give the real model, loaded once."""
    ranker = MiniLMRanker()
    ranker.load()
    return ranker


@pytest.fixture(scope="session")
def base_url(ranker: MiniLMRanker) -> Iterator[str]:
    """Give the address of a server that ranks with the real model and wants no key."""
    with running(ranker) as url:
        yield url


@pytest.fixture
def http(base_url: str) -> Iterator[httpx.Client]:
    """Give a plain HTTP client for that server."""
    with httpx.Client(base_url=base_url, trust_env=False, timeout=60) as client:
        yield client
