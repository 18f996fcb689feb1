"""Every ability by every way in; the table in docs/abilities.md is what these tests find."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from forking.processes import ForkServer
from integration.resilience.edges import DOCUMENTS, EDGES, Outcome, Reply, serving
from openrouter_rerank import DiskCache, Passages
from openrouter_rerank._cache.store import CacheBy
from openrouter_rerank.local import LOCAL

PAGE = Path(__file__).parents[3] / "docs" / "abilities.md"
GONE: Reply = (404, {"error": {"code": 404, "message": "gone"}})
SUGGESTION = {"fallback_models": ["b"], "retryable": False}
ELSEWHERE: Reply = (
    404,
    {"error": {"code": 404, "message": "gone", "availability": SUGGESTION}},
)
Use = Callable[..., Outcome]

CONTRACT = "it returns the contract's reply, whose score is a required number"
RAW = "it returns the reply of one request"
NO_LINE = "a failed job has no line in the output, so that `--resume` sends it again"
METHODS = frozenset({"`rerank`", "`rerank_async`", "`rerank_batched`", "`with_raw_response`"})
# What an edge does not have, and why.
REASONS: dict[str, dict[str, str]] = {
    "`on_failure`": {**dict.fromkeys(METHODS, CONTRACT), "command `batch`": NO_LINE},
    "`fallback_models`": {"`with_raw_response`": RAW},
    "`LOCAL`": {"`with_raw_response`": RAW},
    "`follow_fallbacks`": {"`with_raw_response`": RAW},
    "a document set aside": {
        "command `rank`": "blank lines are no documents, and other blank documents are refused",
    },
    "`fields`": {"MCP": "its documents are texts"},
}


def check_on_failure(use: Use) -> None:
    """A failure keeps the order, cut, without scores."""
    with serving(GONE) as server:
        outcome = use(server.url, DOCUMENTS, on_failure="keep_order", top_n=1)
    assert (outcome.order, outcome.scores, outcome.model) == ([0], [None], None)


def check_fallback_models(use: Use) -> None:
    """Another model answers, and is named."""
    with serving(GONE) as server:
        outcome = use(server.url, DOCUMENTS, fallback_models=["b"])
    assert [body["model"] for body in server.bodies] == ["m", "b"]
    assert (outcome.order, outcome.model) == ([1, 0], "b")


def check_local(use: Use) -> None:
    """The model on this machine answers for real, and is named."""
    with serving(GONE) as server:
        outcome = use(server.url, DOCUMENTS, fallback_models=[LOCAL])
    assert (outcome.order, outcome.model, outcome.cost) == ([1, 0], "local/minilm", 0.0)
    assert all(score is not None for score in outcome.scores)


def check_follow_fallbacks(use: Use) -> None:
    """The model that the server names answers."""
    with serving(ELSEWHERE) as server:
        outcome = use(server.url, DOCUMENTS, follow_fallbacks=True)
    assert [body["model"] for body in server.bodies] == ["m", "b"]
    assert outcome.model == "b"


def check_min_score(use: Use) -> None:
    """Lower scores are dropped."""
    with serving() as server:
        assert use(server.url, DOCUMENTS, min_score=0.5).order == [1]


def check_model_and_cost(use: Use) -> None:
    """The caller learns who answered and at what price."""
    with serving() as server:
        outcome = use(server.url, DOCUMENTS)
    assert (outcome.model, outcome.cost) == ("m", 0.125)


def check_set_aside(use: Use) -> None:
    """A blank document does not sink the others."""
    documents = [DOCUMENTS[0], " ", DOCUMENTS[1]]
    with serving() as server:
        outcome = use(server.url, documents, unrankable="set_aside")
    assert server.bodies[0]["documents"] == DOCUMENTS
    scored = zip(outcome.order, outcome.scores, strict=True)
    assert [at for at, score in scored if score is not None] == [2, 0]


def check_fields(use: Use) -> None:
    """Fields of the documents are sent, as YAML in their order."""
    documents = [
        {"text": text, "title": name, "id": 7} for name, text in zip("ab", DOCUMENTS, strict=True)
    ]
    with serving() as server:
        assert use(server.url, documents, fields=["title", "text"]).order == [1, 0]
    assert server.bodies[0]["documents"] == [
        f'title: "a"\ntext: "{DOCUMENTS[0]}"',
        f'title: "b"\ntext: "{DOCUMENTS[1]}"',
    ]


def check_cache(use: Use, by: CacheBy) -> None:
    """The second time nothing is sent, and nothing is paid."""
    with serving() as server, TemporaryDirectory() as folder:
        first, second = (
            use(server.url, DOCUMENTS, cache=DiskCache(folder, by=by)) for _ in range(2)
        )
    assert len(server.bodies) == 1
    assert (second.order, second.scores) == (first.order, first.scores)
    assert (second.model, first.cost, second.cost) == ("m", 0.125, 0.0)


def check_cache_by_document(use: Use) -> None:
    """Only documents that were not ranked before are sent."""
    check_cache(use, "document")
    with serving() as server, TemporaryDirectory() as folder:
        cache = DiskCache(folder, by="document")
        use(server.url, DOCUMENTS[:1], cache=cache)
        assert len(use(server.url, DOCUMENTS, cache=cache).order) == 2
    assert server.bodies[1]["documents"] == DOCUMENTS[1:]


def check_passages(use: Use) -> None:
    """A long document is sent in passages, has its best one's score, and is told where it is."""
    first, second = "One sentence is here.", "Another one is there."
    documents = [f"{first} {second}", DOCUMENTS[1]]
    with serving() as server:
        outcome = use(server.url, documents, passages=Passages(10), top_n=2)
    (body,) = server.bodies
    assert body["documents"] == [first, second, DOCUMENTS[1]]
    assert "top_n" not in body
    assert (outcome.order, outcome.scores) == ([0, 1], [0.75, 0.5])
    span = (len(first) + 1, len(documents[0]))
    assert list(outcome.spans) == [span, (0, len(DOCUMENTS[1]))]


ABILITIES: dict[str, Callable[[Use], None]] = {
    "`on_failure`": check_on_failure,
    "`fallback_models`": check_fallback_models,
    "`LOCAL`": check_local,
    "`follow_fallbacks`": check_follow_fallbacks,
    "`min_score`": check_min_score,
    "model and cost are told": check_model_and_cost,
    "a document set aside": check_set_aside,
    "`fields`": check_fields,
    "`cache`": partial(check_cache, by="request"),
    "`cache` by document": check_cache_by_document,
    "`passages`": check_passages,
}
CELLS = [(ability, edge) for ability in ABILITIES for edge in EDGES]


@pytest.mark.parametrize(("ability", "edge"), CELLS, ids=map("-".join, CELLS))
def test_cell(ability: str, edge: str, tmp_path: Path, fork_server: ForkServer) -> None:
    """An edge has the ability; or it refuses it, and the table says why."""

    def use(*arguments: Any, **options: Any) -> Outcome:
        if edge.startswith("command"):
            options |= {"commands": fork_server, "folder": tmp_path}
        return EDGES[edge](*arguments, **options)

    if edge not in REASONS.get(ability, {}):
        ABILITIES[ability](use)
        return
    with pytest.raises(
        (TypeError, AssertionError), match=r"unexpected|No such option|a raw reply|is blank"
    ):
        ABILITIES[ability](use)


def test_page_shows_every_cell() -> None:
    """The page has each edge and each ability, and no cell without a word."""
    table = draw_table()
    if os.environ.get("UPDATE_DOCS"):
        head, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- table -->\n")
        tail = rest.partition("<!-- end of table -->")[2]
        page = f"{head}<!-- table -->\n{table}<!-- end of table -->{tail}"
        PAGE.write_text(page, encoding="utf-8")
    assert table in PAGE.read_text(encoding="utf-8")


def draw_table() -> str:
    """Draw the table in Markdown, an edge a row, with the reasons below it."""
    reasons = list(dict.fromkeys(why for whys in REASONS.values() for why in whys.values()))
    lines = [
        f"| | {' | '.join(ABILITIES)} |",
        f"|---|{'---|' * len(ABILITIES)}",
    ]
    for edge in EDGES:
        whys = [REASONS.get(ability, {}).get(edge) for ability in ABILITIES]
        cells = ["yes" if why is None else f"no ({reasons.index(why) + 1})" for why in whys]
        lines.append(f"| {edge} | {' | '.join(cells)} |")
    notes = [f"{number}. {why[0].upper()}{why[1:]}." for number, why in enumerate(reasons, 1)]
    return "\n".join([*lines, "", *notes, ""])
