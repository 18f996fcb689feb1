"""The page's files over a real socket."""

import re
import sys
from dataclasses import replace
from importlib import resources
from typing import Any

import httpx
import pytest
from integration.local.messages import BODY, read_error
from integration.local.rankers import ConstantRanker
from integration.local.upstreams import COST, FakeUpstream
from openrouter_rerank.local import MiniLMRanker, running
from openrouter_rerank.local._models.model_file import PackagedFile
from openrouter_rerank.local._models.registry import MODELS
from openrouter_rerank.local._page.description import TITLES
from openrouter_rerank.local._page.files import FILES

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
SHARED_COLOURS = (
    "paper", "panel", "ink", "quiet", "rule", "gain", "loss", "good", "good-panel", "series-0",
    "series-1",
)  # fmt: skip


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in ("models", *FILES))])
def test_every_reply_to_the_page_is_safe(base_url: str, path: str) -> None:
    """Nothing is guessed, kept, framed or lent, and scripts and styles are the server's own."""
    reply = httpx.get(httpx.URL(base_url).join(path))

    assert reply.status_code == 200
    policy = dict(
        each.strip().split(" ", 1) for each in reply.headers["Content-Security-Policy"].split(";")
    )
    assert policy == POLICY
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "set-cookie" not in reply.headers


def test_every_file_of_the_folder_is_sent() -> None:
    """What lies there has a name, and what has a name lies there."""
    folder = resources.files("openrouter_rerank.local").joinpath("data", "page")

    assert sorted(FILES) == sorted(file.name for file in folder.iterdir())


def test_the_page_has_no_script_of_its_own(base_url: str) -> None:
    """Scripts and styles are files, and no address leads elsewhere."""
    text = httpx.get(httpx.URL(base_url).join("/")).text

    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", text)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


@pytest.mark.parametrize(
    "name", ["", "nothing.js", "..%2Findex.html", "%2e%2e/x", "index.html/", "a/b"]
)
def test_no_other_file_is_sent(base_url: str, name: str) -> None:
    """Only the files of the page have a name."""
    reply = httpx.get(httpx.URL(base_url).join(f"/page/{name}"))

    assert reply.status_code == 404
    read_error(reply)


@pytest.mark.parametrize(("path", "allowed"), [("/", "GET"), ("/page/documents", "POST")])
def test_other_methods_get_405(base_url: str, path: str, allowed: str) -> None:
    """Each path has its method, and HEAD where there is GET."""
    reply = httpx.request("PUT", httpx.URL(base_url).join(path))

    assert reply.status_code == 405
    assert allowed in reply.headers["Allow"]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example"])
def test_the_page_is_behind_the_host_check(base_url: str, host: str) -> None:
    """A name that another site makes resolve to this machine gets no page."""
    assert httpx.get(httpx.URL(base_url).join("/"), headers={"Host": host}).status_code == 421


def test_the_server_is_described(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is told of models, of the extra for passages, and that nothing costs anything."""
    address = httpx.URL(base_url).join("/page/models")

    described: dict[str, Any] = httpx.get(address).json()
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", None)
    without: dict[str, Any] = httpx.get(address).json()
    refused = httpx.post(
        httpx.URL(base_url).join("/page/documents"),
        json={"text": "a", "name": "a", "format": "auto", "passages": True},
    )

    assert [each["slug"] for each in described["models"]] == [
        "local/minilm", "local/bge-small", "local/cross-encoder",
    ]  # fmt: skip
    assert (described["passages"], described["upstream"]) == (True, None)
    assert without["passages"] is False
    assert 'pip install "openrouter-rerank[passages]"' in refused.json()["error"]["message"]


def test_a_model_that_is_not_installed_is_said_to_lack_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page cannot offer it, and is told why."""
    missing = PackagedFile("no-such-distribution", "1", "local,models", "model.onnx", "")
    monkeypatch.setitem(MODELS, "bge-small", replace(MODELS["bge-small"], model=missing))
    with running(MiniLMRanker()) as url:
        models = httpx.get(httpx.URL(url).join("/page/models")).json()["models"]

    lacks = {each["slug"]: each["lacks"] for each in models}
    assert lacks["local/minilm"] is None
    assert 'pip install "openrouter-rerank[local,models]"' in lacks["local/bge-small"]


def test_the_page_is_told_what_is_spent() -> None:
    """The sum is that of all replies, whoever asked."""
    upstream = FakeUpstream()
    with running(ConstantRanker(), upstream=upstream.client, max_cost=1) as url:
        httpx.post(f"{url}/rerank", json=BODY)
        httpx.post(f"{url}/rerank", json=BODY)
        told = httpx.get(httpx.URL(url).join("/page/models")).json()["upstream"]

    assert told == {
        "example": "cohere/rerank-5-fast",
        "spent": pytest.approx(2 * COST),
        "max_cost": 1,
    }


def test_every_named_model_has_a_title() -> None:
    """The page shows what each model is."""
    assert TITLES.keys() == MODELS.keys()


def test_a_ranker_of_ones_own_is_the_only_model() -> None:
    """It answers for all names, so the page offers it under one."""
    with running(ConstantRanker()) as url:
        models = httpx.get(httpx.URL(url).join("/page/models")).json()["models"]

    (model,) = models
    assert (model["slug"], model["lacks"], model["loaded"]) == ("local", None, True)


def test_the_colours_are_those_of_the_report() -> None:
    """The page and the report of an evaluation look alike, by day and by night."""
    report = resources.files("openrouter_rerank.evaluation").joinpath("data", "report.css")
    page = resources.files("openrouter_rerank.local").joinpath("data", "page", "style.css")

    for name in SHARED_COLOURS:
        found = [
            re.findall(rf"--{name}: (#\w+);", file.read_text(encoding="utf-8"))[:2]
            for file in (report, page)
        ]
        assert found[0] == found[1] != []
