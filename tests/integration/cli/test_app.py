"""The command line, in this process."""

import pytest
from openrouter_rerank import __version__
from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank.cli._app import run


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints the name and the version."""
    status = run(["--version"])

    assert status == 0
    assert capsys.readouterr().out == f"openrouter-rerank {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["rank", "serve", "demo", "Exit status"]),
        (["rank", "--help"], ["JSON Lines", "[FILE|-]", DEFAULT_MODEL, "--local"]),
        (["serve", "--help"], ["127.0.0.1", "8787", "OPENROUTER_SERVE_API_KEY"]),
        (["demo", "--help"], ["corpus"]),
        (["batch", "--help"], ["INPUT", "OUTPUT", "JSON Lines", "CSV", "--resume", "attempts"]),
    ],
)
def test_help_names_what_there_is(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The help of each command is printed with exit status 0."""
    status = run(arguments)

    output = capsys.readouterr().out
    assert status == 0
    assert [word for word in words if word not in output] == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["--frobnicate"],
        ["rank"],
        ["rank", "query", "--top-n", "0"],
        ["rank", "query", "--top-n", "many"],
        ["rank", "query", "docs.txt", "more.txt"],
        ["rank", "query", "no-such-file.txt"],
        ["rank", "", "--document", "one", "--local"],
        ["rank", "query", "--document", "one", "--local", "--model", ""],
        ["rank", "query", "--document", "one", "--local", "--field", "colour=blue"],
        ["rank", "query", "--document", "one", "--local", "--field", "provider=[1"],
        ["rank", "query", "--document", "one", "--local", "--extra-body", "[1"],
        ["rank", "query", "--document", "one", "--local", "--extra-body", "[1]"],
        ["rank", "query", "--document", "one", "--local", "--extra-body", '{"model": "m"}'],
        ["rank", "query", "--document", "one", "--local", "--field", "provider"],
        ["rank", "query", "--document", "one", "--local", "--field", f"provider={'[' * 100_000}"],
        ["batch"],
        ["batch", "no-such-file.jsonl"],
        ["batch", "no-such-file.jsonl", "-o", "-"],
        ["batch", "-", "-o", "results.jsonl", "--resume"],
        ["batch", "jobs.jsonl", "-o", "-", "--resume"],
        ["batch", "-", "-o", "-", "--errors", "-"],
        ["batch", "-", "-o", "-", "--format", "xml"],
        ["batch", "-", "-o", "-", "--concurrency", "0"],
        ["batch", "-", "-o", "-", "--max-cost", "-1"],
        ["batch", "/dev/null", "-o", "/dev/null", "--rpm", "0"],
        ["batch", "/dev/null", "-o", "/dev/null", "--format", "csv"],
        ["serve", "--port", "70000"],
        ["serve", "--host", ""],
        ["serve", "--api-key", "secret"],
        ["serve", "--api-key-file", "no-such-file"],
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every mistake on the command line is one line on standard error, nothing on the other."""
    # Without a key, its absence is told first.
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-x")
    status = run(arguments)

    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.startswith("openrouter-rerank: ")
    assert captured.err.count("\n") == 1


def test_a_mistake_says_where_help_is(capsys: pytest.CaptureFixture[str]) -> None:
    """The line about a wrong option ends with the help of its command."""
    run(["rank", "query", "--topn", "3"])

    assert "Try 'openrouter-rerank rank --help'." in capsys.readouterr().err


def test_a_query_may_begin_with_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    """What follows -- is no option."""
    status = run(["rank", "--local", "--document", "below zero", "--", "-40 degrees"])

    assert status == 0
    assert "below zero" in capsys.readouterr().out


def test_a_failure_is_one_line_and_exit_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address where nobody listens is named in one line, with what to do next."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:9/api/v1")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-secret-of-the-test")

    status = run(["rank", "query", "--document", "one"])

    error = capsys.readouterr().err
    assert status == 1
    assert error.count("\n") == 1
    assert "--local" in error
    assert "secret-of-the-test" not in error
