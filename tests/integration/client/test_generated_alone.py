"""The generated functions alone, without our transport: no reply of a gateway breaks them."""

from typing import Any

import anyio
import httpx
import pytest
from openrouter_rerank_api import Client
from openrouter_rerank_api.api.rerank import create_rerank
from openrouter_rerank_api.errors import UnexpectedStatus
from openrouter_rerank_api.models import CreateRerankRequestBody, ErrorResponse
from openrouter_rerank_api.types import Response

BODY = CreateRerankRequestBody(documents=["a"], model="m", query="q")
PAGE = b"<html>down</html>"
ENVELOPE = b'{"error": {"code": 529, "message": "busy"}}'


def call(mode: str, status: int, content: bytes, **settings: Any) -> Response[Any]:
    """Call the function of a mode, and answer with a reply."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    client = Client("https://h", httpx_args={"transport": transport}, **settings)
    if mode == "sync":
        return create_rerank.sync_detailed(client=client, body=BODY)

    async def work() -> Response[Any]:
        return await create_rerank.asyncio_detailed(client=client, body=BODY)

    return anyio.run(work)


@pytest.mark.parametrize("mode", ["sync", "asyncio"])
@pytest.mark.parametrize("status", [400, 418, 503, 520, 524, 529, 599, 999])
@pytest.mark.parametrize("content", [PAGE, b"", b"[]", b"{", b'{"error": 5}', b"\xff"])
def test_any_status_comes_through(mode: str, status: int, content: bytes) -> None:
    """The status is a number, known or not, and a body that is not the contract's is not parsed."""
    response = call(mode, status, content)

    assert type(response.status_code) is int
    assert (response.status_code, response.content, response.parsed) == (status, content, None)


@pytest.mark.parametrize("mode", ["sync", "asyncio"])
def test_error_of_the_contract_is_parsed(mode: str) -> None:
    """A status that `http.HTTPStatus` lacks is decoded like any other."""
    response = call(mode, 529, ENVELOPE)

    assert response.status_code == 529
    assert isinstance(response.parsed, ErrorResponse)


@pytest.mark.parametrize("mode", ["sync", "asyncio"])
@pytest.mark.parametrize("status", [418, 503])
def test_page_is_an_unexpected_status_if_asked_for(mode: str, status: int) -> None:
    """With `raise_on_unexpected_status` the reply of a gateway is that error, body and all."""
    with pytest.raises(UnexpectedStatus) as caught:
        call(mode, status, PAGE, raise_on_unexpected_status=True)

    assert (caught.value.status_code, caught.value.content) == (status, PAGE)


@pytest.mark.parametrize("mode", ["sync", "asyncio"])
@pytest.mark.parametrize("content", [PAGE, b"{}"])
def test_success_of_another_shape_is_no_none(mode: str, content: bytes) -> None:
    """A success that cannot be decoded raises as before: it was billed."""
    with pytest.raises((KeyError, ValueError)):
        call(mode, 200, content)
