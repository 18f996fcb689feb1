"""The command `demo`: ranks a corpus whose questions have known answers."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from openrouter_rerank import OpenRouter
from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank._demo import demo_folder
from openrouter_rerank.cli._client import open_client
from openrouter_rerank.cli._errors import (
    CommandError,
    convert_argument_errors,
    convert_local_errors,
)
from openrouter_rerank.cli._stdout import open_console, require_stdout, write_lines
from openrouter_rerank.cli._tables import draw_table
from openrouter_rerank.operations import Result

SHOWN_RESULTS = 3
ANSWERS = "2"


@dataclass(frozen=True, slots=True)
class Passage:
    """
    A passage of the corpus.

    Attributes:
        text: One to four sentences.
        question: A question that the passage answers, in other words; None for most.
    """

    text: str
    question: str | None = None


def demo() -> None:
    """
    Rank a small corpus on this machine and check the answers.

    It exits with 1 if a known answer does not come first.
    """
    show_demo()


def load_corpus() -> list[Passage]:
    """Read the demo collection, with those of its questions that are meant for this command."""
    folder = demo_folder()
    questions = {
        query["_id"]: query["text"]
        for query in _read_lines(folder / "queries.jsonl")
        if query.get("metadata", {}).get("demo")
    }
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        answered = {
            row["corpus-id"]: questions[row["query-id"]]
            for row in csv.DictReader(file, delimiter="\t")
            if row["query-id"] in questions and row["score"] == ANSWERS
        }
    return [
        Passage(text=passage["text"], question=answered.get(passage["_id"]))
        for passage in _read_lines(folder / "corpus.jsonl")
    ]


def show_demo() -> None:
    """
    Rank the corpus for each of its questions on this machine, and print the best results.

    Raises:
        CommandError: A known answer does not come first, which is said after all tables; or the
            extra `local` is missing.
        OpenRouterError: A ranking fails.
    """
    require_stdout()
    corpus = load_corpus()
    questions = [passage for passage in corpus if passage.question]
    with convert_local_errors(), convert_argument_errors("demo"):
        opened = open_client(local=True)
    console = open_console()
    head = f"Ranks {len(corpus)} passages for {len(questions)} questions, all on this machine."
    write_lines(console, [Text(head)])
    missed: list[str] = []
    with opened as client:
        for question, answer, results in _ask_questions(client, corpus):
            table = draw_table(results[:SHOWN_RESULTS], console)
            write_lines(console, [Text(), Text(question, style="bold cyan"), *table])
            if results[0].index != answer:
                missed.append(question)
    check_answers(missed)


def check_answers(missed: Sequence[str]) -> None:
    """
    Fail if there are questions whose answer did not come first.

    Raises:
        CommandError: There is one; the message names each.
    """
    if missed:
        named = ", ".join(f'"{question}"' for question in missed)
        raise CommandError(
            f"the known answer did not come first for {named}. "
            'Reinstall with: pip install --force-reinstall "openrouter-rerank[local]"'
        )


def _ask_questions(
    client: OpenRouter, corpus: Sequence[Passage]
) -> Iterator[tuple[str, int, list[Result]]]:
    texts = [passage.text for passage in corpus]
    for answer, passage in enumerate(corpus):
        if passage.question:
            with convert_local_errors(), convert_argument_errors("demo"):
                response = client.rerank.rerank(
                    query=passage.question, documents=texts, model=DEFAULT_MODEL
                )
            yield passage.question, answer, response.results


def _read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
