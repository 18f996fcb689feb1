"""The command `serve`: the faults that its options ask for."""

import httpx
import pytest
from integration.cli.conftest import TIMEOUT_SECONDS, Serve
from openrouter_rerank import OpenRouter
from openrouter_rerank.cli._app import run

BODY = {"model": "m", "query": "q", "documents": ["a", "b"]}


def test_the_options_reach_the_server(serve: Serve) -> None:
    """Outcomes come in their order, with the wait that was asked for."""
    options = ["--fail", "429,503,ok", "--retry-after", "7", "--seed", "1"]

    with serve(*options) as url, httpx.Client(trust_env=False) as http:
        replies = [http.post(f"{url}/rerank", json=BODY) for _ in range(4)]

    assert [reply.status_code for reply in replies] == [429, 503, 200, 429]
    assert [reply.headers.get("Retry-After") for reply in replies] == ["7", "7", None, "7"]


def test_answers_can_be_held_back(serve: Serve) -> None:
    """A client with less patience than the delay gets no answer."""
    patience = httpx.Timeout(TIMEOUT_SECONDS, read=0.5)

    with serve("--delay", "60s") as url, pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/rerank", json=BODY, trust_env=False, timeout=patience)


def test_all_requests_can_be_dropped(serve: Serve) -> None:
    """With a probability of 1 each connection is reset."""
    with serve("--drop", "1") as url, pytest.raises(httpx.ReadError):
        httpx.post(f"{url}/rerank", json=BODY, trust_env=False)


def test_a_client_copes_with_the_faults(serve: Serve) -> None:
    """The client tries again until the script has an answer."""
    options = ["--fail", "429,reset,ok", "--retry-after", "0"]

    with serve(*options) as url, OpenRouter(server_url=url) as client:
        reply = client.rerank.rerank(model="m", query="q", documents=["a", "b"])

    assert len(reply.results) == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--fail", "429,nonsense"], "nonsense"),
        (["--fail", "302"], "302"),
        (["--retry-after", "-1"], "--retry-after"),
        (["--retry-after", "1.5"], "--retry-after"),
        (["--delay", "300"], "delay"),
        (["--delay", "2h"], "delay"),
        (["--delay", "9999s"], "delay"),
        (["--drop", "2"], "--drop"),
        (["--drop", "nan"], "drop"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_an_unknown_fault_is_a_usage_error(
    options: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong option is named on one line, and the exit status is 2."""
    status = run(["serve", "--port", "0", *options])

    captured = capsys.readouterr()
    assert (status, captured.out) == (2, "")
    assert captured.err.startswith("openrouter-rerank: ")
    assert captured.err.count("\n") == 1
    assert word in captured.err


def test_help_names_the_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """The help of the server lists the outcomes, each on a line of its own."""
    run(["serve", "--help"])

    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    firsts = {words[0] for words in lines}
    assert firsts >= {"ok", "error-in-200", "html", "truncated", "reset", "hang", "--fail"}
    assert firsts >= {"--retry-after", "--delay", "--drop", "--seed"}
