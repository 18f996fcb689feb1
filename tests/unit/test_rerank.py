"""The operation: any items, raw replies, and options of one call."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, get_type_hints
from unittest.mock import create_autospec

import anyio
import httpx
import pytest
from openrouter_rerank import Ranked, RateLimit, RerankJob, RetryConfig, errors
from openrouter_rerank._call.arguments import NO_OPTIONS, RawArguments, RerankArguments
from openrouter_rerank._rerank import Rerank
from openrouter_rerank.components import ProviderPreferences
from openrouter_rerank.testing import FakeOpenRouter, answer
from openrouter_rerank.types import UNSET, Unset


@dataclass(frozen=True)
class Page:
    """An object of a caller's own."""

    number: int
    text: str


METHODS = [
    "rerank",
    "rerank_async",
    "rank",
    "rank_async",
    "rerank_batched",
    "rerank_batched_async",
    "with_raw_response.rerank",
    "with_raw_response.rerank_async",
]
PAGES = [Page(1, "one"), Page(2, "two"), Page(3, "three")]


def test_rank_returns_the_callers_objects() -> None:
    """The objects themselves come back, best first, with their scores and positions."""
    with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9])) as client:
        ranked = client.rerank.rank(
            iter(PAGES), query="q", model="m", key=lambda page: page.text, top_n=2
        )

    assert ranked == [Ranked(PAGES[2], 0.9, 2), Ranked(PAGES[0], 0.2, 0)]
    assert ranked[0].item is PAGES[2]
    assert client.bodies[0]["documents"] == ["one", "two", "three"]
    assert client.bodies[0]["top_n"] == 2


@pytest.mark.anyio
async def test_rank_async_does_the_same() -> None:
    """The async twin takes the same arguments, options of the call among them."""
    async with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9])) as client:
        ranked = await client.rerank.rank_async(
            PAGES, query="q", model="m", key=lambda page: page.text, http_headers={"X-A": "b"}
        )

    assert [entry.index for entry in ranked] == [2, 0, 1]
    assert client.requests[0].headers["X-A"] == "b"


def test_rank_takes_documents_without_a_key() -> None:
    """Items that are documents need no function."""
    with FakeOpenRouter() as client:
        ranked = client.rerank.rank(["a", "b"], query="q", model="m")

    assert [entry.item for entry in ranked] == ["a", "b"]


@pytest.mark.parametrize("items", ["one string", {"text": "one"}, 5])
def test_rank_refuses_what_is_not_several_items(items: Any) -> None:
    """One text, one mapping and a number are refused before the key function sees them."""
    with FakeOpenRouter() as client, pytest.raises(TypeError, match="items: expected an iterable"):
        client.rerank.rank(items, query="q", model="m", key=str)

    assert client.requests == []


@pytest.mark.anyio
@pytest.mark.parametrize("half", ["sync", "async"])
async def test_raw_reply_says_how_it_came(half: str) -> None:
    """A raw reply has status, headers, attempts, waits and limits, and gives the model."""
    headers = {
        "X-Generation-Id": "gen-1",
        "X-RateLimit-Limit": "20",
        "X-RateLimit-Remaining": " 7 ",
        "X-RateLimit-Reset": "soon",
    }
    script = (answer(429, retry_after=1.5), answer(headers=headers))
    async with FakeOpenRouter(*script) as client:
        raw_rerank = client.rerank.with_raw_response
        if half == "sync":
            raw = raw_rerank.rerank(documents=["a"], model="m", query="q")
        else:
            raw = await raw_rerank.rerank_async(documents=["a"], model="m", query="q")

    assert raw.status_code == 200
    assert raw.headers["content-type"] == "application/json"
    assert raw.generation_id == "gen-1"
    assert (raw.attempts, raw.waited) == (2, 1.5)
    assert raw.rate_limit == RateLimit(limit=20, remaining=7, reset=None)
    assert raw.parse().results[0].document.text == "a"
    assert raw.parse() is raw.parse()
    assert repr(raw) == "RawReply(status_code=200, generation_id='gen-1', attempts=2)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"topn": 3}, "got an unexpected keyword argument 'topn'"),
        ({"query": ...}, "missing 1 required keyword-only argument: 'query'"),
    ],
)
@pytest.mark.parametrize("name", METHODS)
def test_calls_know_their_arguments(name: str, arguments: dict[str, Any], message: str) -> None:
    """A name that is unknown, or missing, is refused in Python's words, and nothing is sent."""
    texts = "items" if name in {"rank", "rank_async"} else "documents"
    usual: dict[str, Any] = {texts: ["a"], "model": "m", "query": "q"}
    given = {name: one for name, one in {**usual, **arguments}.items() if one is not ...}
    with FakeOpenRouter(200) as client:
        call = attrgetter(name)(client.rerank)

        with pytest.raises(TypeError, match=message):
            anyio.run(partial(call, **given)) if name.endswith("_async") else call(**given)

    assert client.requests == []


@pytest.mark.parametrize("name", METHODS)
def test_signatures_list_every_argument(name: str) -> None:
    """Tools see each argument of a call with its default, and none that it does not take."""
    with FakeOpenRouter() as client:
        parameters = inspect.signature(attrgetter(name)(client.rerank)).parameters

    is_raw = name.startswith("with_raw_response")
    listed = RawArguments if is_raw else RerankArguments
    assert parameters.keys() >= listed.__annotations__.keys()
    own = RerankArguments.__annotations__.keys() - listed.__annotations__.keys()
    assert not own & parameters.keys()
    assert {each.kind for each in parameters.values()} <= {
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    }
    assert (parameters["provider"].default, parameters["user"].default) == (UNSET, None)
    options = {name: value for name, value in NO_OPTIONS.items() if name not in own}
    assert {option: parameters[option].default for option in options} == options


@pytest.mark.parametrize("name", [name for name in METHODS if "." not in name])
def test_hints_can_be_read(name: str) -> None:
    """The types of all arguments can be had, models among them."""
    hints = get_type_hints(getattr(Rerank, name))

    assert hints["provider"] == ProviderPreferences | Mapping[str, Any] | Unset | None
    assert hints["user"] == str | None
    assert hints.keys() == {*inspect.signature(getattr(Rerank, name)).parameters, "return"} - {
        "self"
    }


def test_mocks_know_the_arguments() -> None:
    """A mock with the class's own signatures takes what the class takes, and no more."""
    mock = create_autospec(Rerank, instance=True)
    mock.rerank(documents=["a"], model="m", query="q", user="u", timeout_ms=1)

    with pytest.raises(TypeError, match="unexpected keyword argument 'topn'"):
        mock.rerank(documents=["a"], model="m", query="q", topn=1)


def test_raw_reply_parses_when_asked() -> None:
    """A reply of the wrong shape can be looked at, and is refused by parse."""
    with FakeOpenRouter(answer(body={"results": [{"index": "0"}], "model": "m"})) as client:
        raw = client.rerank.with_raw_response.rerank(documents=["a"], model="m", query="q")

        with pytest.raises(errors.ResponseValidationError) as caught:
            raw.parse()

    assert "results[0].index: expected integer, got str" in str(caught.value)


@pytest.mark.parametrize("accept", [None, "application/json"])
def test_json_is_all_that_can_be_accepted(accept: str | None) -> None:
    """The official SDK's argument is taken where it asks for JSON."""
    with FakeOpenRouter() as client:
        client.rerank.rerank(documents=["a"], model="m", query="q", accept_header_override=accept)

    assert client.requests[0].headers["Accept"] == "application/json"


def test_event_streams_are_refused() -> None:
    """Asking for a stream is a clear error, since rerank never streams."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match="rerank never streams"):
        client.rerank.rerank(
            documents=["a"], model="m", query="q", accept_header_override="text/event-stream"
        )

    assert client.requests == []


@pytest.mark.parametrize(("given", "sent"), [(None, "client's"), ("", None), ("call's", "call's")])
def test_attribution_of_a_call(given: str | None, sent: str | None) -> None:
    """None inherits the client's attribution, "" sends none, a value replaces it."""
    with FakeOpenRouter(http_referer="client's") as client:
        client.rerank.rerank(documents=["a"], model="m", query="q", http_referer=given)

    assert client.requests[0].headers.get("HTTP-Referer") == sent


def test_options_of_a_call_win() -> None:
    """A call's retries, server, timeout and deadline replace the client's, for that call alone."""
    with FakeOpenRouter(503, 200) as client:
        with pytest.raises(errors.ServiceUnavailableResponseError):
            client.rerank.rerank(
                documents=["a"],
                model="m",
                query="q",
                retries=RetryConfig("none"),
                server_url="http://other.example/v2",
                timeout=httpx.Timeout(9, connect=3),
                deadline_ms=None,
            )
        client.rerank.rerank(documents=["a"], model="m", query="q", timeout_ms=2500)

    first, second = client.requests
    assert str(first.url) == "http://other.example/v2/rerank"
    assert str(second.url) == "https://openrouter.ai/api/v1/rerank"


def test_server_url_may_hold_names() -> None:
    """The parts of a server's URL that are named are filled in, quoted."""
    with FakeOpenRouter(
        server_url="https://{region}.example.com/{version}",
        url_params={"region": "eu", "version": "v 1"},
    ) as client:
        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert str(client.requests[0].url) == "https://eu.example.com/v%201/rerank"


def test_server_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract's server has the official SDK's name, and goes before the environment."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", "https://else.example.com")
    with FakeOpenRouter(server="production") as client:
        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert client.requests[0].url.host == "openrouter.ai"


def test_unknown_server_is_refused() -> None:
    """A name that is none is refused with those that are."""
    with pytest.raises(ValueError, match="server: expected one of production"):
        FakeOpenRouter(server="staging")


UNREADABLE = {"model": "m", "results": [{"index": 9, "relevance_score": 1}]}
NULLS = {"id": None, "model": None, "results": None}
AGAIN = RetryConfig(retry_invalid_replies=True)


@pytest.mark.anyio
@pytest.mark.parametrize("reply", [UNREADABLE, NULLS])
@pytest.mark.parametrize("name", [*METHODS, "rerank_many", "rerank_many_async"])
async def test_success_that_cannot_be_read_is_sent_again_if_asked_for(
    name: str, reply: dict[str, object]
) -> None:
    """Every way in retries what even the decoder alone can find, and only with the flag."""
    async with FakeOpenRouter(answer(body=reply), answer(), retry_config=AGAIN) as client:
        await call_method(client, name)
    async with FakeOpenRouter(answer(body=reply)) as once:
        with pytest.raises(errors.OpenRouterError) as caught:
            await call_method(once, name)

    error = caught.value
    cause = error.cause if isinstance(error, errors.BatchError) else error
    assert isinstance(cause, errors.ResponseValidationError)
    assert cause.is_empty is (reply is NULLS)
    assert (len(client.requests), len(client.waits), len(once.requests)) == (2, 1, 1)


async def call_method(client: FakeOpenRouter, name: str) -> None:
    """Call a method and read what it returns to the end."""
    ask: dict[str, Any] = {"model": "m", "query": "q"}
    if name == "rerank_many":
        for outcome in client.rerank.rerank_many([RerankJob(documents=["a"], **ask)]):
            outcome.unwrap()
        return
    if name == "rerank_many_async":
        async for outcome in client.rerank.rerank_many_async([RerankJob(documents=["a"], **ask)]):
            outcome.unwrap()
        return
    arguments = {"items" if name.startswith("rank") else "documents": ["a"], **ask}
    result = attrgetter(name)(client.rerank)(**arguments)
    if inspect.isawaitable(result):
        result = await result
    if "raw" in name:
        result.parse()
