"""The demo collection that ships."""

import csv
import json
import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import combinations
from typing import Any

import pytest
from openrouter_rerank._demo import demo_folder

FOLDER = demo_folder()
FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
NEAR_DUPLICATE = 0.8
MAX_SENTENCES = 4


def read_lines(name: str) -> Iterator[dict[str, Any]]:
    """Read a file of JSON Lines, each of which has to be an object."""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        value = json.loads(line)
        assert isinstance(value, dict)
        yield value


def read_judgements() -> list[tuple[str, str, int]]:
    """Read query, passage and grade of each judgement."""
    with (FOLDER / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, delimiter="\t")
    assert head == ["query-id", "corpus-id", "score"]
    return [(query, passage, int(grade)) for query, passage, grade in rows]


@pytest.mark.parametrize("name", FILES)
def test_files_are_plain_text(name: str) -> None:
    """Each file is UTF-8 in its composed form, without control characters, and its lines end."""
    text = (FOLDER / name).read_bytes().decode("utf-8")

    assert unicodedata.is_normalized("NFC", text)
    assert {char for char in text if unicodedata.category(char)[0] == "C"} <= {"\n", "\t"}
    assert text.endswith("\n")
    assert not any(line != line.strip() for line in text.splitlines())


def test_there_are_sixty_passages_and_thirty_questions() -> None:
    """Ids are unique, texts are of one to four sentences, and the keys are those of BEIR."""
    passages, questions = list(read_lines("corpus.jsonl")), list(read_lines("queries.jsonl"))

    assert len({passage["_id"] for passage in passages}) == len(passages) == 60
    assert len({question["_id"] for question in questions}) == len(questions) == 30
    assert all(passage.keys() == {"_id", "title", "text"} for passage in passages)
    assert all(question.keys() - {"metadata"} == {"_id", "text"} for question in questions)
    for passage in passages:
        assert 1 <= (passage["text"] + " ").count(". ") <= MAX_SENTENCES
    assert all(question["text"].endswith("?") for question in questions)


def test_every_question_has_a_relevant_passage() -> None:
    """Judgements are of 0 to 2, each pair once, of what exists, and each question has an answer."""
    judgements = read_judgements()
    questions = {question["_id"] for question in read_lines("queries.jsonl")}

    assert {question for question, _, _ in judgements} == questions
    assert {passage for _, passage, _ in judgements} <= {
        passage["_id"] for passage in read_lines("corpus.jsonl")
    }
    assert len({judgement[:2] for judgement in judgements}) == len(judgements)
    assert {grade for _, _, grade in judgements} == {0, 1, 2}
    assert {question for question, _, grade in judgements if grade == 2} == questions


def test_the_questions_of_the_command_have_one_answer() -> None:
    """A question that `openrouter-rerank demo` asks has exactly one relevant passage."""
    asked = [
        question["_id"]
        for question in read_lines("queries.jsonl")
        if question.get("metadata") == {"demo": True}
    ]
    relevant = [question for question, _, grade in read_judgements() if grade]

    assert len(asked) == 6
    assert [relevant.count(question) for question in asked] == [1] * 6


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_no_text_is_nearly_another(name: str) -> None:
    """No two passages, nor two questions, are the same but for a few words."""
    texts = [line["text"].lower().split() for line in read_lines(name)]

    alike = [
        (one, other)
        for one, other in combinations(texts, 2)
        if SequenceMatcher(None, one, other, autojunk=False).ratio() >= NEAR_DUPLICATE
    ]

    assert alike == []
