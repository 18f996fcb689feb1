"""A document set in parts: what is sent, how the replies merge, and how it fails."""

import contextvars
import inspect
import json
import pickle
import threading
import traceback
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrouter_rerank import OpenRouter, RetryConfig, errors
from openrouter_rerank._call.arguments import RerankOptions
from openrouter_rerank._rerank import Rerank
from openrouter_rerank.operations import CreateRerankResponseBody, CreateRerankUsage
from openrouter_rerank.testing import FakeOpenRouter, Step, answer, rank
from openrouter_rerank.types import UNSET

ASK: dict[str, Any] = {"model": "m", "query": "q"}
SECRET = "sk-or-batched"
PLACES = ("client", "call")
Half = Callable[..., CreateRerankResponseBody]


def run_sync(client: OpenRouter, **arguments: Any) -> CreateRerankResponseBody:
    """Make the sync call."""
    return client.rerank.rerank_batched(**{**ASK, **arguments})


def run_async(backend: str, client: OpenRouter, **arguments: Any) -> CreateRerankResponseBody:
    """Make the async call on an event loop of its own."""

    async def call() -> CreateRerankResponseBody:
        return await client.rerank.rerank_batched_async(**{**ASK, **arguments})

    return anyio.run(call, backend=backend)


HALVES: list[Half] = [run_sync, partial(run_async, "asyncio"), partial(run_async, "trio")]
every_half = pytest.mark.parametrize("half", HALVES, ids=["sync", "asyncio", "trio"])


def score(text: str) -> float:
    """Score a text by itself, with many ties."""
    return len(text) / 8


def rank_by_text(request: httpx.Request) -> httpx.Response:
    """Answer as a model that scores each document by itself."""
    body = json.loads(request.content)
    reply = rank(body, [score(text) for text in body["documents"]])
    return httpx.Response(200, json={**reply, "usage": {"cost": 0.25, "search_units": 1}})


def refuse(word: str, status: int = 402) -> Step:
    """Answer with an error when the documents contain a word, else rank."""

    def act(request: httpx.Request) -> httpx.Response:
        refused = word in json.loads(request.content)["documents"]
        return answer(status).build(request) if refused else rank_by_text(request)

    return act


def number_texts(count: int) -> list[str]:
    """Make different texts of which later ones score higher."""
    return ["x" * number for number in range(1, count + 1)]


def list_sent(client: FakeOpenRouter) -> list[list[str]]:
    """Return the parts that were sent, in the order of the documents."""
    return sorted((body["documents"] for body in client.bodies), key=lambda part: len(part[0]))


@settings(max_examples=100)
@given(
    texts=st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=30),
    batch_size=st.integers(1, 12),
    top_n=st.none() | st.integers(1, 40),
    max_concurrency=st.integers(1, 5),
    half=st.sampled_from(HALVES[:2]),
)
def test_parts_rank_as_the_whole(
    texts: list[str], batch_size: int, top_n: int | None, max_concurrency: int, half: Half
) -> None:
    """However it is cut, the outcome is the sorted whole, with the caller's positions."""
    parts = -(-len(texts) // batch_size)
    with FakeOpenRouter(*[rank_by_text] * parts) as client:
        res = half(
            client,
            documents=iter(texts),
            batch_size=batch_size,
            top_n=top_n,
            max_concurrency=max_concurrency,
        )

    best = sorted(range(len(texts)), key=lambda index: (-score(texts[index]), index))[:top_n]
    assert [(each.index, each.document.text, each.relevance_score) for each in res.results] == [
        (index, texts[index], score(texts[index])) for index in best
    ]
    assert isinstance(res.usage, CreateRerankUsage)
    assert (res.usage.cost, res.usage.search_units) == (parts / 4, parts)
    assert len(client.requests) == parts


@every_half
def test_requests_hold_the_parts(half: Half) -> None:
    """Each part is a request with its documents and no more `top_n` than it has documents."""
    with FakeOpenRouter() as client:
        half(client, documents=number_texts(5), batch_size=2, top_n=2)

    assert list_sent(client) == [["x", "xx"], ["xxx", "xxxx"], ["xxxxx"]]
    assert sorted(body["top_n"] for body in client.bodies) == [1, 2, 2]


@pytest.mark.parametrize("twin", [Rerank.rerank_batched, Rerank.rerank_batched_async])
def test_no_argument_is_missing(twin: Callable[..., object]) -> None:
    """Every argument of `rerank` is taken, with two more and no other."""
    (*own, options) = list(inspect.signature(twin).parameters.values())
    expected = inspect.signature(Rerank.rerank).parameters

    assert options.kind is inspect.Parameter.VAR_KEYWORD
    names = {each.name for each in own} | RerankOptions.__annotations__.keys()
    assert names == {*expected, "batch_size", "max_concurrency"}
    shared = [each for each in own if each.name in expected and each.name != "documents"]
    assert shared == [expected[each.name] for each in shared]


@every_half
def test_every_argument_is_handed_on(half: Half) -> None:
    """Each request says what `rerank` would say with the same arguments."""
    given: dict[str, Any] = {
        **ASK,
        "documents": ["a", "b"],
        "http_referer": "https://app.example",
        "x_open_router_title": "title",
        "x_open_router_categories": "category",
        "provider": {"sort": "price"},
        "session_id": "session",
        "top_n": 1,
        "trace": {"trace_name": "trace"},
        "user": "user",
        "retries": RetryConfig("none"),
        "server_url": "http://other.example/v2",
        "accept_header_override": "application/json",
        "timeout_ms": None,
        "http_headers": {"X-A": "b"},
        "timeout": httpx.Timeout(9, connect=3),
        "deadline_ms": 5000,
        "extra_body": {"new": True},
    }
    with FakeOpenRouter() as client:
        client.rerank.rerank(**given)
        half(client, **given, batch_size=2)
        half(client, **{**given, "documents": ["a", "b"] * 2}, batch_size=2)

    expected, *requests = client.requests
    assert given.keys() == inspect.signature(Rerank.rerank).parameters.keys() - {"self"}
    assert len(requests) == 3
    for request in requests:
        assert request.url == expected.url
        assert request.headers == expected.headers
        assert json.loads(request.content) == json.loads(expected.content)


@every_half
def test_single_part_is_the_reply(half: Half) -> None:
    """Of one part the reply comes back as it came, in its order and with unknown fields."""
    reply = {
        "id": "gen-1",
        "model": "m",
        "provider": "p",
        "odd": 1,
        "usage": {"total_tokens": 5, "strange": 2},
        "results": [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.5}],
    }
    with FakeOpenRouter(answer(body=reply), answer(body=reply)) as client:
        expected = client.rerank.rerank(documents=["a", "b"], **ASK)
        res = half(client, documents=["a", "b"])

    assert res == expected
    assert res.to_dict() == expected.to_dict()


def merge(*fields: Mapping[str, object]) -> CreateRerankResponseBody:
    """Merge the replies to parts of one document each, one after the other."""
    replies = [
        {"model": "m", "results": [{"index": 0, "relevance_score": 0.5}], **each} for each in fields
    ]
    with FakeOpenRouter(*(answer(body=reply) for reply in replies)) as client:
        return run_sync(client, documents=["a"] * len(fields), batch_size=1, max_concurrency=1)


def test_usage_is_summed() -> None:
    """Each count is the sum over the parts that have it, and absent if none has."""
    usages: list[dict[str, object]] = [{"cost": 0.1}, {"cost": 0.2, "total_tokens": 3}, {}]

    res = merge(*({"usage": usage} for usage in [*usages, None]))

    assert res.usage == CreateRerankUsage(cost=0.1 + 0.2, total_tokens=3)


@pytest.mark.parametrize("fields", [{}, {"usage": None}])
def test_no_usage_is_none(fields: Mapping[str, object]) -> None:
    """When no part says what it used, neither does the whole."""
    assert merge(fields, fields).usage is UNSET


def test_fields_of_several_replies() -> None:
    """The id is the first part's, and what the parts do not agree on is absent."""
    first = {"id": "gen-1", "provider": "p", "same": [1], "other": 1, "once": None}
    second = {"id": "gen-2", "provider": "r", "same": [1], "other": 2}

    res = merge(first, second, first)

    assert (res.id, res.model, res.provider) == ("gen-1", "m", UNSET)
    assert dict(res.additional_properties) == {"same": [1]}
    assert merge(first, {**second, "provider": "p"}).provider == "p"


@every_half
@pytest.mark.parametrize("documents", [[], iter(()), "one text", {"text": "one"}, 5])
@pytest.mark.parametrize("model", ["m", 5])
def test_wrong_documents_are_reranks_error(half: Half, documents: Any, model: Any) -> None:
    """No documents, and what is not several, are refused as by `rerank`, and nothing is sent."""
    with FakeOpenRouter() as client:
        with pytest.raises((TypeError, ValueError)) as expected:
            client.rerank.rerank(documents=documents, model=model, query="q")
        with pytest.raises((TypeError, ValueError)) as caught:
            half(client, documents=documents, model=model)

    assert (caught.type, str(caught.value)) == (expected.type, str(expected.value))
    assert client.requests == []


@every_half
@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size: must be at least 1"),
        ({"batch_size": 1.5}, TypeError, "batch_size: expected int"),
        ({"max_concurrency": 0}, ValueError, "max_concurrency: must be at least 1"),
        ({"top_n": True}, TypeError, "top_n: expected int"),
        ({"session_id": 5}, TypeError, "session_id: expected str"),
        ({"timeout_ms": -1}, ValueError, "timeout_ms: must be above 0"),
        ({"http_headers": {"Authorization": "x"}}, ValueError, "set by the client alone"),
        ({"top_k": 3}, TypeError, "top_k"),
        ({"documents": ["a", 5]}, TypeError, r"documents\[1\]: expected str"),
        ({"documents": ["a", {"text": " "}]}, ValueError, r"documents\[1\]: is blank"),
    ],
)
def test_wrong_argument_sends_nothing(
    half: Half, arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """A wrong argument is the plain error that names it."""
    with FakeOpenRouter() as client, pytest.raises(kind, match=message) as caught:
        half(client, **{"documents": ["a"] * 4, "batch_size": 2, **arguments})

    assert not isinstance(caught.value, errors.OpenRouterError)
    assert client.requests == []


@every_half
def test_failed_part_is_named(half: Half) -> None:
    """The error names the part and its documents, says what its cause says, keeps what is done."""
    script = [refuse("x" * 7)] * 3
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=number_texts(9), batch_size=3, max_concurrency=1)

    error = caught.value
    assert str(error) == "part 2 (documents 6 to 8): 402: scripted error"
    assert (error.part, error.positions, error.status_code) == (2, range(6, 9), 402)
    assert isinstance(error.cause, errors.PaymentRequiredResponseError)
    assert error.__cause__ is error.cause
    assert error.attempts == error.cause.attempts == 1
    assert error.raw_response is error.cause.raw_response
    assert list(error.responses) == [0, 1]
    assert [each.index for each in error.responses[1].results] == [5, 4, 3]


def test_failed_part_leaves_the_best_of_the_others() -> None:
    """With `top_n`, what could not be among the best is no longer in the parts' replies."""
    script = [refuse("xxxxx")] * 3
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError) as caught:
        run_sync(client, documents=number_texts(6), batch_size=2, max_concurrency=1, top_n=2)

    kept = {
        part: [each.index for each in response.results]
        for part, response in caught.value.responses.items()
    }
    assert kept == {0: [], 1: [3, 2]}


@every_half
def test_failure_ends_the_sending(half: Half) -> None:
    """After a failed part no further one is sent, and the documents are not read to their end."""
    documents = iter(number_texts(20))
    script: list[Step] = [rank_by_text, 402]
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError):
        half(client, documents=documents, batch_size=2, max_concurrency=1)

    assert len(client.requests) == 2
    # The part that was read ahead is gone.
    assert len(list(documents)) == 14


class LateTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the part that holds "x" last, when another one has been refused."""

    def __init__(self, status: int) -> None:
        """Take the status of the late answer."""
        self.late = answer(status)
        self.has_refused = threading.Event()
        self.has_refused_async = anyio.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a part."""
        if json.loads(request.content)["documents"] == ["x"]:
            assert self.has_refused.wait(10)
            return self.late.build(request)
        self.has_refused.set()
        return answer(402).build(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a part."""
        if json.loads(request.content)["documents"] == ["x"]:
            with anyio.fail_after(10):
                await self.has_refused_async.wait()
        self.has_refused_async.set()
        return self.handle_request(request)


@every_half
@pytest.mark.parametrize(("status", "part", "done"), [(200, 1, [0]), (401, 0, [])])
def test_failure_waits_for_what_is_under_way(
    half: Half, status: int, part: int, done: list[int]
) -> None:
    """A part under way when another fails ends by itself; of two failures the first is named."""
    transport = LateTransport(status)
    client = OpenRouter(SECRET, transport=transport, async_transport=transport)
    with client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=number_texts(2), batch_size=1)

    assert (caught.value.part, list(caught.value.responses)) == (part, done)


@every_half
@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (5, TypeError, "documents[5]: expected str, mapping or DocumentRequest, got int"),
        (" ", ValueError, "documents[5]: is blank"),
    ],
)
def test_wrong_document_of_a_later_part(
    half: Half, wrong: Any, kind: type[Exception], message: str
) -> None:
    """A wrong document is named by the caller's position, and what was sent before is kept."""
    documents: list[Any] = [*number_texts(5), wrong]
    script = [rank_by_text] * 2
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=documents, batch_size=2)

    assert (type(caught.value.cause), str(caught.value.cause)) == (kind, message)
    assert (caught.value.part, caught.value.positions) == (2, range(4, 6))
    assert caught.value.status_code is None
    assert list(caught.value.responses) == [0, 1]


def break_off(count: int) -> Iterator[str]:
    """Give some documents, then break."""
    yield from number_texts(count)
    raise LookupError("the rest is lost")


@every_half
def test_documents_that_break_off(half: Half) -> None:
    """What the iterable raises is the cause of the error, or passes if nothing was sent."""
    with FakeOpenRouter() as client:
        with pytest.raises(errors.BatchError, match="the rest is lost") as caught:
            half(client, documents=break_off(5), batch_size=2)
        with pytest.raises(LookupError):
            half(client, documents=break_off(1), batch_size=2)

    assert isinstance(caught.value.cause, LookupError)
    assert (caught.value.part, caught.value.positions) == (2, range(4, 5))
    assert list(caught.value.responses) == [0, 1]
    assert len(client.requests) == 2


@every_half
def test_part_without_documents_has_no_positions(half: Half) -> None:
    """An iterable that breaks between two parts leaves no document to be named."""
    with FakeOpenRouter() as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=break_off(2), batch_size=2)

    assert str(caught.value) == "part 1 (no document was read): LookupError('the rest is lost')"
    assert caught.value.positions == range(2, 2)


@every_half
def test_hook_that_raises(half: Half) -> None:
    """What a hook raises is the cause as well, and passes as it is if no part succeeded."""
    for last, kind in ((2, errors.BatchError), (1, LookupError)):
        with FakeOpenRouter() as client:

            def refuse_last(request: httpx.Request, last: int = last) -> None:
                if "x" * last in json.loads(request.content)["documents"]:
                    raise LookupError("hooked")

            client.hooks.before_request(refuse_last)
            with pytest.raises(kind, match="hooked"):
                half(client, documents=number_texts(last), batch_size=1)


def test_exit_in_a_thread_is_raised() -> None:
    """What is not to be caught leaves a thread, too."""
    with FakeOpenRouter() as client:

        def leave(_request: httpx.Request) -> None:
            raise SystemExit(3)

        client.hooks.before_request(leave)
        with pytest.raises(SystemExit):
            run_sync(client, documents=number_texts(4), batch_size=1)


@every_half
def test_retries_are_each_parts(half: Half) -> None:
    """Every part is tried again by the policy."""
    with FakeOpenRouter(503, 200, 503, 200) as client:
        half(client, documents=["a", "b"], batch_size=1, max_concurrency=1)

    assert (len(client.requests), len(client.waits)) == (4, 2)


@every_half
@pytest.mark.parametrize("where", PLACES)
def test_deadline_is_for_the_whole(half: Half, where: str) -> None:
    """What an earlier part took is gone for the later ones, and a late part is not begun."""
    on_client, on_call = ({"deadline_ms": 5000} if where == each else {} for each in PLACES)
    script: list[Step] = [answer(429, retry_after=3), 200, answer(429, retry_after=3)]
    with FakeOpenRouter(*script, **on_client) as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=["a", "b"], batch_size=1, max_concurrency=1, **on_call)

    # Two seconds are left to the second part: the wait of three is not begun.
    assert (caught.value.part, caught.value.status_code) == (1, 429)
    assert client.waits == [3]


@every_half
def test_part_after_the_deadline_is_not_sent(half: Half) -> None:
    """Time that passes while the documents are read counts, and ends the call."""
    with FakeOpenRouter() as client:

        def read() -> Iterator[str]:
            yield "a"
            client.waits.append(9)
            yield "b"

        with pytest.raises(errors.BatchError) as caught:
            half(client, documents=read(), batch_size=1, max_concurrency=1, deadline_ms=5000)

    assert isinstance(caught.value.cause, errors.DeadlineExceededError)
    assert str(caught.value.cause) == "not begun within the deadline of 5 s"
    assert len(client.requests) < 2


@every_half
def test_no_deadline_is_none(half: Half) -> None:
    """None lifts the client's limit for the whole."""
    with FakeOpenRouter(answer(429, retry_after=50), 200, 200, deadline_ms=1000) as client:
        half(client, documents=["a", "b"], batch_size=1, max_concurrency=1, deadline_ms=None)

    assert client.waits == [50]


class Text(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


def test_documents_are_read_one_part_ahead() -> None:
    """No more documents are read than are under way and in one part more, and none is kept."""
    alive: weakref.WeakSet[Text] = weakref.WeakSet()
    most = 0

    def read() -> Iterator[Text]:
        nonlocal most
        for number in range(400):
            text = Text(f"text {number}")
            alive.add(text)
            most = max(most, len(alive))
            yield text
            del text

    with FakeOpenRouter() as client:
        res = run_sync(client, documents=read(), batch_size=10, max_concurrency=2, top_n=5)

    assert [each.index for each in res.results] == [0, 10, 20, 30, 40]
    assert most <= 10 * (2 + 1 + 1)


@pytest.mark.anyio
async def test_async_documents() -> None:
    """An async iterable is read in parts as a plain one is."""

    async def read() -> AsyncIterator[str]:
        for text in number_texts(5):
            await anyio.lowlevel.checkpoint()
            yield text

    async with FakeOpenRouter(*[rank_by_text] * 3) as client:
        res = await client.rerank.rerank_batched_async(
            documents=read(), model="m", query="q", batch_size=2
        )

    assert [each.index for each in res.results] == [4, 3, 2, 1, 0]
    assert list_sent(client) == [["x", "xx"], ["xxx", "xxxx"], ["xxxxx"]]


@pytest.mark.anyio
async def test_async_documents_that_break_off() -> None:
    """What an async iterable raises is the cause of the error."""

    async def read() -> AsyncIterator[str]:
        for text in break_off(3):
            yield text

    async with FakeOpenRouter() as client:
        with pytest.raises(errors.BatchError) as caught:
            await client.rerank.rerank_batched_async(
                documents=read(), model="m", query="q", batch_size=2
            )

    assert isinstance(caught.value.cause, LookupError)
    assert (caught.value.part, caught.value.positions) == (1, range(2, 3))


def test_sync_call_refuses_async_documents() -> None:
    """The sync twin says that it cannot read an async iterable."""

    async def read() -> AsyncIterator[str]:
        yield "a"

    documents = read()
    with FakeOpenRouter() as client, pytest.raises(TypeError, match="expected an iterable"):
        run_sync(client, documents=cast("Iterable[str]", documents))


def test_interrupt_ends_with_its_threads() -> None:
    """Ctrl-C while the documents are read is raised once the parts under way have ended."""
    before = threading.active_count()
    is_under_way, may_end = threading.Event(), threading.Event()

    def act(request: httpx.Request) -> httpx.Response:
        is_under_way.set()
        assert may_end.wait(10)
        return rank_by_text(request)

    def read() -> Iterator[str]:
        yield "a"
        assert is_under_way.wait(10)
        may_end.set()
        raise KeyboardInterrupt

    with FakeOpenRouter(act) as client, pytest.raises(KeyboardInterrupt):
        run_sync(client, documents=read(), batch_size=1)

    assert threading.active_count() == before
    assert len(client.requests) == 1


def test_context_reaches_the_threads() -> None:
    """Hooks run in the caller's context, where tracing keeps the current span."""
    seen: list[str] = []
    name = contextvars.ContextVar("name", default="none")
    name.set("caller's")
    with FakeOpenRouter() as client:
        client.hooks.before_request(lambda _request: seen.append(name.get()))
        run_sync(client, documents=["a", "b"], batch_size=1)

    assert seen == ["caller's", "caller's"]


@pytest.mark.anyio
async def test_cancelling_ends_the_parts() -> None:
    """A call that is cancelled leaves no part under way, and no error of its own."""
    ended: list[str] = []

    async def hang(_request: httpx.Request) -> httpx.Response:
        try:
            started.set()
            await anyio.sleep_forever()
        finally:
            ended.append("ended")
        raise AssertionError("it was never to be answered")

    started = anyio.Event()
    async with OpenRouter(async_transport=httpx.MockTransport(hang)) as client:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                call = partial(client.rerank.rerank_batched_async, model="m", query="q")
                tasks.start_soon(partial(call, documents=["a", "b", "c"], batch_size=1))
                await started.wait()
                tasks.cancel_scope.cancel()

    assert 1 <= len(ended) <= 3


def test_error_survives_pickle_without_the_key() -> None:
    """The error comes back whole from a pickle, and shows the key in no form."""
    client = FakeOpenRouter(*[refuse("xx", 429)] * 2, api_key=SECRET)
    with client, pytest.raises(errors.BatchError) as caught:
        run_sync(client, documents=number_texts(2), batch_size=1, retries=RetryConfig("none"))

    pickled = pickle.dumps(caught.value)
    found = pickle.loads(pickled)  # noqa: S301 - written by the line above
    assert client.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    shown = [*traceback.format_exception(caught.value), repr(vars(caught.value)), repr(pickled)]
    assert not any(SECRET in text for text in shown)
    assert (found.part, found.positions, found.responses) == (
        caught.value.part,
        caught.value.positions,
        caught.value.responses,
    )
    assert isinstance(found.__cause__, errors.TooManyRequestsResponseError)
    assert found.__cause__ is found.cause
