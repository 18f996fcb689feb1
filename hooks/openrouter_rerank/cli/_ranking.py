"""From the command line's documents to the API's response."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import httpx

from openrouter_rerank import OpenRouter, RetryConfig
from openrouter_rerank._call.config import DEFAULT_DEADLINE_MS
from openrouter_rerank.cli._documents import Document, parse_documents
from openrouter_rerank.cli._failures import CommandError, local_failures, refused_arguments
from openrouter_rerank.cli._statuses import USAGE
from openrouter_rerank.operations import CreateRerankResponseBody

DEFAULT_MODEL = "cohere/rerank-v3.5"
STANDARD_INPUT = "-"


def gather_documents(file: str | None, texts: Sequence[str]) -> list[Document]:
    """
    Collect the documents of a file and those of the command line, in this order.

    Args:
        file: A path, or `-` for standard input. None reads standard input if there are no texts.
        texts: The documents on the command line.

    Raises:
        CommandError: Without any source, when standard input is a terminal (status 2); when the
            file cannot be opened (status 2); for what `parse_documents` refuses (status 1).
    """
    if file is None and texts:
        return list(texts)
    if file is None and _is_stdin_terminal():
        raise CommandError(
            "no documents. Give a FILE, --document TEXT, or documents on standard input.", USAGE
        )
    if file is None or file == STANDARD_INPUT:
        return [*parse_documents(_read_stdin(), "standard input"), *texts]
    return [*parse_documents(_read_file(file), file), *texts]


def request_ranking(
    query: str, documents: Sequence[Document], *, model: str, top_n: int | None, local: bool
) -> CreateRerankResponseBody:
    """
    Have the documents ranked by OpenRouter or on this machine.

    Args:
        query: What the documents are compared with.
        documents: At least one.
        model: The model's slug.
        top_n: How many results to ask for; None for all.
        local: Whether to rank on this machine.

    Raises:
        CommandError: For an argument that the client refuses (status 2), and when the extra
            `local` is missing.
        OpenRouterError: When the call fails.
    """
    with local_failures(), refused_arguments("rank"), open_client(local=local) as client:
        return client.rerank.rerank(query=query, documents=documents, model=model, top_n=top_n)


def open_client(
    *,
    local: bool,
    retry_config: RetryConfig | None = None,
    deadline_ms: float = DEFAULT_DEADLINE_MS,
) -> AbstractContextManager[OpenRouter]:
    """
    Open a client of the API that the environment names, or of the model on this machine.

    Args:
        local: Whether to rank on this machine.
        retry_config: When to try again; None is the client's own policy.
        deadline_ms: Limit for a whole call, in milliseconds; on this machine there is none.

    Raises:
        MissingExtraError: When a package of the extra `local` is not installed.
        ModelFileError: When the model's file is not the expected one.
    """
    if not local:
        return OpenRouter(retry_config=retry_config, deadline_ms=deadline_ms)
    from openrouter_rerank.local import MiniLMRanker, client

    ranker = MiniLMRanker()
    # Loaded by the first request, a damaged model would be no more than an internal server error.
    ranker.load()
    # Ten thousand documents take minutes, and whoever does not want to wait has Ctrl-C.
    return client(ranker=ranker, timeout=httpx.Timeout(None), deadline_ms=None)


def _is_stdin_terminal() -> bool:
    # The interpreter sets None when the descriptor is closed.
    return sys.stdin is None or sys.stdin.isatty()  # pyright: ignore[reportUnnecessaryComparison]


def _read_stdin() -> bytes:
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise CommandError(f"cannot read standard input: {error.strerror}. Give a FILE.") from error


def _read_file(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"cannot read {file}: {reason}. Check the path.", USAGE) from error
