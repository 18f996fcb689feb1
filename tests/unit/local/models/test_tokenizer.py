"""Tokens of long texts, beside those of the library's own tokenizer."""

import subprocess
import sys
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openrouter_rerank.local._models.ranker import proceed
from openrouter_rerank.local._models.tokenizer import (
    BATCH_SIZE,
    COUNT_CHARS,
    MAX_TOKENS,
    MAX_WORD_CHARS,
    STEP_CHARS,
    BertTokenizer,
    read_vocabulary,
)

# Says by how much long texts raise the most memory that the process has held, in MB.
MEASURE = """
import resource
from openrouter_rerank.local._models.ranker import proceed
from openrouter_rerank.local._models.tokenizer import BertTokenizer

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

tokenizer = BertTokenizer()
tokenizer.tokenize(["warm up " * 1000], proceed)
texts = {texts}
before = peak()
tokenizer.tokenize(texts, proceed)
print(peak() - before)
"""
PIECES = [
    "a",
    "Z",
    "word ",
    "unaffable",
    " ",
    "\n",
    "\t\u2028\u3000",
    "\x00\x85\u200d\ufeff",
    '{"key":1,',
    "....",
    "_",
    "é",
    "e\u0301",
    "\u0301",
    "\u0e31\u0344",  # marks, one of which takes part in no order
    "\u302e\U0001d165",  # marks that are kept, and put in order
    "İſßΣς",
    "漢字",
    "\u3400\U00020000\uf900",
    "ひらがなカタカナ",
    "한국어",
    "각",
    "русский",
    "ελληνικά",
    "עִבְרִית",
    "العَرَبِيَّة",
    "हिन्दी",
    "ไทยที่",
    "🦇",
    "👩\u200d👩\u200d👧",
    "¿«»—„",
    "²¾①Ⅷ",
    "[SEP]",
    "##ing",
    "\u0378\ue000",
]
COUNTS = [1, 2, 99, 100, 101, 254, 255, 1023, 1024, 1025, 3000]


@cache
def tokenizer() -> BertTokenizer:
    """Make one tokenizer for all tests."""
    return BertTokenizer()


def read_whole(text: str) -> tuple[int, ...]:
    """Tokenize a text as the library does, which reads it to its end."""
    return tuple(cast("Any", tokenizer())._tokenizer.encode(text).ids)


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(COUNTS)), max_size=8))
@example([("a", 1023), ("\u0301", 1024), ("a", 1), (" word", 3000)])
@example([(" ", 3000), ("漢字", 1024)])
def test_long_text_has_the_tokens_of_the_whole(parts: list[tuple[str, int]]) -> None:
    """Whatever is repeated how often in whatever script, the ids are those of the whole text."""
    text = "".join(piece * count for piece, count in parts)

    (ids,) = tokenizer().tokenize([text], proceed)

    assert ids == read_whole(text)


@given(st.text(), st.sampled_from(PIECES), st.text(min_size=1))
def test_any_text_has_the_tokens_of_the_whole(start: str, piece: str, end: str) -> None:
    """Any characters on both sides of the place where a step ends give the ids of the whole."""
    text = start + piece * ((STEP_CHARS - len(start)) // len(piece)) + end * 300

    (ids,) = tokenizer().tokenize([text], proceed)

    assert ids == read_whole(text)


def test_every_character_has_its_tokens_across_a_step() -> None:
    """Every character of Unicode, where a step ends, gives the ids of the whole."""
    planes = [*range(0xD800), *range(0xE000, 0x30000), *range(0xE0000, 0xE0200)]
    characters = [chr(number) for number in planes]
    lines = ["".join(characters[first : first + 40]) for first in range(0, len(characters), 40)]
    texts = [f"b{line}c{line[::-1]} d" for line in lines]

    ids = tokenizer().tokenize([" " * (STEP_CHARS - 21) + text for text in texts], proceed)

    assert ids == [read_whole(text) for text in texts]


def count_whole(text: str) -> int:
    """Count the tokens of a text as the library does, at once."""
    whole = cast("Any", tokenizer())._tokenizer.encode(text)
    return 2 + sum(len(part.ids) - 2 for part in [whole, *whole.overflowing])


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(COUNTS)), max_size=4))
@example([("word ", 2000)])
def test_count_is_that_of_the_whole(parts: list[tuple[str, int]]) -> None:
    """All tokens count, those that the model does not read, too; a step changes one word."""
    text = "".join(piece * count for piece, count in parts)

    steps = max(0, len(text) - 1) // COUNT_CHARS
    assert abs(tokenizer().count(text) - count_whole(text)) <= 2 * MAX_WORD_CHARS * steps
    assert tokenizer().count(text[:COUNT_CHARS]) == count_whole(text[:COUNT_CHARS])


def test_no_token_has_a_mark_whose_order_matters() -> None:
    """Words with marks that the normalizer may put in order are unknown, in whatever order."""
    marked = [token for token in read_vocabulary() if any(map(unicodedata.combining, token))]

    assert marked == []


def test_many_texts_keep_their_order() -> None:
    """Batches of short and long texts come back one for one."""
    texts = [f"{number} word " * (number % 3 * 400) for number in range(3 * BATCH_SIZE + 1)]

    assert tokenizer().tokenize(texts, proceed) == [read_whole(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "calls"),
    [
        (["word " * 400_000], 3),
        (["\u0301" * STEP_CHARS * 50], 51),
        (["word"] * 50 * BATCH_SIZE, 50),
    ],
    ids=["words", "no words", "texts"],
)
def test_steps_are_bounded(texts: list[str], calls: int) -> None:
    """A checkpoint comes in each step, and no more is read than the tokens need."""
    called: list[None] = []

    tokenizer().tokenize(texts, lambda: called.append(None))

    assert len(called) == calls


def test_checkpoint_ends_one_text() -> None:
    """What a checkpoint raises within one long text comes out."""
    countdown = iter(range(10))
    checkpoint: Callable[[], object] = lambda: next(countdown)  # noqa: E731

    with pytest.raises(StopIteration):
        tokenizer().tokenize(["\u0301" * STEP_CHARS * 50], cast("Callable[[], None]", checkpoint))


@pytest.mark.parametrize(
    "texts",
    [
        '["a" * 4_000_000]',
        '["é" * 1_000_000]',
        '["漢字" * 2_000_000]',
        """['{"key":[1,2]},' * 300_000]""",
        '[" " * 1_000_000]',
        '["e" + "\\u0301" * 1_000_000]',
        '["漢字" * 500] * 1600',
        """[("a" * 101 + ".") * 20_000] * 8""",
    ],
)
def test_long_texts_take_little_memory(texts: str) -> None:
    """Megabytes in one request raise the memory of the process by less than 150 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(texts=texts)],
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )

    assert int(done.stdout) < 150


def test_words_are_cut_where_they_are_unknown() -> None:
    """The longest word that is read is known by its characters, and a longer one is not."""
    longest, longer = tokenizer().tokenize(["a" * MAX_WORD_CHARS, "a" * 5000], proceed)

    assert len(longest) > 3
    assert longer == (longest[0], read_vocabulary()["[UNK]"], longest[-1])
    assert len(tokenizer().tokenize(["a " * 5000], proceed)[0]) == MAX_TOKENS
