"""What the tools answer: fields for programs, and the same as text."""

from collections.abc import Iterable, Mapping
from typing import Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel, Field

from openrouter_rerank._ranking import Ranked, Ranking

from ._folder import FolderLines, Line

PREVIEW_CHARS = 100


class Passage(BaseModel):
    """Where the passage that has the score stands in the text, in characters."""

    start: int
    end: int


class Scored(BaseModel):
    """What every result has."""

    score: float | None = Field(
        description="Higher is more relevant; null if the order was kept. Scores of different "
        "models do not compare."
    )
    text: str
    passage: Passage | None = Field(
        default=None, description="The best passage of a text that was split."
    )


class RankedDocument(Scored):
    """A document with its score."""

    index: int = Field(description="The position among the documents that were given, from 0.")


class RankedLine(Scored):
    """A line with its score."""

    file: str = Field(description="The file's path below the folder.")
    line: int = Field(description="The number of the line, from 1.")


class Origin(BaseModel):
    """How the order came about."""

    reranked: bool = Field(
        description="Whether a model ordered the results. If not, they have the order in which "
        "they came, and no scores."
    )
    failure: str | None = Field(description="Why no model ordered them; null if one did.")
    model: str | None = Field(description="The model that ordered them; null if none did.")
    cost: float | None = Field(description="The price in credits; null if it is unknown.")


class DocumentRanking(Origin):
    """Documents in order."""

    results: list[RankedDocument] = Field(description="The most relevant first.")
    set_aside: list[int] = Field(
        description="The positions of documents that cannot be ranked, such as blank ones."
    )


class LineRanking(Origin):
    """Lines of files in order."""

    results: list[RankedLine] = Field(description="The most relevant first.")
    line_count: int = Field(description="How many lines were compared.")
    skipped: dict[str, str] = Field(
        description="Files that were not read, with the reason; the first ones if they are many."
    )
    skipped_count: int = Field(description="How many files were not read.")


def answer_documents(ranking: Ranking[str]) -> CallToolResult:
    """Make the answer about documents."""
    answer = DocumentRanking(
        **_read_origin(ranking),
        results=[
            RankedDocument(index=ranked.index, text=ranked.item, **_read_score(ranked))
            for ranked in ranking
        ],
        set_aside=list(ranking.set_aside),
    )
    shown = (f"[{result.index}] {_preview(result.text)}" for result in answer.results)
    return _answer(answer, shown, answer.results)


def answer_lines(ranking: Ranking[Line], found: FolderLines) -> CallToolResult:
    """Make the answer about lines of files."""
    answer = LineRanking(
        **_read_origin(ranking),
        results=[
            RankedLine(
                file=ranked.item.file,
                line=ranked.item.number,
                text=ranked.item.text,
                **_read_score(ranked),
            )
            for ranked in ranking
        ],
        line_count=len(found.lines),
        skipped=found.skipped,
        skipped_count=found.skipped_count,
    )
    shown = (f"{result.file}:{result.line}: {result.text}" for result in answer.results)
    notes = [f"not read: {file}: {reason}" for file, reason in found.skipped.items()]
    if found.skipped_count > len(notes):
        notes.append(f"not read: {found.skipped_count - len(notes):,} more files")
    return _answer(answer, shown, answer.results, notes)


def _read_origin(ranking: Ranking[Any]) -> Mapping[str, Any]:
    failure = ranking.failure
    return {
        "reranked": ranking.reranked,
        "failure": None if failure is None else failure.message or type(failure).__name__,
        "model": ranking.model if ranking.reranked else None,
        "cost": ranking.cost,
    }


def _read_score(ranked: Ranked[Any]) -> Mapping[str, Any]:
    span = None if ranked.span is None else Passage(start=ranked.span[0], end=ranked.span[1])
    return {"score": ranked.score, "passage": span}


def _answer(
    answer: Origin, shown: Iterable[str], scored: Iterable[Scored], notes: Iterable[str] = ()
) -> CallToolResult:
    if answer.reranked:
        head = f"Ordered by relevance, by {answer.model}:"
    else:
        head = f"NOT RERANKED, the order is the one given: {answer.failure}"
    lines = [
        f"{place}. {'' if result.score is None else f'{result.score:.4f} '}{text}"
        for place, (text, result) in enumerate(zip(shown, scored, strict=True), start=1)
    ]
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join([head, *lines, *notes]))],
        structured_content=answer.model_dump(mode="json"),
    )


def _preview(text: str) -> str:
    """Return the beginning of a text that the asker has, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW_CHARS else f"{line[:PREVIEW_CHARS]}..."
