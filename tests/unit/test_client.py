"""The public client over real sockets, against the embedded server and its real model."""

import copy
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import httpx
import pytest
from openrouter_rerank import OpenRouter, errors, operations
from openrouter_rerank.local import running
from openrouter_rerank.testing import FakeOpenRouter

MODEL = "cohere/rerank-v3.5"
QUERY = "What is the capital of France?"
DOCUMENTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
KEY = "sk-or-test-0123456789"
EXAMPLE = """
from openrouter_rerank import OpenRouter
import os

with OpenRouter(
    http_referer="<value>",
    x_open_router_title="<value>",
    x_open_router_categories="<value>",
    api_key=os.getenv("OPENROUTER_API_KEY", ""),
) as open_router:

    res = open_router.rerank.rerank(documents=[
        "Paris is the capital of France.",
        "Berlin is the capital of Germany.",
    ], model="cohere/rerank-v3.5", query="What is the capital of France?")

    print(res)
"""


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Serve the contract without a key."""
    with running() as url:
        yield url


@pytest.fixture(scope="module")
def locked_url() -> Iterator[str]:
    """Serve the contract to those who have the key."""
    with running(api_key=KEY) as url:
        yield url


def test_example_prints_paris_first(server_url: str) -> None:
    """The official SDK's example runs as it stands, with the base URL from the environment."""
    environment = {**os.environ, "OPENROUTER_BASE_URL": server_url}

    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", EXAMPLE],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.index("Paris is the capital of France.") < printed.index("Berlin")


def test_rerank_orders_by_relevance(server_url: str) -> None:
    """The right document comes first, with its position in the list that was sent."""
    with OpenRouter(server_url=server_url) as client:
        res = client.rerank.rerank(documents=DOCUMENTS, model=MODEL, query=QUERY)

    assert isinstance(res, operations.CreateRerankResponseBody)
    assert [result.index for result in res.results] == [1, 0]
    assert [result.document.text for result in res.results] == [DOCUMENTS[1], DOCUMENTS[0]]
    assert res.results[0].relevance_score > res.results[1].relevance_score


@pytest.mark.anyio
async def test_rerank_async_gives_what_rerank_gives(server_url: str) -> None:
    """The async half of the same class orders the documents alike."""
    async with OpenRouter(server_url=server_url) as client:
        res = await client.rerank.rerank_async(documents=DOCUMENTS, model=MODEL, query=QUERY)

    assert [result.index for result in res.results] == [1, 0]


def test_any_iterable_of_any_kind_of_document_is_taken(server_url: str) -> None:
    """A generator of texts, mappings and models is read once and sent in its order."""
    mixed = (
        document
        for document in (
            "Berlin is the capital of Germany.",
            {"text": "Rome is the capital of Italy."},
            operations.DocumentRequest(text="Paris is the capital of France."),
        )
    )
    with OpenRouter(server_url=server_url) as client:
        res = client.rerank.rerank(documents=mixed, model=MODEL, query=QUERY, top_n=1)

    assert [(result.index, result.document.text) for result in res.results] == [
        (2, "Paris is the capital of France.")
    ]


def test_key_of_the_argument_opens(locked_url: str) -> None:
    """The key that the client was given is sent."""
    with OpenRouter(KEY, server_url=locked_url) as client:
        res = client.rerank.rerank(documents=DOCUMENTS, model=MODEL, query=QUERY)

    assert res.results[0].index == 1


@pytest.mark.parametrize("argument", [None, ""])
def test_key_falls_back_to_the_environment(
    argument: str | None, locked_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With None or "" the key is the environment's, read when the request is made."""
    with OpenRouter(argument, server_url=locked_url) as client:
        monkeypatch.setenv("OPENROUTER_API_KEY", f" {KEY}\n")

        res = client.rerank.rerank(documents=DOCUMENTS, model=MODEL, query=QUERY)

    assert res.results[0].index == 1


def test_missing_key_says_how_to_set_it(locked_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The 401 that follows from having no key names the argument and the variable."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    with (
        OpenRouter(server_url=locked_url) as client,
        pytest.raises(errors.UnauthorizedResponseError, match="OPENROUTER_API_KEY") as caught,
    ):
        client.rerank.rerank(documents=DOCUMENTS, model=MODEL, query=QUERY)

    assert "no API key was sent; pass api_key=" in str(caught.value)
    assert caught.value.status_code == 401
    assert caught.value.attempts == 1


def test_wrong_key_is_not_called_missing(locked_url: str) -> None:
    """A key that was sent and refused is said to be refused, and is not shown."""
    with (
        OpenRouter("sk-or-wrong", server_url=locked_url) as client,
        pytest.raises(errors.UnauthorizedResponseError, match="not accepted") as caught,
    ):
        client.rerank.rerank(documents=DOCUMENTS, model=MODEL, query=QUERY)

    assert "sk-or-wrong" not in repr(caught.value)


@pytest.mark.anyio
async def test_coroutine_function_gives_the_key_to_async_calls(locked_url: str) -> None:
    """An async key function is awaited for every request, and refused by sync calls."""
    asked: list[str] = []

    async def fetch_key() -> str:
        asked.append("key")
        return KEY

    async with OpenRouter(fetch_key, server_url=locked_url) as client:
        await client.rerank.rerank_async(documents=DOCUMENTS, model=MODEL, query=QUERY)
        await client.rerank.rerank_async(documents=DOCUMENTS, model=MODEL, query=QUERY)
        with pytest.raises(TypeError, match="api_key"):
            client.rerank.rerank(documents=DOCUMENTS, model=MODEL, query=QUERY)

    assert asked == ["key"] * 2


def test_base_url_of_the_call_wins(server_url: str) -> None:
    """A call's own server is used in the place of the client's."""
    with OpenRouter(server_url="http://127.0.0.1:9/api/v1") as client:
        res = client.rerank.rerank(
            documents=DOCUMENTS, model=MODEL, query=QUERY, server_url=server_url + "/"
        )

    assert res.results[0].index == 1


def test_closed_client_refuses_calls(server_url: str) -> None:
    """After close nothing is sent any more."""
    client = OpenRouter(server_url=server_url)
    client.close()

    with pytest.raises(errors.ClientClosedError, match="closed"):
        client.rerank.rerank(documents=DOCUMENTS, model=MODEL, query=QUERY)


def test_repr_does_not_show_the_key() -> None:
    """The client's repr says where calls go and nothing else."""
    client = OpenRouter(KEY, server_url="https://example.com/api/v1")

    assert repr(client) == "OpenRouter(server_url='https://example.com/api/v1')"


class Recorder(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Keeps the requests that would have been sent."""

    def __init__(self) -> None:
        """Begin with none."""
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Keep the request and answer with one result."""
        self.requests.append(request)
        results = [{"index": 0, "relevance_score": 1}]
        return httpx.Response(200, json={"model": MODEL, "results": results})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Do the same."""
        return self.handle_request(request)


@pytest.mark.anyio
async def test_both_halves_send_the_same_request() -> None:
    """Every argument of the call reaches the wire, alike from the sync and the async half."""
    recorder = Recorder()
    async with OpenRouter(
        KEY,
        "https://app.example.com",
        "App",
        "search",
        server_url="https://api.example.com/api/v1/",
        transport=recorder,
        async_transport=recorder,
    ) as client:
        arguments = {
            "documents": ["naïve"],
            "model": MODEL,
            "query": QUERY,
            "provider": None,
            "top_n": 1,
            "session_id": "s",
            "trace": {"trace_id": "t", "own": 1},
            "user": "u",
            "x_open_router_title": "Other",
            "x_open_router_categories": "",
            "http_headers": {"X-Extra": "1", "user-agent": "mine"},
            "extra_body": {"newer": True},
        }
        client.rerank.rerank(**arguments)  # type: ignore[arg-type]
        await client.rerank.rerank_async(**arguments)  # type: ignore[arg-type]

    sync, asynchronous = recorder.requests
    assert sync.content == asynchronous.content
    assert sync.headers == asynchronous.headers
    assert str(sync.url) == "https://api.example.com/api/v1/rerank"
    assert '{"documents":["naïve"],"model":' in sync.content.decode()
    assert json.loads(sync.content) == {
        "documents": ["naïve"],
        "model": "cohere/rerank-v3.5",
        "query": "What is the capital of France?",
        "provider": None,
        "top_n": 1,
        "session_id": "s",
        "trace": {"trace_id": "t", "own": 1},
        "user": "u",
        "newer": True,
    }
    assert dict(sync.headers) == {
        "host": "api.example.com",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "content-type": "application/json",
        "content-length": str(len(sync.content)),
        "user-agent": "mine",
        "http-referer": "https://app.example.com",
        "x-openrouter-title": "Other",
        "x-extra": "1",
        "authorization": f"Bearer {KEY}",
    }


def test_user_agent_names_the_client() -> None:
    """Without a caller's own, the user agent is our name and version."""
    recorder = Recorder()
    with OpenRouter(transport=recorder, server_url="http://example.com") as client:
        client.rerank.rerank(documents=["a"], model=MODEL, query=QUERY)

    assert recorder.requests[0].headers["user-agent"].startswith("openrouter-rerank/0.")


@pytest.mark.parametrize(
    ("argument", "value"), [("client", httpx.AsyncClient), ("async_client", httpx.Client)]
)
def test_clients_of_the_wrong_half_are_refused(argument: str, value: type[object]) -> None:
    """An async client for sync calls, or the other way round, is named at once."""
    wrong = {argument: value()}

    with pytest.raises(TypeError, match=argument):
        OpenRouter(**wrong)  # type: ignore[arg-type]


def test_import_needs_no_extra(tmp_path: Path) -> None:
    """Importing the client loads nothing of the extras, and no parser of dates."""
    code = (
        "import sys, openrouter_rerank\n"
        "extras = {'typer', 'starlette', 'uvicorn', 'onnxruntime', 'numpy', 'dateutil'}\n"
        "print(sorted(extras & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout

    assert printed == "[]\n"


def test_client_that_was_never_set_up_has_a_repr() -> None:
    """A debugger may show a client whose constructor has refused an argument."""
    client = OpenRouter.__new__(OpenRouter)

    assert repr(client) == "OpenRouter(server_url=None)"


@pytest.mark.parametrize("copy_it", [copy.copy, copy.deepcopy])
def test_copy_shares_the_client(copy_it: Callable[[Any], Any]) -> None:
    """A copy of a client, or of an object that holds one, calls through the same client."""
    with FakeOpenRouter() as client:
        holder = copy_it({"client": client})
        holder["client"].rerank.rerank(documents=["a"], model="m", query="q")

    assert copy_it(client) is client
    assert len(client.requests) == 1


def test_pickle_refuses_a_client_in_a_sentence() -> None:
    """A pickle would hold connections and a key, and the error says so."""
    with OpenRouter("sk-or-pickled") as client, pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(client)


def test_autospec_knows_the_attributes_of_instances() -> None:
    """A mock that is made from the class has `rerank` and `hooks`, with their signatures."""
    for client in (create_autospec(OpenRouter), create_autospec(OpenRouter)("key")):
        client.rerank.rerank.return_value = "ranked"

        assert client.rerank.rerank(documents=["a"], model="m", query="q") == "ranked"
        assert callable(client.hooks.before_request)
        with pytest.raises(AttributeError):
            client.rerank.rank_everything()
        with pytest.raises(TypeError):
            client.rerank.rerank(texts=["a"])


def test_client_whose_constructor_failed_has_no_blank_attributes() -> None:
    """What the class shows for mocks is never taken for an attribute of a client."""
    broken = OpenRouter.__new__(OpenRouter)

    with pytest.raises(AttributeError, match="constructor"):
        _ = broken.rerank
