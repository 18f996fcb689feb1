"""A client's settings: arguments, the environment, and what is refused."""

from typing import Any

import httpx
import pytest
from openrouter_rerank._call.config import Settings, read_settings
from openrouter_rerank._policy.retry_config import RetryConfig
from openrouter_rerank.types import UNSET

CONTRACT_URL = "https://openrouter.ai/api/v1"
ATTRIBUTION = [
    ("http_referer", "HTTP-Referer", "OPENROUTER_HTTP_REFERER"),
    ("x_open_router_title", "X-OpenRouter-Title", "OPENROUTER_X_OPEN_ROUTER_TITLE"),
    ("x_open_router_categories", "X-OpenRouter-Categories", "OPENROUTER_X_OPEN_ROUTER_CATEGORIES"),
]

pytestmark = pytest.mark.usefixtures("clean_environment")


def read(**arguments: Any) -> Settings:
    """Read settings that are the defaults but for the given arguments."""
    defaults: dict[str, Any] = {
        "api_key": "sk-or-secret",
        "server_url": None,
        "http_referer": None,
        "x_open_router_title": None,
        "x_open_router_categories": None,
        "retry_config": UNSET,
        "timeout_ms": None,
        "timeout": None,
        "deadline_ms": 180_000,
        "max_response_bytes": 64,
    }
    return read_settings(**{**defaults, **arguments})


def test_server_is_the_contracts() -> None:
    """Without an argument or the environment's variable the contract names the server."""
    assert read().target.server_url == httpx.URL(CONTRACT_URL)


@pytest.mark.parametrize("server_url", [None, ""])
def test_environment_names_the_server(
    server_url: str | None, clean_environment: pytest.MonkeyPatch
) -> None:
    """The environment's server, with its path, stands in for no argument."""
    clean_environment.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:8787/api/v1/")

    assert str(read(server_url=server_url).target.server_url) == "http://127.0.0.1:8787/api/v1"


def test_argument_names_the_server(clean_environment: pytest.MonkeyPatch) -> None:
    """The argument wins over the environment; the space and the slash around it do not count."""
    clean_environment.setenv("OPENROUTER_BASE_URL", "http://other")

    assert str(read(server_url=" http://h:1/api// ").target.server_url) == "http://h:1/api"


def test_empty_variable_is_none(clean_environment: pytest.MonkeyPatch) -> None:
    """A variable that is set to nothing names no server."""
    clean_environment.setenv("OPENROUTER_BASE_URL", "")

    assert read().target.server_url == httpx.URL(CONTRACT_URL)


@pytest.mark.parametrize(
    ("server_url", "kind"),
    [
        ("h", ValueError),
        ("ftp://h", ValueError),
        ("https://", ValueError),
        ("https://h:port", ValueError),
        ("https://h\x00", ValueError),
        (" ", ValueError),
        ("https://user:sk-or-secret@h", ValueError),
        ("https://h?a=sk-or-secret", ValueError),
        ("https://h#sk-or-secret", ValueError),
        (5, TypeError),
        (httpx.URL("https://h"), TypeError),
    ],
)
def test_wrong_server_is_refused(server_url: object, kind: type[Exception]) -> None:
    """A server is an http or https URL without user, query or fragment; none is repeated."""
    with pytest.raises(kind, match=r"^server_url: ") as caught:
        read(server_url=server_url)

    assert "sk-or-secret" not in str(caught.value)


def test_wrong_server_of_the_environment_is_blamed_on_it(
    clean_environment: pytest.MonkeyPatch,
) -> None:
    """The message names the variable that is wrong."""
    clean_environment.setenv("OPENROUTER_BASE_URL", "h")

    with pytest.raises(ValueError, match=r"^OPENROUTER_BASE_URL: expected a URL such as"):
        read()


@pytest.mark.parametrize(
    ("url_params", "filled"),
    [
        ({"host": "h", "path": "a b/c"}, "https://h/a%20b%2Fc"),
        ({"host": "h", "path": "x", "unused": "y"}, "https://h/x"),
    ],
)
def test_names_in_the_server_are_filled_in(url_params: dict[str, str], filled: str) -> None:
    """Each name in braces gets its value, encoded so that it stays one part of the URL."""
    settings = read(server_url="https://{host}/{path}", url_params=url_params)

    assert str(settings.target.server_url) == filled


def test_url_params_without_a_server_fill_nothing() -> None:
    """There is nothing to fill in the contract's server."""
    assert read(url_params={"a": "b"}).target.server_url == httpx.URL(CONTRACT_URL)


def test_wrong_url_param_is_refused() -> None:
    """A value that is not text is named."""
    with pytest.raises(TypeError, match=r"^url_params\['a'\]: expected str, got int$"):
        read(server_url="https://{a}", url_params={"a": 5})


def test_server_by_name(clean_environment: pytest.MonkeyPatch) -> None:
    """A named server wins over the environment, and a URL over both; unknown names are refused."""
    clean_environment.setenv("OPENROUTER_BASE_URL", "http://other")

    assert read(server="production").target.server_url == httpx.URL(CONTRACT_URL)
    assert str(read(server="production", server_url="http://h").target.server_url) == "http://h"
    with pytest.raises(ValueError, match=r"^server: expected one of production, got 'eu'$"):
        read(server="eu")


@pytest.mark.parametrize(("argument", "header", "variable"), ATTRIBUTION)
def test_attribution_comes_from_argument_or_environment(
    argument: str, header: str, variable: str, clean_environment: pytest.MonkeyPatch
) -> None:
    """An argument wins over its variable, None leaves it to the variable, "" sends none."""
    clean_environment.setenv(variable, "environment")

    sent = [read(**{argument: value}).target.attribution_headers for value in ("mine", None, "")]

    assert sent == [{header: "mine"}, {header: "environment"}, {}]


@pytest.mark.parametrize(("argument", "header", "variable"), ATTRIBUTION)
@pytest.mark.parametrize(("value", "kind"), [("a\r\nb", ValueError), (5, TypeError)])
def test_wrong_attribution_is_refused(
    argument: str, header: str, variable: str, value: object, kind: type[Exception]
) -> None:
    """Attribution that no header may hold is refused by its argument's name."""
    with pytest.raises(kind, match=f"^{argument}: "):
        read(**{argument: value})


@pytest.mark.parametrize("retry_config", [None, UNSET])
def test_no_policy_is_the_default_policy(retry_config: object) -> None:
    """None and UNSET stand for the defaults."""
    assert read(retry_config=retry_config).retry_config == RetryConfig()


def test_policy_is_taken_as_given() -> None:
    """A policy of the caller's is the one that counts."""
    policy = RetryConfig("none")

    assert read(retry_config=policy).retry_config is policy


@pytest.mark.parametrize(
    ("arguments", "timeout"),
    [
        ({}, None),
        ({"timeout_ms": 1500}, httpx.Timeout(1.5)),
        ({"timeout": 1.5}, httpx.Timeout(1.5)),
        ({"timeout": 2}, httpx.Timeout(2)),
        ({"timeout": httpx.Timeout(None, read=3)}, httpx.Timeout(None, read=3)),
    ],
)
def test_timeouts_are_set_either_way(
    arguments: dict[str, Any], timeout: httpx.Timeout | None
) -> None:
    """Milliseconds, seconds and httpx's own object are taken; without any, None."""
    assert read(**arguments).timeout == timeout


@pytest.mark.parametrize(("deadline_ms", "deadline"), [(None, None), (500, 0.5), (180_000, 180)])
def test_deadline_is_kept_in_seconds(deadline_ms: float | None, deadline: float | None) -> None:
    """Milliseconds become seconds, and None stays no deadline."""
    assert read(deadline_ms=deadline_ms).deadline == deadline


@pytest.mark.parametrize("name", ["timeout_ms", "timeout", "deadline_ms"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, ValueError),
        (-1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (10**400, ValueError),
        (True, TypeError),
        ("5", TypeError),
    ],
)
def test_wrong_time_is_refused(name: str, value: object, kind: type[Exception]) -> None:
    """A time is a finite number above 0."""
    with pytest.raises(kind, match=f"^{name}: "):
        read(**{name: value})


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"timeout_ms": 1, "timeout": 1}, ValueError, "^timeout_ms: cannot be combined with"),
        ({"retry_config": {}}, TypeError, "^retry_config: expected RetryConfig, got dict"),
        ({"max_response_bytes": 0}, ValueError, "^max_response_bytes: must be at least 1"),
        ({"max_response_bytes": 1.5}, TypeError, "^max_response_bytes: expected int, got float"),
        ({"server_url": "http://h:99999/v1"}, ValueError, "^server_url: port 99999 is above"),
        ({"server_url": "http://h/v1?"}, ValueError, "^server_url: takes no user, query"),
        ({"api_key": "sk or"}, ValueError, "^api_key: holds"),
        ({"api_key": 5}, TypeError, "^api_key: expected str, got int"),
    ],
)
def test_wrong_setting_is_refused(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """Each setting is checked when the client is made; the message names it."""
    with pytest.raises(kind, match=message):
        read(**arguments)


def test_repr_hides_the_key() -> None:
    """The settings do not show the key."""
    assert "sk-or-secret" not in repr(read())


@pytest.mark.parametrize("models", [["local"], ["a/b", "local"]])
def test_local_model_of_the_command_is_no_slug(models: list[str]) -> None:
    """What --fallback-model takes is refused in Python with what to give instead."""
    with pytest.raises(ValueError, match=r"fallback_models\[\d\]: 'local' is no.*local\.LOCAL or"):
        read(fallback_models=models)


def test_slug_of_the_embedded_server_can_be_fallen_back_to() -> None:
    """`local/minilm` is a slug for a server that `openrouter-rerank serve` runs."""
    assert read(fallback_models=["local/minilm"]).fallback_models == ("local/minilm",)
