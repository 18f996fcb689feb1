"""Documents in passages: what is sent, and how its results become the documents' own."""

import copy
import hashlib
import json
import math
import pickle
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openrouter_rerank import OpenRouter, Passages, Ranking
from openrouter_rerank.testing import rank
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

ASK: dict[str, Any] = {"model": "m", "query": "q"}
PIECES = [
    "Alpha beta. ",
    "Gamma! ",
    "\n\n",
    "delta\n",
    "é",
    "🎉",
    "日本語です。",
    "\x1c",
    "\u2003",
    "x" * 40,
]
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
)
documents = texts.filter(lambda text: text.strip())
sizes = st.integers(2, 12).flatmap(
    lambda most: st.builds(Passages, st.just(most), st.integers(0, most - 1))
)


def count_words(text: str) -> int:
    """Count words, as a tokenizer of one's own may do."""
    return len(text.split())


def score(document: str | Mapping[str, str]) -> float:
    """Score a text by itself, in no order that anything else has, with some ties."""
    text = document if isinstance(document, str) else document.get("text", "")
    return hashlib.sha256(text.encode()).digest()[0] / 256


class App:
    """A server that scores each passage by itself, and keeps what it was sent."""

    def __init__(self) -> None:
        """Begin without requests."""
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Rank, at a price for each document."""
        body = json.loads(request.content)
        self.bodies.append(body)
        reply = rank(body, [score(document) for document in body["documents"]])
        cost = 0.5 * len(body["documents"])
        return httpx.Response(200, json={**reply, "usage": {"cost": cost}})

    @property
    def sent(self) -> list[Any]:
        """All that was sent, in the order in which it came."""
        return [document for body in self.bodies for document in body["documents"]]


def call(
    items: Sequence[Any], passages: Passages | None, **arguments: Any
) -> tuple[App, Ranking[Any]]:
    """Rank by an app, and return both."""
    app = App()
    with OpenRouter("k", transport=httpx.MockTransport(app)) as client:
        return app, client.rerank.rank(items, **ASK, passages=passages, **arguments)


def flatten(ranking: Ranking[Any]) -> list[tuple[int, float | None, tuple[int, int] | None]]:
    """Return what a ranking says of each item."""
    return [(each.index, each.score, each.span) for each in ranking]


@given(texts, sizes)
@example("\x1c" * 40 + "abc", Passages(2))
@example("Alpha beta. " * 40, Passages(12, 11))
def test_passages_lie_in_their_text_and_leave_nothing_out(text: str, passages: Passages) -> None:
    """Spans come in order, none is blank or too long, and only white space is in none of them."""
    spans = passages.split(text)

    assert list(spans) == sorted(spans)
    if passages.count_tokens(text) <= passages.max_tokens:
        assert list(spans) == [(0, len(text))]
        return
    covered = set[int]()
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        part = text[start:end]
        assert not part.isspace()
        # A character that is too long by itself cannot be split.
        assert passages.count_tokens(part) <= passages.max_tokens or len(part) == 1
        covered.update(range(start, end))
    assert all(text[at].isspace() for at in set(range(len(text))) - covered)


@given(st.lists(documents, min_size=1, max_size=5), sizes)
@settings(max_examples=100)
def test_span_holds_what_was_sent(items: list[str], passages: Passages) -> None:
    """An item's text at its span is the passage that was sent and has its score."""
    app, ranking = call(items, passages)

    assert sorted(each.index for each in ranking) == list(range(len(items)))
    for each in ranking:
        assert each.span is not None
        start, end = each.span
        assert each.item[start:end] in app.sent
        assert each.score == score(each.item[start:end])


@given(st.lists(documents, min_size=1, max_size=5), sizes, st.none() | st.integers(1, 6), st.data())
@settings(max_examples=100)
def test_best_passage_scores_a_document(
    items: list[str], passages: Passages, top_n: int | None, data: st.DataObject
) -> None:
    """
    A document has its best passage's score, and ties keep the caller's order.

    That holds whether its passages are sent together or in batches, with the same spans.
    """
    best = [max(score(text[start:end]) for start, end in passages.split(text)) for text in items]
    order = sorted(range(len(items)), key=lambda index: -best[index])[:top_n]
    _, ranking = call(items, passages, top_n=top_n)

    assert [each.index for each in ranking] == order
    assert [each.score for each in ranking] == [best[index] for index in order]
    batch_size = data.draw(st.integers(1, 4))
    app, batched = call(items, passages, top_n=top_n, batch_size=batch_size)
    assert flatten(batched) == flatten(ranking)
    assert all(len(body["documents"]) <= batch_size for body in app.bodies)
    assert batched.cost == 0.5 * len(app.sent)


LONG = "One sentence is here. " * 8
END = "Paris is the capital."


def test_only_long_documents_are_split() -> None:
    """What is short enough is sent as it is; what is split is sent as it came, text or object."""
    items = [" short \n", {"text": f"{LONG}\n\n{END}"}, f"{LONG}\n\n{END}"]
    app, ranking = call(items, Passages(24), top_n=2)

    (body,) = app.bodies
    first, *others = body["documents"]
    assert first == " short \n"
    texts_sent = [each for each in others if isinstance(each, str)]
    assert others == [*({"text": text} for text in texts_sent), *texts_sent]
    assert texts_sent[-1].endswith(END)
    assert "top_n" not in body
    assert len(ranking) == 2


def test_request_stays_the_same_if_nothing_is_split() -> None:
    """With short documents alone, `top_n` is sent, and each is one passage."""
    app, ranking = call(["a b", "c", "d"], Passages(24), top_n=2)

    assert app.bodies == [{"documents": ["a b", "c", "d"], "top_n": 2, **ASK}]
    assert [each.span for each in ranking] == [(0, len(each.item)) for each in ranking]


def test_results_have_whole_documents() -> None:
    """The contract's reply has the whole document, and says where its best passage stands."""
    items: list[Any] = [f"{LONG}{END}", {"text": f"{END} {LONG}"}, "short"]
    app = App()
    with OpenRouter("k", transport=httpx.MockTransport(app), passages=Passages(6)) as client:
        response = client.rerank.rerank(documents=items, **ASK)

    whole = [items[0], items[1]["text"], "short"]
    for result in response.results:
        passage = result.additional_properties["passage"]
        assert result.document.text == whole[result.index]
        part = whole[result.index][passage["start"] : passage["end"]]
        assert result.relevance_score == score(part)
        assert result.to_dict()["passage"] == passage


def test_document_with_an_image_is_not_split() -> None:
    """An image belongs to the whole text beside it, so there is no span."""
    item = {"text": LONG, "image": "https://images.example/a.png"}
    app, ranking = call([item, {"image": "https://images.example/b.png"}, LONG], Passages(6))

    assert app.sent[:2] == [item, {"image": "https://images.example/b.png"}]
    assert {each.index: each.span is None for each in ranking} == {0: True, 1: True, 2: False}


def test_blank_documents_are_set_aside_as_they_are_without() -> None:
    """Positions are those of the caller's documents, those that are left out included."""
    items = [" ", LONG, None, "short", "\ud800"]
    for batch_size in (None, 2):
        _, ranking = call(items, Passages(6), unrankable="set_aside", batch_size=batch_size)

        assert sorted(each.index for each in ranking) == [1, 3]
        assert list(ranking.set_aside) == [0, 2, 4]


def test_min_score_is_for_documents() -> None:
    """A document stays if its best passage scores high enough."""
    passages = Passages(6)
    scores = sorted(score(LONG[start:end]) for start, end in passages.split(LONG))
    for arguments in ({}, {"batch_size": 2}):
        app, kept = call([LONG], passages, min_score=scores[-1], **arguments)
        _, dropped = call([LONG], passages, min_score=math.nextafter(scores[-1], 2), **arguments)

        assert len(app.sent) > 1
        assert (len(kept), len(dropped)) == (1, 0)


def test_fields_are_split_as_they_are_sent() -> None:
    """The span is that of the YAML text, which is what was ranked."""
    rows = [{"title": "a title", "text": LONG}]
    app, ranking = call(rows, Passages(8), fields=["title", "text"])

    start, end = ranking[0].span or (0, 0)
    assert f'title: "a title"\ntext: "{LONG}"'[start:end] in app.sent
    assert ranking[0].item is rows[0]


def test_tokenizer_counts() -> None:
    """A tokenizer's own number of tokens is what counts."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    passages = Passages(5, count=tokenizer)

    assert passages.count_tokens("one two three.") == 4
    assert len(passages.split("One two three. " * 3)) == 3


def test_function_counts() -> None:
    """So does a function; overlapping passages repeat whole sentences."""
    text = "A b c. D e f. G h i."
    assert [text[a:b] for a, b in Passages(6, count=count_words).split(text)] == [
        "A b c. D e f.",
        "G h i.",
    ]
    assert [text[a:b] for a, b in Passages(6, 3, count=count_words).split(text)] == [
        "A b c. D e f.",
        "D e f. G h i.",
    ]


def test_passages_are_about_equally_long() -> None:
    """A rest that would be short takes from those before it; there are no more of them for that."""
    text = "One two three four. " * 9

    spans = Passages(32, count=count_words).split(text)

    assert [count_words(text[start:end]) for start, end in spans] == [20, 16]


def test_long_text_is_not_counted_as_a_whole() -> None:
    """A tokenizer takes much memory for each character, so it gets a text in parts."""
    lengths: list[int] = []

    def count(text: str) -> int:
        lengths.append(len(text))
        return count_words(text)

    spans = Passages(32, count=count).split("One two three four five six. " * 4000)

    assert len(spans) == 4800 / 6
    assert max(lengths) < 4000


@pytest.mark.parametrize("wrong", ["many", None, 1.5, -1])
def test_wrong_count_is_refused(wrong: Any) -> None:
    """What counts has to give a whole number, in whatever text it counts."""
    for text in ("short", LONG * 40):
        with pytest.raises((TypeError, ValueError), match="count: what it gives"):
            Passages(6, count=lambda _: wrong).split(text)


def test_error_of_a_function_reaches_the_caller() -> None:
    """What a function raises comes unchanged out of the splitter, and nothing is sent."""

    def fail(text: str) -> int:
        if len(text) < 100:
            raise LookupError("no such token")
        return 1000

    for text in ("short", LONG * 40):
        with pytest.raises(LookupError, match="no such token"):
            call([text], Passages(6, count=fail))


class CuttingTokenizer:
    """A tokenizer as `tokenizers` gives it, set to cut or to pad."""

    def __init__(self, **settings: Any) -> None:
        """Take the settings."""
        vars(self).update(settings)

    def encode(self, text: str) -> list[int]:
        """Cut a text."""
        return [0] * min(len(text), 8)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"max_tokens": 0}, ValueError, "max_tokens: must be at least 1, got 0"),
        ({"max_tokens": "9"}, TypeError, "max_tokens: expected int, got str"),
        ({"overlap": -1}, ValueError, "overlap: must be at least 0"),
        ({"max_tokens": 9, "overlap": 9}, ValueError, "overlap: must be below max_tokens, 9"),
        ({"count": 5}, TypeError, "count: expected a tokenizer or a function, got int"),
        ({"count": CuttingTokenizer(truncation={})}, ValueError, r"call its no_truncation\(\)"),
        ({"count": CuttingTokenizer(padding={})}, ValueError, r"call its no_padding\(\)"),
    ],
)
def test_wrong_argument_is_refused(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """A size that cannot work and a tokenizer that cuts are told at once."""
    with pytest.raises(kind, match=message):
        Passages(**arguments)


@pytest.mark.parametrize("wrong", [256, True, {"max_tokens": 256}])
def test_passages_are_nothing_else(wrong: Any) -> None:
    """A number alone is refused, by the client and by a call."""
    with pytest.raises(TypeError, match="passages: expected Passages, got"):
        OpenRouter("k", passages=wrong)
    with pytest.raises(TypeError, match="passages: expected Passages, got"):
        call(["a"], wrong)


def test_copies_are_equal() -> None:
    """It is compared, copied and pickled by its arguments."""
    passages = Passages(64, 8, count=count_words)

    loaded = pickle.loads(pickle.dumps(passages))  # noqa: S301  made here
    for again in (copy.copy(passages), copy.deepcopy(passages), loaded):
        assert (again, hash(again)) == (passages, hash(passages))
        assert again.split("a " * 100) == passages.split("a " * 100)
    assert passages not in (Passages(64, 8), Passages(64, count=count_words), 64)


def test_repr_says_what_is_counted() -> None:
    """Whether tokens or bytes count is seen at once."""
    shown = "Passages(max_tokens=64, overlap=0, count=<{}>)"

    assert repr(Passages(64)) == shown.format("4 bytes of UTF-8 for a token")
    assert repr(Passages(64, count=count_words)) == shown.format("count_words")
    assert repr(Passages(64, count=CuttingTokenizer())) == shown.format("CuttingTokenizer")


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the constructor says what to install."""
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install \"openrouter-rerank\[passages\]\""):
        Passages(64)
