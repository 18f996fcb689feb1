"""The command `serve` with OpenRouter behind it."""

from collections.abc import Iterator

import httpx
import pytest
from integration.cli.conftest import RunCommand, Serve
from integration.local.rankers import ConstantRanker
from openrouter_rerank.cli._serving.upstream import is_own_address
from openrouter_rerank.local import running

KEY = "sk-or-upstream-secret"
CONSTANT_TOKENS = 7


@pytest.fixture
def upstream() -> Iterator[str]:
    """Give the address of a server that wants a key and counts tokens in its own way."""
    with running(ConstantRanker(), api_key=KEY) as url:
        yield url


def count_tokens(url: str, model: str) -> object:
    """Have a server rank, and return how many tokens it has read."""
    body = {"model": model, "query": "cats", "documents": ["dogs"]}
    reply = httpx.post(f"{url}/rerank", json=body, timeout=60).json()
    return reply.get("usage", reply).get("total_tokens", reply)


def test_other_models_are_asked_for_with_the_key(upstream: str, serve: Serve) -> None:
    """OpenRouter's models rank there, embedded ones here."""
    variables = {"OPENROUTER_BASE_URL": upstream, "OPENROUTER_API_KEY": KEY}

    with serve("--upstream", "--max-cost", "1", **variables) as url:
        tokens = [count_tokens(url, name) for name in ("cohere/rerank-5-fast", "local/minilm")]

    assert tokens == [CONSTANT_TOKENS, 6]


@pytest.mark.parametrize(
    ("options", "variables", "status", "message"),
    [
        (["--upstream"], {}, 1, b"there is no key for --upstream. Set OPENROUTER_API_KEY"),
        (
            ["--upstream", "--host", "0.0.0.0"],  # noqa: S104
            {"OPENROUTER_API_KEY": KEY},
            2,
            b"could spend the credits",
        ),
        (
            ["--upstream", "--port", "8787"],
            {"OPENROUTER_BASE_URL": "http://localhost:8787/api/v1"},
            2,
            b"this server itself",
        ),
        (["--upstream"], {"OPENROUTER_BASE_URL": "http://[::1"}, 2, b"serve --help"),
        (["--max-cost", "1"], {}, 2, b"without upstream nothing costs anything"),
    ],
)
def test_what_cannot_work_is_refused(
    run_command: RunCommand,
    options: list[str],
    variables: dict[str, str],
    status: int,
    message: bytes,
) -> None:
    """A missing key, an address that is open to all, or the server itself ends the command."""
    done = run_command(["serve", *options], variables=variables)

    assert (done.returncode, done.stdout) == (status, b"")
    assert message in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8787/api/v1", True),
        ("http://[::1]:8787", True),
        ("http://localhost:8788", False),
        ("https://openrouter.ai/api/v1", False),
        ("http://192.0.2.1:8787", False),
    ],
)
def test_the_server_knows_itself(url: str, expected: bool) -> None:
    """An address is the server's own if it is of this machine and has its port."""
    assert is_own_address(httpx.URL(url), 8787) is expected
