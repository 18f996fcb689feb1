"""The official SDK, pointed at the embedded server, works as it does against OpenRouter."""

from collections.abc import Iterator

import openrouter
import pytest
from openrouter import errors
from openrouter_rerank.local import running

KEY = "sk-or-test-0123456789"
DOCUMENTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
QUERY = "What is the capital of France?"

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Serve the contract to those who have the key."""
    with running(api_key=KEY) as url:
        yield url


def test_sdk_reranks(server_url: str) -> None:
    """The SDK decodes the server's reply."""
    with openrouter.OpenRouter(api_key=KEY, server_url=server_url) as sdk:
        res = sdk.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)

    assert not isinstance(res, str)
    assert [result.index for result in res.results] == [1, 0]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_sdk_reranks_async(server_url: str) -> None:
    """The SDK's async half decodes the server's reply."""
    async with openrouter.OpenRouter(api_key=KEY, server_url=server_url) as sdk:
        res = await sdk.rerank.rerank_async(documents=DOCUMENTS, model="m", query=QUERY)

    assert not isinstance(res, str)
    assert [result.index for result in res.results] == [1, 0]


def test_sdk_gets_its_own_error_for_no_documents(server_url: str) -> None:
    """The 400 for an empty list is one that the SDK can decode."""
    with (
        openrouter.OpenRouter(api_key=KEY, server_url=server_url) as sdk,
        pytest.raises(errors.BadRequestResponseError, match="documents"),
    ):
        sdk.rerank.rerank(documents=[], model="m", query=QUERY)


def test_sdk_gets_its_own_error_for_a_wrong_key(server_url: str) -> None:
    """The 401 for a wrong key is one that the SDK can decode."""
    with (
        openrouter.OpenRouter(api_key="wrong", server_url=server_url) as sdk,
        pytest.raises(errors.UnauthorizedResponseError),
    ):
        sdk.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)
