"""The demonstration and its corpus."""

import re

import pytest
from openrouter_rerank import local
from openrouter_rerank.cli._commands.demo import check_answers, load_corpus, show_demo
from openrouter_rerank.cli._errors import CommandError

# Words that say nothing about a subject.
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a an and are as at be both by did do does for from had has have how in is it its of on or
        so that the their them they this to too was were what when where which who why with
        """,
    )
)
MIN_MARGIN = 3.0


def content_words(text: str) -> set[str]:
    """Give the words that carry meaning, without the most common endings."""
    words = set(re.findall(r"[a-z]+", text.lower())) - FUNCTION_WORDS
    return {re.sub(r"(?:ings?|ed|es|s)$", "", word) for word in words}


def test_the_corpus_is_varied_and_without_repeats() -> None:
    """The corpus has sixty passages, and six questions are asked of it."""
    corpus = load_corpus()

    assert len({passage.text for passage in corpus}) == len(corpus) == 60
    assert len({passage.question for passage in corpus if passage.question}) == 6


def test_questions_share_few_words_with_their_answers() -> None:
    """A search for a question's words would not find its answer."""
    corpus = load_corpus()

    shared = {
        passage.question: content_words(passage.question) & content_words(passage.text)
        for passage in corpus
        if passage.question
    }

    assert all(len(words) <= 1 for words in shared.values()), shared


def test_known_answers_come_first_by_a_clear_margin() -> None:
    """The best score is at least three times the next one, for each question."""
    corpus = load_corpus()
    texts = [passage.text for passage in corpus]

    with local.client() as client:
        rankings = {
            answer: client.rerank.rerank(
                query=passage.question, documents=texts, model="local", top_n=2
            ).results
            for answer, passage in enumerate(corpus)
            if passage.question
        }

    for answer, (best, next_best) in rankings.items():
        assert best.index == answer
        assert best.relevance_score >= MIN_MARGIN * next_best.relevance_score


def test_the_demo_prints_a_table_for_each_question(capsys: pytest.CaptureFixture[str]) -> None:
    """Each question is printed above its table, whose first line is the known answer."""
    corpus = load_corpus()

    show_demo()

    lines = capsys.readouterr().out.splitlines()
    for passage in corpus:
        if passage.question:
            at = lines.index(passage.question)
            assert lines[at + 2].endswith(passage.text)


def test_a_missed_answer_fails_and_names_the_question() -> None:
    """A question whose answer is not the first one ends in exit status 1."""
    with pytest.raises(CommandError, match='first for "Why\\?"') as caught:
        check_answers(["Why?"])

    assert caught.value.status == 1


def test_no_missed_answer_is_a_success() -> None:
    """The check is silent when every answer came first."""
    check_answers([])
