"""Results as lines of a table."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from openrouter_rerank.operations import DocumentResponse, Result

from ._text import to_one_line

BAR_COLUMNS = 10
MIN_TEXT_COLUMNS = 10
MAX_IMAGE_CHARACTERS = 60
MIN_DECIMALS = 4
MAX_DECIMALS = 10

_GAP = "  "
_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def draw_table(
    results: Sequence[Result], console: Console, *, has_scores: bool = True
) -> Iterator[Text]:
    """
    Draw a head line and one line for each result, the best first.

    The columns are the rank (from 1), the relevance score, a bar of it, the document's position
    among those sent (from 0), and the document, cut to the console's width.

    Args:
        results: As the API gave them.
        console: Where the lines will go.
        has_scores: Whether they have scores; if not, there is a dash instead of each.
    """
    values = [result.relevance_score if has_scores else 0.0 for result in results]
    scores = format_scores(values) if has_scores else ["-"] * len(values)
    score_columns = max(map(len, ("score", *scores)))
    index_columns = max(map(len, ("index", *(str(result.index) for result in results))))
    # The scores of known models are between 0 and 1, but the contract does not say so.
    full = max([1.0, *values])
    head = (
        "rank",
        "score".rjust(score_columns),
        "".ljust(BAR_COLUMNS),
        "index".rjust(index_columns),
        "document",
    )
    yield Text(_GAP.join(head), style="bold", no_wrap=True)
    rows = zip(results, values, scores, strict=True)
    for rank, (result, value, score) in enumerate(rows, start=1):
        line = Text(no_wrap=True)
        line.append(f"{rank:>4}{_GAP}{score.rjust(score_columns)}{_GAP}")
        bar = draw_bar(value / full, ascii_only=console.options.ascii_only)
        line.append(bar.ljust(BAR_COLUMNS), style="cyan")
        line.append(f"{_GAP}{result.index:>{index_columns}}{_GAP}")
        document = Text(describe_document(result.document, is_raw=not console.is_terminal))
        document.truncate(max(console.width - line.cell_len, MIN_TEXT_COLUMNS), overflow="ellipsis")
        yield line.append_text(document)


def format_scores(scores: Sequence[float]) -> list[str]:
    """Write scores with as many decimals, at least 4, as tell different ones apart, and from 0."""
    different = len({*scores, 0.0})
    for decimals in range(MIN_DECIMALS, MAX_DECIMALS + 1):
        shown = [f"{score:.{decimals}f}" for score in scores]
        if len({float(text) for text in [*shown, "0"]}) == different:
            return shown
    return list(map(repr, scores))


def draw_bar(share: float, *, ascii_only: bool) -> str:
    """Draw a share between 0 and 1 as at most `BAR_COLUMNS` characters; others are clamped."""
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        return "#" * round(share * BAR_COLUMNS)
    whole, eighths = divmod(round(share * BAR_COLUMNS * len(_EIGHTHS)), len(_EIGHTHS))
    return "█" * whole + _EIGHTHS[eighths]


def describe_document(document: DocumentResponse, *, is_raw: bool = False) -> str:
    """
    Show a document on one line.

    White space becomes single spaces. An image is its URL, cut to `MAX_IMAGE_CHARACTERS`.

    Args:
        document: As the API gave it.
        is_raw: Whether to leave characters that could deceive or drive a terminal as they are;
            otherwise they become U+FFFD.
    """
    fields = document.to_dict()
    image = fields.get("image")
    parts = [fields.get("text"), image and _cut(image)]
    text = " ".join(part for part in parts if part)
    return " ".join(text.split()) if is_raw else to_one_line(text)


def _cut(url: str) -> str:
    return url if len(url) <= MAX_IMAGE_CHARACTERS else f"{url[: MAX_IMAGE_CHARACTERS - 1]}…"
