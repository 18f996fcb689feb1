"""What the adapters for LangChain and LlamaIndex share: settings, secrets and the client."""

import asyncio
import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode
from openrouter_rerank import OpenRouter, langchain, llama_index, local
from openrouter_rerank.errors import ClientClosedError, UnauthorizedResponseError
from openrouter_rerank.testing import FakeOpenRouter
from pydantic import SecretStr, ValidationError

KEY = "sk-or-adapter"
QUERY = "What is the capital of France?"
TEXTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]

Kind = type[langchain.OpenRouterRerank] | type[llama_index.OpenRouterRerank]
KINDS: list[Kind] = [langchain.OpenRouterRerank, llama_index.OpenRouterRerank]
Reranker = langchain.OpenRouterRerank | llama_index.OpenRouterRerank

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=["langchain", "llama_index"])


def make(kind: Kind, **settings: Any) -> Reranker:
    """Make an adapter, as a user's configuration does."""
    given: dict[str, Any] = {"model": "m", **settings}
    return kind(**given)


def call(reranker: Reranker) -> str:
    """Return the text that comes first."""
    if isinstance(reranker, langchain.OpenRouterRerank):
        documents = [Document(text) for text in TEXTS]
        return reranker.compress_documents(documents, QUERY)[0].page_content
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    return reranker.postprocess_nodes(nodes, query_str=QUERY)[0].get_content()


async def call_async(reranker: Reranker) -> str:
    """Do what `call` does, on the running event loop."""
    if isinstance(reranker, langchain.OpenRouterRerank):
        documents = [Document(text) for text in TEXTS]
        return (await reranker.acompress_documents(documents, QUERY))[0].page_content
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    return (await reranker.apostprocess_nodes(nodes, query_str=QUERY))[0].get_content()


def test_settings_are_sent(kind: Kind) -> None:
    """Every setting of the request is in its body."""
    settings: dict[str, Any] = {
        "provider": {"only": ["cohere"]},
        "session_id": "session",
        "trace": {"trace_name": "name"},
        "user": "user",
    }
    with FakeOpenRouter() as client:
        call(make(kind, client=client, top_n=1, **settings))

    expected = {"documents": TEXTS, "model": "m", "query": QUERY, "top_n": 1, **settings}
    assert client.bodies == [expected]


def test_settings_that_are_none_are_not_sent(kind: Kind) -> None:
    """A setting that is None sends no field, and `top_n` then returns everything."""
    with FakeOpenRouter() as client:
        call(make(kind, client=client, top_n=None))

    assert client.bodies == [{"documents": TEXTS, "model": "m", "query": QUERY}]


def test_count_is_never_more_than_there_are(kind: Kind) -> None:
    """A count that is a default for all calls is sent as the number of documents if it is less."""
    with FakeOpenRouter() as client:
        call(make(kind, client=client, top_n=3))
        asyncio.run(call_async(make(kind, client=client, top_n=3)))

    assert [body["top_n"] for body in client.bodies] == [2, 2]


@pytest.mark.parametrize(
    "settings",
    [{"top_n": 0}, {"cohere_api_key": KEY}, {"client": KEY}, {"model": None}, {"trace": [KEY]}],
)
def test_wrong_setting_is_refused(kind: Kind, settings: dict[str, Any]) -> None:
    """A setting that is unknown or cannot work is an error that never quotes the key."""
    with pytest.raises(ValidationError, match=next(iter(settings))) as caught:
        make(kind, **{"api_key": KEY, **settings})

    assert KEY not in str(caught.value)


def test_wrong_assignment_is_refused(kind: Kind) -> None:
    """A setting is checked when it is set again, too, and the error quotes no key."""
    reranker = make(kind)

    with pytest.raises(ValidationError, match="api_key") as caught:
        reranker.api_key = KEY.encode() + b"\xff"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]

    assert KEY not in str(caught.value)


def test_key_beside_a_client_is_refused(kind: Kind) -> None:
    """A key that no request would bear is refused rather than left out."""
    with FakeOpenRouter() as client, pytest.raises(ValidationError, match="has its own") as caught:
        make(kind, client=client, api_key=KEY)

    assert KEY not in str(caught.value)


def test_key_is_in_no_text_of_the_adapter(kind: Kind) -> None:
    """No repr, dump, schema or pickle holds the key."""
    reranker = make(kind, api_key=KEY)

    shown = [
        repr(reranker),
        str(reranker),
        repr(reranker.model_dump()),
        reranker.model_dump_json(),
        repr(type(reranker).model_json_schema()),
        repr(pickle.dumps(reranker)),
    ]

    assert [text for text in shown if KEY in text] == []


def test_dump_gives_the_settings_back(kind: Kind) -> None:
    """What is loaded from a dump has every setting but the key."""
    reranker = make(kind, api_key=KEY, top_n=7, provider={"only": ["cohere"]}, user="user")

    dump = reranker.model_dump()
    dump.pop("class_name", None)
    loaded = kind(**dump)

    assert loaded.model_dump() == reranker.model_dump()
    assert loaded.api_key is None


def test_pickled_adapter_reads_the_environment(
    kind: Kind, clean_environment: pytest.MonkeyPatch
) -> None:
    """A pickle of an adapter in use holds its settings, and calls with the environment's key."""
    with local.running(api_key=KEY) as server_url:
        with make(kind, api_key=KEY, server_url=server_url, top_n=1) as reranker:
            call(reranker)
            pickled = pickle.dumps(reranker)
        with pickle.loads(pickled) as loaded:  # noqa: S301  made above
            with pytest.raises(UnauthorizedResponseError):
                call(loaded)
            clean_environment.setenv("OPENROUTER_API_KEY", KEY)
            first = call(loaded)

    assert (first, loaded.top_n) == (TEXTS[1], 1)


def test_adapter_with_a_client_is_not_pickled(kind: Kind) -> None:
    """A client that was given is not left out of a pickle silently, and stays usable."""
    with FakeOpenRouter() as client:
        reranker = make(kind, client=client)
        with pytest.raises(TypeError, match="client: an OpenRouter cannot be pickled"):
            pickle.dumps(reranker)

        call(reranker)

    assert len(client.requests) == 1


def test_key_is_sent(kind: Kind) -> None:
    """A key that is given, and one that is set later, goes with the requests."""
    with (
        local.running(api_key=KEY) as server_url,
        make(kind, api_key="sk-or-wrong", server_url=server_url) as reranker,
    ):
        with pytest.raises(UnauthorizedResponseError):
            call(reranker)
        reranker.api_key = SecretStr(KEY)

        assert call(reranker) == TEXTS[1]


def test_copy_uses_its_own_key(kind: Kind) -> None:
    """A copy with another key never calls with that of the original, nor closes its client."""
    with (
        local.running(api_key=KEY) as server_url,
        make(kind, api_key=KEY, server_url=server_url) as reranker,
    ):
        call(reranker)
        with (
            reranker.model_copy(update={"api_key": SecretStr("sk-or-wrong")}) as copied,
            pytest.raises(UnauthorizedResponseError),
        ):
            call(copied)

        assert call(reranker) == TEXTS[1]


def test_environment_names_key_and_server(
    kind: Kind, clean_environment: pytest.MonkeyPatch
) -> None:
    """Without key and server, both come from the environment."""
    with local.running(api_key=KEY) as server_url:
        clean_environment.setenv("OPENROUTER_API_KEY", KEY)
        clean_environment.setenv("OPENROUTER_BASE_URL", server_url)
        with make(kind) as reranker:
            first = call(reranker)

    assert first == TEXTS[1]


def test_own_client_is_closed(kind: Kind) -> None:
    """The client that an adapter made is closed with it, and no other is made then."""
    with local.running() as server_url:
        with make(kind, server_url=server_url) as reranker:
            call(reranker)

        with pytest.raises(ClientClosedError):
            call(reranker)


def test_own_client_is_closed_from_an_event_loop(kind: Kind) -> None:
    """`async with` closes the client's async and sync connections."""

    async def run(server_url: str) -> str:
        async with make(kind, server_url=server_url) as reranker:
            first = await call_async(reranker)
        with pytest.raises(ClientClosedError):
            await call_async(reranker)
        with pytest.raises(ClientClosedError):
            call(reranker)
        return first

    with local.running() as server_url:
        assert anyio.run(run, server_url) == TEXTS[1]


def test_given_client_stays_open(kind: Kind) -> None:
    """A client that was given serves on when the adapter is closed, either way."""

    async def close(reranker: Reranker) -> None:
        async with reranker:
            await call_async(reranker)

    with FakeOpenRouter() as client:
        with make(kind, client=client) as reranker:
            call(reranker)
        anyio.run(close, reranker)
        call(reranker)

    assert len(client.requests) == 3


def test_one_client_serves_all_threads(kind: Kind) -> None:
    """Threads that call at once share one client, which one `close` closes."""
    with local.running() as server_url:
        with make(kind, server_url=server_url) as reranker, ThreadPoolExecutor(4) as pool:
            firsts = list(pool.map(call, [reranker] * 8))

        with pytest.raises(ClientClosedError):
            call(reranker)

    assert firsts == [TEXTS[1]] * 8


class NoThreads(ThreadPoolExecutor):
    """Stands for the threads of an event loop where none may be used."""

    def submit(self, *_args: Any, **_options: Any) -> Any:
        """Refuse the work."""
        raise AssertionError("a thread was asked for")


def test_async_calls_share_the_event_loop(kind: Kind) -> None:
    """Async calls are under way together on one event loop, without a thread."""

    async def run(server_url: str) -> list[str]:
        asyncio.get_running_loop().set_default_executor(NoThreads())
        meeting = asyncio.Barrier(2)

        async def read_key() -> str:
            await meeting.wait()
            return KEY

        async with OpenRouter(read_key, server_url=server_url) as client:
            reranker = make(kind, client=client)
            return await asyncio.gather(*(call_async(reranker) for _ in range(2)))

    with local.running(api_key=KEY) as server_url:
        assert anyio.run(run, server_url) == [TEXTS[1]] * 2


def test_missing_framework_is_named(kind: Kind) -> None:
    """Without its framework an adapter's module raises one error that says what to install."""
    module = kind.__module__
    framework = {"langchain": "langchain_core", "llama_index": "llama_index"}[
        module.rpartition(".")[2]
    ]
    extra = module.rpartition(".")[2].replace("_", "-")
    script = f"""
import sys
sys.modules[{framework!r}] = None
try:
    import {module}
except ImportError as error:
    print(error)
"""

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60
    )

    assert f'pip install "openrouter-rerank[{extra}]"' in done.stdout
    assert framework in done.stdout


def test_package_imports_no_framework(kind: Kind) -> None:
    """Importing the package itself imports neither the adapter nor pydantic."""
    script = f"""
import sys
import openrouter_rerank
print({{"pydantic", {kind.__module__!r}}} & set(sys.modules))
"""

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60
    )

    assert done.stdout == "set()\n"


@pytest.mark.parametrize("is_deep", [False, True])
def test_copy_shares_a_given_client(kind: Kind, is_deep: bool) -> None:
    """A copy of an adapter, deep or not, works with the client that the adapter was given."""
    with FakeOpenRouter() as client:
        reranker = make(kind, client=client, provider={"only": ["a"]})
        call(reranker)
        copies = [copy.deepcopy(reranker) if is_deep else copy.copy(reranker)]
        copies.append(reranker.model_copy(deep=is_deep))
        for copied in copies:
            call(copied)

    assert client.bodies == [client.bodies[0]] * 3


def test_deep_copy_of_an_adapter_in_use_works(kind: Kind) -> None:
    """An object that holds an adapter with a client of its own can be copied, settings and all."""
    with local.running() as server_url, make(kind, server_url=server_url, api_key=KEY) as reranker:
        expected = call(reranker)
        with copy.deepcopy([reranker])[0] as copied:
            assert call(copied) == expected
