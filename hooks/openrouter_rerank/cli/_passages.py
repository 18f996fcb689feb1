"""The options of `rank` and `batch` that say how long documents are split."""

from collections.abc import Sequence
from typing import Annotated

import typer

from openrouter_rerank import Passages
from openrouter_rerank._call.defaults import LOCAL_NAME

from ._errors import UsageError
from ._fallbacks import find_ranker

PassageTokens = Annotated[
    int | None,
    typer.Option(
        "--passages",
        min=1,
        metavar="TOKENS",
        help="Split longer documents where sentences end, and rank them by their best passage.",
    ),
]
PassageOverlap = Annotated[
    int | None,
    typer.Option(
        "--passage-overlap",
        min=0,
        metavar="TOKENS",
        help="How much a passage may repeat of the one before it; nothing by default.",
    ),
]


def read_passages(
    max_tokens: int | None, overlap: int | None, *, local: bool, fallback_models: Sequence[str]
) -> Passages | None:
    """
    Return how documents are split; None if they are not.

    The first model on this machine that may rank counts, and else four bytes are a token.

    Raises:
        MissingExtraError: The model is to count, and the extra `local` is not installed.
        ModuleNotFoundError: The extra `passages` is not installed.
        UsageError: There is an overlap of no passages.
        ValueError: The overlap is not below the size, or there is no such model on this machine.
    """
    if max_tokens is None:
        if overlap is not None:
            raise UsageError("--passage-overlap needs --passages TOKENS.")
        return None
    rankers = map(find_ranker, [LOCAL_NAME] if local else fallback_models)
    counting = next((ranker for ranker in rankers if ranker is not None), None)
    count = None if counting is None else counting.count_tokens
    return Passages(max_tokens, overlap or 0, count=count)
