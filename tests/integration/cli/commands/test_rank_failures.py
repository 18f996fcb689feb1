"""`rank` when its request fails: other models, and the order that is kept."""

import json

import pytest
from integration.cli.conftest import RunCommand
from openrouter_rerank import local
from openrouter_rerank._call.defaults import DEFAULT_MODEL

DOCUMENTS = [b"Berlin is the capital of Germany.", b"Paris is the capital of France."]
TEXTS = b"\n".join(DOCUMENTS)
RANK = ["rank", "capital of France", "-"]


@pytest.fixture
def variables() -> dict[str, str]:
    """Give the environment of a key and of a server that nobody runs."""
    return {"OPENROUTER_API_KEY": "sk-or-x", "OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1"}


def test_kept_order_is_a_table_without_scores(
    run_command: RunCommand, variables: dict[str, str]
) -> None:
    """The documents come as they were given, with a dash for each score, and the reason beside."""
    done = run_command([*RANK, "--on-failure", "keep_order", "--top-n", "1"], TEXTS, variables)

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        b"rank  score              index  document",
        b"   1      -                  0  Berlin is the capital of Germany.",
    ]
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"openrouter-rerank: not reranked, the order is kept: could not connect")


def test_kept_order_is_json_that_says_so(
    run_command: RunCommand, variables: dict[str, str]
) -> None:
    """As JSON the scores are null, and a field says that there was no ranking."""
    done = run_command([*RANK, "--on-failure", "keep_order", "--json"], TEXTS, variables)

    reply = json.loads(done.stdout)
    assert [each["relevance_score"] for each in reply["results"]] == [None, None]
    assert [each["document"]["text"].encode() for each in reply["results"]] == DOCUMENTS
    assert (reply["reranked"], reply["model"]) == (False, DEFAULT_MODEL)
    assert "could not connect" in reply["failure"]


def test_success_says_so_too(run_command: RunCommand, server_url: str) -> None:
    """With the option, a ranking has the same field."""
    variables = {"OPENROUTER_API_KEY": "sk-or-x", "OPENROUTER_BASE_URL": server_url}
    done = run_command([*RANK, "--on-failure", "keep_order", "--json"], TEXTS, variables)

    assert (json.loads(done.stdout)["reranked"], done.stderr) == (True, b"")


def test_wrong_key_is_an_error_all_the_same(run_command: RunCommand) -> None:
    """What has to be put right ends the command."""
    with local.running(api_key="sk-or-right") as url:
        variables = {"OPENROUTER_API_KEY": "sk-or-wrong", "OPENROUTER_BASE_URL": url}
        done = run_command([*RANK, "--on-failure", "keep_order"], TEXTS, variables)

    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Check OPENROUTER_API_KEY" in done.stderr


@pytest.mark.parametrize(
    ("name", "model"), [("local", "local/minilm"), ("local/bge-small", "local/bge-small")]
)
def test_local_model_stands_in(
    run_command: RunCommand, variables: dict[str, str], name: str, model: str
) -> None:
    """The model on this machine answers, and the reply names it."""
    options = ["--fallback-model", "other/model", "--fallback-model", name, "--json"]
    done = run_command([*RANK, *options], TEXTS, variables)

    reply = json.loads(done.stdout)
    assert reply["model"] == model
    assert [each["index"] for each in reply["results"]] == [1, 0]


def test_unknown_local_model_is_a_usage_error(run_command: RunCommand) -> None:
    """A model that this machine does not have is refused before anything is sent."""
    done = run_command([*RANK, "--fallback-model", "local/bge-large"], TEXTS)

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"'bge-large'" in done.stderr


def test_unknown_choice_is_a_usage_error(run_command: RunCommand) -> None:
    """A word that is no choice is refused before anything is sent."""
    done = run_command([*RANK, "--on-failure", "hide"], TEXTS)

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"keep_order" in done.stderr
