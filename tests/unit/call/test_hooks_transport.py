"""The hooks as a transport: what it adds to requests that somebody else made."""

import httpx
import pytest
from openrouter_rerank import HooksTransport, OpenRouter
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
