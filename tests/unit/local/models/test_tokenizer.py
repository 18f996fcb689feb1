"""Tokens of long texts, beside those of the library's own tokenizer."""

import subprocess
import sys
import unicodedata
from functools import cache
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openrouter_rerank.local._models.long_text import MAX_TOKEN_CHARS, STEP_CHARS
from openrouter_rerank.local._models.ranker import proceed
from openrouter_rerank.local._models.tokenizer import (
    BATCH_SIZE,
    COUNT_CHARS,
    MAX_WORD_CHARS,
    TextTokenizer,
    make_bert_tokenizer,
)
from openrouter_rerank.local._models.vocabulary import read_vocabulary
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

MAX_TOKENS = 256
# Enough for each piece to be drawn several times; an example takes 10 ms, as its text is long.
FEW_EXAMPLES = 80

# Says by how much long texts raise the most memory that a process has held, in MB, each text in a
# process of its own, which starts with what this one holds.
MEASURE = """
import os, resource, sys
from openrouter_rerank.local._models.ranker import proceed
from openrouter_rerank.local._models.tokenizer import TextTokenizer, make_bert_tokenizer

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

tokenizer = TextTokenizer(make_bert_tokenizer(), 512)
for written in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    tokenizer.tokenize(["warm up " * 1000], proceed)
    texts = eval(written)
    before = peak()
    tokenizer.tokenize(texts, proceed)
    print(peak() - before, flush=True)
    os._exit(0)
"""
# The many short ones would take 117 MB if they were tokenized at once.
LONG_TEXTS = (
    '["a" * 4_000_000]',
    '["é" * 1_000_000]',
    '["漢字" * 2_000_000]',
    """['{"key":[1,2]},' * 300_000]""",
    '[" " * 1_000_000]',
    '["e" + "\\u0301" * 1_000_000]',
    '["漢字" * 500] * 600',
    """[("a" * 101 + ".") * 20_000] * 8""",
)
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
def tokenizer() -> TextTokenizer:
    """Make one tokenizer for all tests."""
    return TextTokenizer(make_bert_tokenizer(), MAX_TOKENS)


@cache
def library() -> Tokenizer:
    """Make the library's own tokenizer."""
    return make_bert_tokenizer()


def read_whole(text: str) -> tuple[tuple[int, ...], bool]:
    """Tokenize a text as the library does, which reads it to its end; tell if it is too long."""
    encoding = library().encode(text, add_special_tokens=False)
    most = MAX_TOKENS - 2
    is_cut = len(encoding) > most
    encoding.truncate(most)
    return tuple(library().post_process(encoding).ids), is_cut


def read(text: str) -> tuple[tuple[int, ...], bool]:
    """Tokenize a text, and tell whether it was cut."""
    (ids,), cut_count = tokenizer().tokenize([text], proceed)
    return ids, bool(cut_count)


@settings(max_examples=FEW_EXAMPLES)
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(COUNTS)), max_size=8))
@example([("a", 1023), ("\u0301", 1024), ("a", 1), (" word", 3000)])
@example([(" ", 3000), ("漢字", 1024)])
def test_long_text_has_the_tokens_of_the_whole(parts: list[tuple[str, int]]) -> None:
    """Whatever is repeated in whatever script, the ids are the whole text's, and cuts are told."""
    text = "".join(piece * count for piece, count in parts)

    assert read(text) == read_whole(text)


@given(st.text(), st.sampled_from(PIECES), st.text(min_size=1))
def test_any_text_has_the_tokens_of_the_whole(start: str, piece: str, end: str) -> None:
    """Any characters on both sides of the place where a step ends give the ids of the whole."""
    text = start + piece * ((STEP_CHARS - len(start)) // len(piece)) + end * 300

    assert read(text) == read_whole(text)


def test_every_character_has_its_tokens_across_a_step() -> None:
    """Every character of Unicode, where a step ends, gives the ids of the whole."""
    planes = [*range(0xD800), *range(0xE000, 0x30000), *range(0xE0000, 0xE0200)]
    characters = [chr(number) for number in planes]
    lines = ["".join(characters[first : first + 40]) for first in range(0, len(characters), 40)]
    texts = [f"b{line}c{line[::-1]} d" for line in lines]

    ids, _ = tokenizer().tokenize([" " * (STEP_CHARS - 21) + text for text in texts], proceed)

    # Spaces in front give no tokens.
    assert ids == [read_whole(text)[0] for text in texts]


def count_whole(text: str) -> int:
    """Count the tokens of a text as the library does, at once."""
    return len(cast("Any", tokenizer())._tokenizer.encode(text))


@settings(max_examples=FEW_EXAMPLES)
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

    ids, cut_count = tokenizer().tokenize(texts, proceed)

    assert ids == [read_whole(text)[0] for text in texts]
    assert cut_count == len([text for text in texts if text])


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
    countdown = [0] * 10

    def checkpoint() -> None:
        countdown.pop()

    with pytest.raises(IndexError):
        tokenizer().tokenize(["\u0301" * STEP_CHARS * 50], checkpoint)


def test_long_texts_take_little_memory() -> None:
    """Megabytes in one request raise the memory of the process by less than 75 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *LONG_TEXTS],
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )

    raised = dict(zip(LONG_TEXTS, map(int, done.stdout.split()), strict=True))
    assert {text: rise for text, rise in raised.items() if rise >= 75} == {}


def test_words_are_cut_where_they_are_unknown() -> None:
    """The longest word that is read is known by its characters, and a longer one is not."""
    (longest, longer), cut_count = tokenizer().tokenize(["a" * MAX_WORD_CHARS, "a" * 5000], proceed)

    assert len(longest) > 3
    assert longer == (longest[0], read_vocabulary()["[UNK]"], longest[-1])
    assert cut_count == 0


@pytest.mark.parametrize(("count", "is_cut"), [(254, False), (255, True), (5000, True)])
def test_cut_is_told_to_the_token(count: int, is_cut: bool) -> None:
    """A text is cut if it has one token more than there is room for, and not before."""
    ids, was_cut = read("a " * count)

    assert (len(ids), was_cut) == (256, is_cut)


@pytest.mark.parametrize(
    ("query", "text", "lengths", "cut_count"),
    [
        ("a b", "c d e", (2, 3), 0),
        ("a b", "c " * 251, (2, 251), 0),
        ("a b", "c " * 252, (2, 251), 1),
        ("a " * 200, "c " * 200, (126, 127), 1),
        ("a " * 200, "c d", (126, 2), 0),
        ("", "", (0, 0), 0),
    ],
    ids=["short", "full", "long text", "both long", "long query", "nothing"],
)
def test_pairs_cut_the_text(
    query: str, text: str, lengths: tuple[int, int], cut_count: int
) -> None:
    """A pair has both texts between the marks; the text is cut, and of the query half is read."""
    ((ids, type_ids),), cut = tokenizer().tokenize_pairs(query, [text], proceed)

    vocabulary = read_vocabulary()
    assert cut == cut_count
    assert (ids[0], ids[lengths[0] + 1], ids[-1]) == (
        vocabulary["[CLS]"],
        vocabulary["[SEP]"],
        vocabulary["[SEP]"],
    )
    assert type_ids == (0,) * (lengths[0] + 2) + (1,) * (lengths[1] + 1)


def test_many_pairs_share_their_query() -> None:
    """Each text has the whole query before it, however many texts there are."""
    texts = [f"text {number}" for number in range(3 * BATCH_SIZE + 1)]

    pairs, _ = tokenizer().tokenize_pairs("a query", texts, proceed)

    expected = [library().encode("a query", text) for text in texts]
    assert [pair.ids for pair in pairs] == [tuple(each.ids) for each in expected]
    assert [pair.type_ids for pair in pairs] == [tuple(each.type_ids) for each in expected]


def make_other_tokenizer() -> Tokenizer:
    """Make a tokenizer of another kind than BERT's, with padding and truncation of its own."""
    words = {"[UNK]": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4}
    made = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = WhitespaceSplit()
    made.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    untyped: Any = made
    untyped.add_special_tokens(["<s>", "</s>"])
    untyped.enable_padding(length=64)
    untyped.enable_truncation(8)
    return made


@pytest.mark.parametrize(
    ("text", "expected", "cut_count"),
    [
        ("a b", [1, 3, 4, 2], 0),
        ("a " * 30, [1, *[3] * 30, 2], 0),
        ("a " * 31, [1, *[3] * 30, 2], 1),
        (" " * 30 * MAX_TOKEN_CHARS + "a", [1, 2], 1),
        ("a a</s>b", [1, 3, 0, 2], 0),
    ],
    ids=["short", "full", "too many tokens", "too many characters", "a mark"],
)
def test_any_tokenizer_is_read_by_our_limit(text: str, expected: list[int], cut_count: int) -> None:
    """A tokenizer's own padding and truncation are off; what it could not read counts as cut."""
    other = TextTokenizer(make_other_tokenizer(), 32)

    assert other.tokenize([text], proceed) == ([tuple(expected)], cut_count)


def test_any_tokenizer_makes_its_own_pairs() -> None:
    """The marks between two texts are those of the tokenizer."""
    other = TextTokenizer(make_other_tokenizer(), 32)

    ((ids, type_ids),), _ = other.tokenize_pairs("a", ["b"], proceed)

    assert (ids, type_ids) == ((1, 3, 2, 2, 4, 2), (0,) * 6)
