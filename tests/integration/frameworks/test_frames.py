"""DataFrames of pandas and polars are ranked by a column, and come back as DataFrames."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from operator import itemgetter
from typing import Any, assert_type

import polars as pl
import pytest
from openrouter_rerank import FrameRanking, OpenRouter, Passages, errors
from openrouter_rerank.testing import FakeOpenRouter, answer

# Without type hints.
pd: Any = import_module("pandas")

ASK: dict[str, Any] = {"model": "m", "query": "q"}
PLACES = {"name": ["Paris", "Rome", "Oslo"], "text": ["in France", "in Italy", "in Norway"]}
KINDS: dict[str, Callable[..., Any]] = {"pandas": pd.DataFrame, "polars": pl.DataFrame}


def rank_sync(client: OpenRouter, frame: Any, **given: Any) -> Any:
    """Rank the rows of a frame."""
    return client.rerank.rank(frame, **ASK, **given)


def rank_async(client: OpenRouter, frame: Any, **given: Any) -> Any:
    """Do the same asynchronously."""
    return asyncio.run(client.rerank.rank_async(frame, **ASK, **given))


CALLS = {"rank": rank_sync, "rank_async": rank_async}


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Make a frame of a mapping of columns."""
    return KINDS[request.param]


@pytest.fixture(params=CALLS)
def rank(request: pytest.FixtureRequest) -> Callable[..., FrameRanking[Any]]:
    """Rank a frame by the client, sync and async."""
    return CALLS[request.param]


def read_columns(frame: Any, *names: str) -> list[list[Any]]:
    """Return the values of some columns, with NaN as None."""
    columns = [frame[name].to_list() for name in names]
    return [[None if value != value else value for value in column] for column in columns]


def test_frame_comes_back_ranked(make: Any, rank: Any) -> None:
    """The rows are in order, with their scores and where they stood; `top_n` cuts."""
    frame = make({**PLACES, "people": [2_100_000, 2_800_000, 700_000]})
    with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9])) as client:
        ranking = rank(client, frame, key="text", top_n=2)

    ranked = ranking.to_frame()
    assert client.bodies[0]["documents"] == PLACES["text"]
    assert isinstance(ranking, FrameRanking)
    assert type(ranked) is type(frame)
    assert list(ranked.columns) == ["name", "text", "people", "score", "position"]
    assert read_columns(ranked, *ranked.columns) == [
        ["Oslo", "Paris"],
        ["in Norway", "in France"],
        [700_000, 2_100_000],
        [0.9, 0.2],
        [2, 0],
    ]
    assert ranked["people"].dtype == frame["people"].dtype
    assert list(frame.columns) == ["name", "text", "people"]
    assert ranking[0].item == {"name": "Oslo", "text": "in Norway", "people": 700_000}
    assert [(each.index, each.score) for each in ranking] == [(2, 0.9), (0, 0.2)]
    assert (ranking.model, ranking.reranked, ranking.attempts) == ("m", True, 1)


def test_types_of_the_columns(make: Any) -> None:
    """Scores are floats and positions integers, also of no row and of a kept order."""
    frame = make(PLACES)
    with FakeOpenRouter(200, *[500] * 9, on_failure="keep_order") as client:
        rankings = [
            client.rerank.rank(frame, key="text", **ASK),
            client.rerank.rank(frame[:0], key="text", **ASK),
            client.rerank.rank(frame, key="text", **ASK),
        ]

    types = {
        tuple(str(ranking.to_frame()[name].dtype).lower() for name in ("score", "position"))
        for ranking in rankings
    }
    assert [ranking.reranked for ranking in rankings] == [True, True, False]
    assert types == {("float64", "int64")}


def test_order_is_kept_without_scores(make: Any, rank: Any) -> None:
    """After a failure the frame has its own order, missing scores, and those set aside as well."""
    frame = make({"text": ["a", None, "c"]})
    with FakeOpenRouter(*[500] * 9) as client:
        ranking = rank(client, frame, key="text", top_n=2, on_failure="keep_order")

    assert read_columns(ranking.to_frame(), "text", "score", "position") == [
        ["a", None],
        [None, None],
        [0, 1],
    ]
    assert ranking.set_aside == [1]
    assert isinstance(ranking.failure, errors.InternalServerResponseError)


def test_missing_values_are_set_aside(make: Any, rank: Any) -> None:
    """A missing or blank text is left out, and refused where that is asked for."""
    frame = make({"text": ["a", None, "c", " "]})
    with FakeOpenRouter(answer(scores=[0.1, 0.2])) as client:
        ranking = rank(client, frame, key="text")
        with pytest.raises(ValueError, match="blank at positions 1, 3"):
            rank(client, frame, key="text", unrankable="raise")

    assert [body["documents"] for body in client.bodies] == [["a", "c"]]
    assert ranking.set_aside == [1, 3]
    assert read_columns(ranking.to_frame(), "text", "position") == [["c", "a"], [2, 0]]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_pandas_has_several_kinds_of_missing(missing: object) -> None:
    """None, NaN, NA and NaT are missing, in a column of documents and in one among `fields`."""
    frame = pd.DataFrame({"text": pd.Series(["a", missing], dtype=object)})
    with FakeOpenRouter() as client:
        ranking = client.rerank.rank(frame, key="text", **ASK)
        client.rerank.rank(frame, fields=["text"], **ASK)

    assert [body["documents"] for body in client.bodies] == [["a"], ['text: "a"']]
    assert ranking.set_aside == [1]


@pytest.mark.parametrize("dtype", ["string", "category", "object"])
def test_pandas_has_several_kinds_of_text(dtype: str) -> None:
    """Text is text whatever the type of its column, which `to_frame` keeps."""
    frame = pd.DataFrame({"text": pd.Series(["a", None], dtype=dtype)})
    with FakeOpenRouter() as client:
        ranking = client.rerank.rank(frame, key="text", **ASK)

    assert client.bodies[0]["documents"] == ["a"]
    assert ranking.to_frame()["text"].dtype == frame["text"].dtype


def test_fields_are_columns(make: Any, rank: Any) -> None:
    """Several columns make a document, in the order of `fields` and without what is missing."""
    frame = make({**PLACES, "year": [1889, None, 1811], "tags": [["a", "b"], [], ["c"]]})
    with FakeOpenRouter() as client:
        ranking = rank(client, frame, fields=["text", "name", "tags"])

    assert client.bodies[0]["documents"] == [
        'text: "in France"\nname: "Paris"\ntags: ["a", "b"]',
        'text: "in Italy"\nname: "Rome"\ntags: []',
        'text: "in Norway"\nname: "Oslo"\ntags: ["c"]',
    ]
    assert read_columns(ranking.to_frame(), "name") == [PLACES["name"]]


def test_cells_that_are_arrays_are_lists() -> None:
    """What pandas reads of a Parquet file as arrays is sent as lists."""
    array = pd.Series([1, 2]).to_numpy()
    frame = pd.DataFrame({"sizes": pd.Series([array], dtype=object)})
    with FakeOpenRouter() as client:
        client.rerank.rank(frame, fields=["sizes"], **ASK)

    assert client.bodies[0]["documents"] == ["sizes: [1, 2]"]


def test_key_and_fields_together(make: Any) -> None:
    """A column of structs is ranked by the fields of these."""
    frame = make({"page": [{"title": "a", "text": "b"}, {"title": "c", "text": "d"}]})
    with FakeOpenRouter() as client:
        client.rerank.rank(frame, key="page", fields=["title"], **ASK)

    assert client.bodies[0]["documents"] == ['title: "a"', 'title: "c"']


def test_pandas_index_is_kept() -> None:
    """Rows keep their labels, also where one appears twice."""
    frame = pd.DataFrame(PLACES, index=["x", "x", "y"])
    with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9])) as client:
        ranked = client.rerank.rank(frame, key="text", **ASK).to_frame()

    assert list(ranked.index) == ["y", "x", "x"]
    assert read_columns(ranked, "name", "score") == [["Oslo", "Paris", "Rome"], [0.9, 0.2, 0.1]]


def test_empty_frame_sends_nothing(make: Any, rank: Any) -> None:
    """A frame without rows gives one without rows, with both columns."""
    with FakeOpenRouter() as client:
        ranked = rank(client, make(PLACES)[:0], key="text").to_frame()

    assert client.requests == []
    assert ranked.shape == (0, 4)
    assert list(ranked.columns) == ["name", "text", "score", "position"]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"key": "txt"}, ValueError, "key: no column 'txt' among 'name', 'text'$"),
        ({"fields": ["name", "txt"]}, ValueError, "fields: no column 'txt' among 'name', 'text'$"),
        ({"fields": []}, ValueError, "fields: must not be empty"),
        ({"fields": "text"}, TypeError, "fields: expected a list of names"),
        ({}, TypeError, 'pass key="column" or fields='),
        ({"key": itemgetter("text")}, TypeError, 'pass key="column" or fields='),
        ({"key": "size"}, TypeError, r"documents\[0\]: expected str"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    make: Any, rank: Any, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    """A frame without a column to rank is refused before anything is sent."""
    frame = make(PLACES if given != {"key": "size"} else {"size": [1, 2]})
    with FakeOpenRouter() as client, pytest.raises(error, match=message):
        rank(client, frame, **given)

    assert client.requests == []


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["text", "text"], "key: several columns are named 'text'"),
        ([*map(str, range(12))], "among '0', '1', '2', .*'9' and 2 more$"),
        ([], "no column 'text' among none"),
        ([("text", "a"), ("text", "b")], "no column 'text' among \\('text', 'a'\\)"),
    ],
)
def test_columns_of_pandas_can_be_odd(columns: Sequence[Any], message: str) -> None:
    """Columns of one name, of many, of none and of several levels are told apart."""
    names = pd.MultiIndex.from_tuples(columns) if columns[:1] == [("text", "a")] else columns
    frame = pd.DataFrame([["x"] * len(columns)], columns=names)
    with FakeOpenRouter() as client, pytest.raises(ValueError, match=message):
        client.rerank.rank(frame, key="text", **ASK)


NO_FRAMES: list[tuple[Any, str]] = [
    (pl.LazyFrame(PLACES), "LazyFrame; collect\\(\\) it first"),
    (pl.Series(["a"]), "Series; pass a function"),
    (pd.Series(["a"]), "Series; pass a function"),
    (import_module("pyarrow").table(PLACES), "Table; pass its to_pandas\\(\\)"),
    ([{"text": "a"}], "list; pass a function"),
]


@pytest.mark.parametrize(("items", "message"), NO_FRAMES)
def test_columns_are_for_frames(items: Any, message: str, rank: Any) -> None:
    """Where there is no column, the name of one is refused, with what to pass instead."""
    with FakeOpenRouter() as client, pytest.raises(TypeError, match=message):
        rank(client, items, key="text")

    assert client.requests == []


def test_frame_that_was_ranked_can_be_ranked(make: Any) -> None:
    """A second stage names its own columns; those of the first are never overwritten."""
    with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9]), answer(scores=[0.3, 0.4])) as client:
        first = client.rerank.rank(make(PLACES), key="text", top_n=2, **ASK).to_frame()
        second = client.rerank.rank(first, key="text", **ASK)
        with pytest.raises(ValueError, match="has 'score' and 'position' already") as caught:
            second.to_frame()
        with pytest.raises(ValueError, match="both 'a'"):
            second.to_frame(score="a", position="a")
        ranked = second.to_frame(score="rerank_score", position="rerank_position")

    assert 'to_frame(score="rerank_score", position="rerank_position")' in str(caught.value)
    assert read_columns(ranked, "name", "score", "rerank_score", "rerank_position") == [
        ["Paris", "Oslo"],
        [0.2, 0.9],
        [0.4, 0.3],
        [1, 0],
    ]


def test_frame_has_what_is_left_of_the_list(make: Any) -> None:
    """What is taken out of the ranking, or put in another order, is so in the frame."""
    with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9])) as client:
        ranking = client.rerank.rank(make(PLACES), key="text", **ASK)
    ranking.pop(0)
    ranking.reverse()

    assert read_columns(ranking.to_frame(), "name", "position") == [["Rome", "Paris"], [1, 0]]


@pytest.mark.parametrize("kind", KINDS)
def test_frame_that_changes_afterwards(kind: str) -> None:
    """What is done to a frame after the call changes nothing in the ranking."""
    frame = KINDS[kind](PLACES)
    with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9])) as client:
        ranking = client.rerank.rank(frame, key="text", **ASK)
    frame.pop("name") if kind == "pandas" else frame.drop_in_place("name")

    assert read_columns(ranking.to_frame(), "name") == [["Oslo", "Paris", "Rome"]]


def test_frames_in_batches_and_passages(make: Any) -> None:
    """Batches merge, and the span of each row stands in the text of its column."""
    texts = ["First. " * 20 + "The end.", "Short."]
    passages = Passages(max_tokens=16)
    with FakeOpenRouter(200, 200, 200, 200) as client:
        batched = client.rerank.rank(make(PLACES), key="text", batch_size=2, **ASK)
        split = client.rerank.rank(make({"text": texts}), key="text", passages=passages, **ASK)

    assert sorted(read_columns(batched.to_frame(), "position")[0]) == [0, 1, 2]
    for row, ranked in zip(split.to_frame()["text"], split, strict=True):
        assert ranked.span is not None
        assert row[slice(*ranked.span)] in client.bodies[2]["documents"]


def test_views_of_a_client_rank_frames(make: Any) -> None:
    """A client with other options takes frames as well."""
    with FakeOpenRouter(answer(scores=[0.2, 0.1, 0.9])) as client:
        view: OpenRouter = client.with_options(min_score=0.15)
        ranked = view.rerank.rank(make(PLACES), key="text", **ASK).to_frame()

    assert read_columns(ranked, "name") == [["Oslo", "Paris"]]


def test_list_gives_no_frame() -> None:
    """A ranking that was not made of a frame says so."""
    with FakeOpenRouter() as client:
        ranking = client.rerank.rank(["a"], **ASK)

    with pytest.raises(TypeError, match="the items were not a DataFrame"):
        ranking.to_frame()


def test_checkers_know_the_frame() -> None:
    """The frame that comes back has the type of the one that was given."""
    with FakeOpenRouter() as client:
        ranking = client.rerank.rank(pl.DataFrame(PLACES), key="text", model="m", query="q")

    assert_type(ranking, FrameRanking[pl.DataFrame])
    assert_type(ranking.to_frame(), pl.DataFrame)
    assert ranking.to_frame().height == len(PLACES["text"])


def test_neither_library_is_imported() -> None:
    """A program that has no frames imports neither library."""
    program = (
        "import sys\n"
        "from openrouter_rerank.testing import FakeOpenRouter\n"
        "with FakeOpenRouter() as client:\n"
        "    client.rerank.rank(['a'], query='q', model='m')\n"
        "print({'narwhals', 'numpy', 'pandas', 'polars'} & sys.modules.keys())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    assert done.stdout == "set()\n"
