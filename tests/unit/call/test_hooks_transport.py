"""The hooks as a transport: what it adds to requests that somebody else made."""

import anyio
import httpx
import pytest
from openrouter_rerank import HooksTransport, OpenRouter
from openrouter_rerank.errors import UnauthorizedResponseError
from openrouter_rerank.testing import ScriptedTransport

URL = "https://openrouter.ai/api/v1/rerank"
BODY = {"documents": ["a"], "model": "m", "query": "q"}


def test_transport_adds_what_the_request_lacks() -> None:
    """Key, attribution and name are added; what the caller has set stays."""
    inner = ScriptedTransport()
    hooks = HooksTransport(
        "k", http_referer="https://ours", x_open_router_title="T", transport=inner
    )
    with httpx.Client(transport=hooks) as client:
        client.post(URL, json=BODY)
        client.post(URL, json=BODY, headers={"User-Agent": "mine", "HTTP-Referer": "theirs"})

    plain, own = (request.headers for request in inner.requests)
    assert plain["Authorization"] == own["Authorization"] == "Bearer k"
    assert plain["Accept-Encoding"] == own["Accept-Encoding"] == "gzip"
    assert plain["User-Agent"].startswith("openrouter-rerank/")
    assert (plain["HTTP-Referer"], plain["X-OpenRouter-Title"]) == ("https://ours", "T")
    assert (own["User-Agent"], own["HTTP-Referer"]) == ("mine", "theirs")


@pytest.mark.parametrize(
    ("token", "sent", "advice"),
    [("unused", None, "no API key was sent"), ("own", "Bearer own", "was not accepted")],
)
@pytest.mark.parametrize("backend", [None, "asyncio", "trio"])
def test_no_placeholder_goes_out(
    backend: str | None,
    token: str,
    sent: str | None,
    advice: str,
    clean_environment: pytest.MonkeyPatch,
) -> None:
    """Without a key the examples' token is not sent, and a 401 says how to set the key."""
    clean_environment.delenv("OPENROUTER_API_KEY", raising=False)
    inner = ScriptedTransport(401)
    hooks = HooksTransport(transport=inner, async_transport=inner)
    headers = {"Authorization": f"Bearer {token}"}

    async def post() -> None:
        async with httpx.AsyncClient(transport=hooks, headers=headers) as client:
            await client.post(URL, json=BODY)

    with (
        httpx.Client(transport=hooks, headers=headers) as client,
        pytest.raises(UnauthorizedResponseError, match=advice),
    ):
        client.post(URL, json=BODY) if backend is None else anyio.run(post, backend=backend)

    assert inner.requests[0].headers.get("Authorization") == sent


def test_transport_runs_its_hooks() -> None:
    """The user's functions are called for the generated functions, too."""
    seen: list[int] = []
    hooks = HooksTransport("k", transport=ScriptedTransport())
    hooks.hooks.after_response(lambda response: seen.append(response.status_code))
    with httpx.Client(transport=hooks) as client:
        client.post(URL, json=BODY)

    assert seen == [200]


class Text(str):
    """A text of a class of its own, as some libraries have."""

    __slots__ = ()


def test_texts_of_other_classes_are_documents() -> None:
    """A subclass of str is text, and a blank one is refused as any other."""
    transport = ScriptedTransport()
    with OpenRouter("k", transport=transport) as client:
        res = client.rerank.rerank(documents=[Text("a")], model="m", query="q")
        with pytest.raises(ValueError, match="blank at positions 1"):
            client.rerank.rerank(documents=[Text("a"), Text(" ")], model="m", query="q")

    assert res.results[0].document.text == "a"
