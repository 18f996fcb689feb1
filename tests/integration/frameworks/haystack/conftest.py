"""What the tests of Haystack's ranker share."""

from collections.abc import Iterator

import pytest
from integration.frameworks.haystack.rankers import KEY, Run, run_async, run_sync
from openrouter_rerank import local


@pytest.fixture(autouse=True)
def environment(clean_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the key, and no other variable of the client's."""
    clean_environment.setenv("OPENROUTER_API_KEY", KEY)
    return clean_environment


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Run the embedded server, which asks for the key."""
    with local.running(api_key=KEY) as url:
        yield url


@pytest.fixture(params=[run_sync, run_async], ids=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    """Give both ways to rank."""
    chosen: Run = request.param
    return chosen
