"""`--passages` of `rank` and `batch`: long documents are ranked by their best passage."""

import json
from pathlib import Path

import pytest
from integration.cli.conftest import RunCommand
from openrouter_rerank.cli._passages import read_passages
from openrouter_rerank.local import LocalRanker

QUERY = "What is the capital of France?"
ANSWER = "Paris is the capital of France."
LONG = f"{'The weather was fine that day, and nobody spoke of anything else. ' * 36}{ANSWER}"
OTHER = "Berlin is the capital of Germany."


def test_rank_finds_the_end_of_a_document(run_command: RunCommand, tmp_path: Path) -> None:
    """The model on this machine reads a document to its end, and tells where the answer stands."""
    file = tmp_path / "documents.txt"
    file.write_text(f"{LONG}\n{OTHER}\n", encoding="utf-8")
    arguments = ["rank", QUERY, str(file), "--local", "--json"]

    cut = json.loads(run_command(arguments).stdout)["results"]
    whole = json.loads(run_command([*arguments, "--passages", "64"]).stdout)["results"]

    assert [result["index"] for result in cut] == [1, 0]
    assert [result["index"] for result in whole] == [0, 1]
    passage = whole[0]["passage"]
    assert whole[0]["document"]["text"] == LONG
    assert LONG[passage["start"] : passage["end"]].endswith(ANSWER)
    assert "passage" not in cut[0]


def test_batch_tells_passages(run_command: RunCommand, tmp_path: Path) -> None:
    """Each job of a file is split, with as much overlap as is asked for."""
    jobs, results = tmp_path / "jobs.jsonl", tmp_path / "results.jsonl"
    jobs.write_text(json.dumps({"query": QUERY, "documents": [OTHER, LONG]}), encoding="utf-8")
    options = ["--local", "--passages", "64", "--passage-overlap", "32"]

    done = run_command(["batch", str(jobs), "--output", str(results), *options])

    assert done.returncode == 0
    (first, _) = json.loads(results.read_text(encoding="utf-8"))["result"]["results"]
    passage = first["passage"]
    assert first["index"] == 1
    assert LONG[passage["start"] : passage["end"]].endswith(f"anything else. {ANSWER}")


@pytest.mark.parametrize(
    ("local", "models", "counted"),
    [
        (True, [], "local/minilm"),
        (False, ["b", "local"], "local/minilm"),
        (False, ["b", "local/bge-small", "local"], "local/bge-small"),
        (False, ["b"], None),
    ],
)
def test_model_that_may_rank_counts(local: bool, models: list[str], counted: str | None) -> None:
    """Tokens are those of the first model on this machine, whichever it is; else bytes count."""
    passages = read_passages(64, None, local=local, fallback_models=models)

    assert passages is not None
    ranker = None if counted is None else LocalRanker(counted.removeprefix("local/"))
    expected = len(LONG) / 4 if ranker is None else ranker.count_tokens(LONG)
    assert passages.count_tokens(LONG) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--passage-overlap", "8"], b"--passage-overlap needs --passages TOKENS."),
        (["--passages", "8", "--passage-overlap", "8"], b"overlap: must be below max_tokens, 8"),
        (["--passages", "0"], b"0 is not in the range x>=1"),
        (["--passages", "8", "--passage-overlap", "-1"], b"-1 is not in the range x>=0"),
    ],
)
@pytest.mark.parametrize("command", ["rank", "batch"])
def test_what_cannot_work_is_told(
    command: str, options: list[str], message: bytes, run_command: RunCommand, tmp_path: Path
) -> None:
    """A size that cannot work ends the command in a line, before anything is ranked."""
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text(json.dumps({"query": QUERY, "documents": [OTHER]}), encoding="utf-8")
    output = str(tmp_path / "results.jsonl")
    given = {"rank": [QUERY, "--document", OTHER], "batch": [str(jobs), "--output", output]}

    done = run_command([command, *given[command], "--local", *options])

    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr
