"""The API key: its sources, its form, and the one origin that gets it."""

import traceback
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest
from openrouter_rerank import HooksTransport, OpenRouter
from openrouter_rerank._network.auth import BearerAuth, clean_key, read_origin, redact_headers
from openrouter_rerank.testing import FakeOpenRouter

SECRET = "sk-or-secret"

pytestmark = pytest.mark.usefixtures("clean_environment")


def make_request() -> httpx.Request:
    """Make a request without a key."""
    return httpx.Request("POST", "https://openrouter.ai/api/v1/rerank")


async def fetch_key() -> str:
    """Stand for a key that has to be fetched."""
    return SECRET


class Ready:
    """Something to await that is no coroutine."""

    def __await__(self) -> Generator[None, None, str]:
        """Give the key without waiting."""
        yield from ()
        return SECRET


@pytest.mark.parametrize("api_key", [SECRET, lambda: SECRET, f" \t{SECRET}\r\n"])
def test_key_is_sent_as_bearer_token(api_key: Any) -> None:
    """A key and a function that returns one give the same header, white space around it aside."""
    request = make_request()

    BearerAuth(api_key).apply(request)

    assert request.headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.anyio
@pytest.mark.parametrize("api_key", [SECRET, lambda: SECRET, fetch_key])
async def test_async_call_takes_every_source(api_key: Any) -> None:
    """An async call takes a key, a function and a coroutine function."""
    request = make_request()

    await BearerAuth(api_key).apply_async(request)

    assert request.headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("api_key", [None, "", "  ", lambda: None, lambda: ""])
def test_environment_stands_in_for_no_key(
    api_key: Any, clean_environment: pytest.MonkeyPatch
) -> None:
    """None and "" fall back to the environment, from a function too."""
    clean_environment.setenv("OPENROUTER_API_KEY", f"{SECRET}\n")
    request = make_request()

    BearerAuth(api_key).apply(request)

    assert request.headers["Authorization"] == f"Bearer {SECRET}"


def test_argument_wins_over_environment(clean_environment: pytest.MonkeyPatch) -> None:
    """The environment is asked only when there is no key."""
    clean_environment.setenv("OPENROUTER_API_KEY", "sk-or-other")
    request = make_request()

    BearerAuth(SECRET).apply(request)

    assert request.headers["Authorization"] == f"Bearer {SECRET}"


def test_no_key_sends_no_header() -> None:
    """With neither a key nor the environment's, the request stays as it is."""
    request = make_request()

    BearerAuth(None).apply(request)

    assert "Authorization" not in request.headers


def test_key_is_read_anew_for_each_request(clean_environment: pytest.MonkeyPatch) -> None:
    """A function is asked for every request, so that it can rotate the key."""
    keys = iter(["sk-or-1", "sk-or-2"])
    auth = BearerAuth(lambda: next(keys))
    first, second = make_request(), make_request()

    auth.apply(first)
    auth.apply(second)

    sent = [request.headers["Authorization"] for request in (first, second)]
    assert sent == ["Bearer sk-or-1", "Bearer sk-or-2"]


@pytest.mark.parametrize("source", [fetch_key, Ready])
def test_sync_call_refuses_async_source(source: Any) -> None:
    """A sync call cannot await the key, and says so; no coroutine is left behind."""
    auth = BearerAuth(source)

    with pytest.raises(TypeError, match="api_key: an async function needs an async call"):
        auth.apply(make_request())


@pytest.mark.parametrize("key", ["sk or", "sk\nor", "sk\x00or", "sk\x7for", "skör", "sk\u2028or"])
def test_key_that_no_header_may_hold_is_refused(key: str) -> None:
    """Inner white space, control and non-ASCII characters are refused, and not repeated."""
    with pytest.raises(ValueError, match=r"^api_key: holds white space") as caught:
        BearerAuth(key)

    assert key not in str(caught.value)


@pytest.mark.parametrize("key", [5, b"sk-or-secret", True])
def test_key_that_is_not_text_is_refused(key: Any) -> None:
    """A key of the wrong type is named by its type alone."""
    with pytest.raises(TypeError, match=rf"^api_key: expected str, got {type(key).__name__}$"):
        BearerAuth(key)


BAD_KEY = "sk-or-bad key"


def show_our_frames(error: BaseException) -> str:
    """Return what a tool shows that prints the variables of the package's frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return repr([frame.locals for frame in shown.stack if "openrouter_rerank" in frame.filename])


def make_with_wrong_client(key: Any) -> OpenRouter:
    """Have another argument refused."""
    wrong: Any = object()
    return OpenRouter(key, client=wrong)


@pytest.mark.parametrize("key", [BAD_KEY, BAD_KEY.encode()])
@pytest.mark.parametrize("make", [OpenRouter, HooksTransport, make_with_wrong_client])
def test_refused_key_is_in_no_frame(make: Callable[[Any], object], key: Any) -> None:
    """The error of a refused key keeps no frame of the package that holds it."""
    with pytest.raises((TypeError, ValueError)) as refused:
        make(key)

    assert len(refused.traceback) > 2
    assert BAD_KEY not in show_our_frames(refused.value)


@pytest.mark.anyio
@pytest.mark.parametrize("key", [BAD_KEY, BAD_KEY.encode()])
async def test_refused_key_of_a_function_is_in_no_frame(key: Any) -> None:
    """The error of a function's refused key keeps no frame of the package that holds it."""

    async def read_key() -> Any:
        return key

    def call_sync() -> None:
        with FakeOpenRouter(api_key=lambda: key) as client:
            client.rerank.rerank(documents=["a"], model="m", query="q")

    async def call_async() -> None:
        async with FakeOpenRouter(api_key=read_key) as client:
            await client.rerank.rerank_async(documents=["a"], model="m", query="q")

    with pytest.raises((TypeError, ValueError)) as sync_error:
        call_sync()
    with pytest.raises((TypeError, ValueError)) as async_error:
        await call_async()

    assert BAD_KEY not in show_our_frames(sync_error.value)
    assert BAD_KEY not in show_our_frames(async_error.value)


def test_function_with_wrong_key_is_refused() -> None:
    """What a function returns is checked as an argument is."""
    with pytest.raises(ValueError, match=r"^api_key: holds"):
        BearerAuth(lambda: "sk or").apply(make_request())


def test_wrong_environment_key_names_the_variable(clean_environment: pytest.MonkeyPatch) -> None:
    """A key that the environment has wrong is blamed on the environment."""
    clean_environment.setenv("OPENROUTER_API_KEY", "sk or")

    with pytest.raises(ValueError, match=r"^OPENROUTER_API_KEY: holds"):
        BearerAuth(None).apply(make_request())


def test_all_visible_ascii_makes_a_key() -> None:
    """Every visible character of ASCII may stand in a key, "!" and "~" among them."""
    visible = "".join(map(chr, range(0x21, 0x7F)))

    assert clean_key(visible) == visible


def test_repr_hides_the_key() -> None:
    """Neither the source nor its attributes show the key."""
    auth = BearerAuth(SECRET)

    assert SECRET not in repr(auth) + repr(vars(auth))


@pytest.mark.parametrize(
    ("url", "origin", "same"),
    [
        ("https://h/other", "https://h/api/v1", True),
        ("https://h:443", "https://h", True),
        ("http://h:80", "http://h", True),
        ("https://H", "https://h", True),
        ("http://h:8080/a", "http://h:8080/b", True),
        ("http://h", "https://h", False),
        ("http://h:443", "https://h:443", False),
        ("https://h:444", "https://h", False),
        ("https://h.example", "https://h", False),
        ("https://sub.h", "https://h", False),
        ("ftp://h", "https://h", False),
    ],
)
def test_origin_is_scheme_host_and_port(url: str, origin: str, same: bool) -> None:
    """Two URLs share an origin when scheme, host and port, the default filled in, are equal."""
    assert (read_origin(httpx.URL(url)) == read_origin(httpx.URL(origin))) is same


@pytest.mark.anyio
async def test_key_in_clear_text_is_warned_of_once(
    anyio_backend_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each origin is told once, whoever sends and how often; the key is not in it."""
    name, address = f"{anyio_backend_name}.test", f"192.0.2.{len(anyio_backend_name)}"
    urls = [f"http://{host}" for host in (f"{name}/a", f"{name}/b", f"{name}:81", address)]

    for url in urls * 2:
        BearerAuth("secret-key").apply(httpx.Request("POST", url))
        await BearerAuth("secret-key").apply_async(httpx.Request("POST", url))

    assert [record.getMessage() for record in caplog.records] == [
        f"the API key goes to {origin}, in clear text: use https"
        for origin in (f"{name}, port 80", f"{name}, port 81", f"{address}, port 80")
    ]
    assert {(record.name, record.levelname) for record in caplog.records} == {
        ("openrouter_rerank", "WARNING")
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://clear.example",
        "http://localhost:1234",
        "http://api.localhost",
        "http://127.9.9.9",
        "http://[::1]:8000",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_key_that_stays_on_this_machine_is_not_warned_of(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither https nor the loopback interface shows a key to others."""
    BearerAuth("secret-key").apply(httpx.Request("POST", url))

    assert caplog.records == []


def test_request_without_a_key_is_not_warned_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no key goes, there is nothing to say."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)

    BearerAuth(None).apply(httpx.Request("POST", "http://keyless.test"))

    assert caplog.records == []


@pytest.mark.parametrize(("key", "shown"), [(SECRET, "Bearer [redacted]!"), ("Bearer", None)])
def test_key_is_taken_out_of_headers(key: str, shown: str | None) -> None:
    """A header that quotes the key loses it; one as short as a word may stay."""
    headers = httpx.Headers([("X-A", "b"), ("X-Echo", f"Bearer {SECRET}!"), ("X-A", "c")])

    redacted = redact_headers(headers, key.encode())

    assert redacted["X-Echo"] == (shown or headers["X-Echo"])
    assert redacted.get_list("X-A") == ["b", "c"]
