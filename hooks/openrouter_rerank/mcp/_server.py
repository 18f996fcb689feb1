"""The server and its tools."""

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import Field

from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank._client import OpenRouter
from openrouter_rerank._ranking import Ranking
from openrouter_rerank._version import __version__
from openrouter_rerank.errors import OpenRouterError

from ._answers import DocumentRanking, LineRanking, answer_documents, answer_lines
from ._folder import AllowedFolder, Line, RefusedPathError

MAX_LINES = 1000
INSTRUCTIONS = (
    "Orders texts by how relevant they are to a query, with a rerank model. Use it after a search "
    "that found more than can be read. An answer with reranked false has the order given: go on "
    "with it."
)
# The API is a world of its own, but nothing there or here is changed.
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=True)

T = TypeVar("T")
Query = Annotated[str, Field(description="What the texts are compared with, such as a question.")]
TopN = Annotated[int | None, Field(ge=1, description="How many results to return; null for all.")]


def create_server(
    client: OpenRouter,
    *,
    model: str = DEFAULT_MODEL,
    folder: str | os.PathLike[str] | None = None,
    max_lines: int = MAX_LINES,
) -> MCPServer:
    """
    Make an MCP server whose tools rank texts.

    `rerank_documents` ranks the documents that it is given. `rerank_file_lines` ranks the lines of
    files below `folder`, and is there only with one. When a call fails or is late, a tool answers
    with the order given and says so (`on_failure="keep_order"`); a key that is wrong is an error.

    Args:
        client: What the tools call; it is not closed here. Its deadline, fallbacks, cache and
            passages hold: a host waits for a tool for about a minute, so set `deadline_ms`.
        model: Slug of the rerank model.
        folder: The folder whose files may be read. No path and no link leads out of it.
        max_lines: How many lines one call may rank, at least 1; a call with more is an error.

    Returns:
        The server, for `run()`, `run_stdio_async()` or an ASGI application of its own. Standard
        output belongs to the protocol while it runs; what is to be logged goes to standard error.

    Raises:
        OSError: There is no such folder.
        ValueError: `max_lines` is less than 1.
    """
    if max_lines < 1:
        raise ValueError("max_lines: must be at least 1")
    server = MCPServer(
        "openrouter-rerank", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    ranker = _Ranker(client, model)
    tools = [_make_document_tool(ranker)]
    if folder is not None:
        tools.append(_make_line_tool(ranker, AllowedFolder(folder), max_lines))
    for tool in tools:
        # The package would take the indentation along.
        server.add_tool(tool, description=inspect.getdoc(tool), annotations=READ_ONLY)
    return server


class _Ranker:
    """Ranks with one model, and turns what went wrong into a tool's error."""

    def __init__(self, client: OpenRouter, model: str) -> None:
        self._client = client
        self._model = model

    async def rank(
        self, items: Sequence[T], query: str, top_n: int | None, key: Callable[[T], str]
    ) -> Ranking[T]:
        """
        Rank, or keep the order.

        Raises:
            ToolError: The key is wrong, or an argument is one that the API would refuse.
        """
        try:
            return await self._client.rerank.rank_async(
                items,
                key=key,
                query=query,
                model=self._model,
                top_n=top_n,
                on_failure="keep_order",
                unrankable="set_aside",
            )
        except OpenRouterError as error:
            raise ToolError(error.message or type(error).__name__) from error
        except (TypeError, ValueError) as error:
            raise ToolError(str(error)) from error


def _make_document_tool(ranker: _Ranker) -> Callable[..., object]:
    async def rerank_documents(
        query: Query,
        documents: Annotated[list[str], Field(description="The texts to put in order.")],
        top_n: TopN = None,
    ) -> Annotated[CallToolResult, DocumentRanking]:
        """
        Order documents by how relevant they are to a query, the most relevant first.

        If reranking fails, the documents come in the order given, and reranked is false.
        """
        return answer_documents(await ranker.rank(documents, query, top_n, str))

    return rerank_documents


def _make_line_tool(
    ranker: _Ranker, folder: AllowedFolder, max_lines: int
) -> Callable[..., object]:
    async def rerank_file_lines(
        query: Query,
        files: Annotated[
            str,
            Field(
                description="A path below the folder, or a pattern such as *.txt or **/*.md, where "
                "** stands for any folders."
            ),
        ],
        top_n: TopN = 10,
    ) -> Annotated[CallToolResult, LineRanking]:
        """
        Find the lines of text files that are most relevant to a query, with their line numbers.

        Blank lines are left out. If reranking fails, the first lines come as they stand in the
        files, and reranked is false.
        """
        try:
            found = await anyio.to_thread.run_sync(folder.read_lines, files, max_lines)
        except RefusedPathError as error:
            raise ToolError(str(error)) from error
        if not found.lines:
            reasons = "".join(f"; {file}: {reason}" for file, reason in found.skipped.items())
            raise ToolError(f"{files!r} names no file with lines{reasons}")
        ranking = await ranker.rank(found.lines, query, top_n, _read_text)
        return answer_lines(ranking, found)

    return rerank_file_lines


def _read_text(line: Line) -> str:
    return line.text
