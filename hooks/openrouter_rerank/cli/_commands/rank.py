"""The command `rank`: one query, and documents from a file or the command line."""

from collections.abc import Sequence
from typing import Annotated

import typer

from openrouter_rerank.cli._client import DEFAULT_MODEL, open_client
from openrouter_rerank.cli._documents import Document, read_documents
from openrouter_rerank.cli._errors import convert_argument_errors, convert_local_errors
from openrouter_rerank.cli._stdout import open_console, write_json, write_lines
from openrouter_rerank.cli._tables import draw_table
from openrouter_rerank.operations import CreateRerankResponseBody


def rank(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to compare with.")],
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|-]", help="Documents, one a line; - is standard input."),
    ] = None,
    document: Annotated[
        list[str] | None,
        typer.Option(
            "--document", metavar="TEXT", help="A document; may be repeated. It comes after FILE's."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="The model.")
    ] = DEFAULT_MODEL,
    top_n: Annotated[
        int | None,
        typer.Option(
            "--top-n", min=1, metavar="N", help="How many results to show; all by default."
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Rank on this machine: no key, no server, no network.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the API's response as JSON, in UTF-8.")
    ] = False,
) -> None:
    """
    Order documents by their relevance to QUERY.

    FILE is UTF-8. Blank lines are skipped. If every other line is a JSON string or a JSON object,
    the file is JSON Lines: an object has "text", "image" (a URL) or both. Otherwise each line is a
    document as it stands; but a file in which an object with "text" or "image" stands beside a line
    that is not JSON is refused. Without FILE and --document, standard input is read.

    The key is read from OPENROUTER_API_KEY, the API's URL from OPENROUTER_BASE_URL.

    The table has the rank, the score, the document's position in the input (from 0) and the
    document, cut to the terminal's width (or COLUMNS); in a pipe it is not cut.
    """
    documents = read_documents(file, document or [])
    response = _request_ranking(query, documents, model=model, top_n=top_n, local=local)
    if as_json:
        write_json(response.to_dict())
        return
    console = open_console()
    write_lines(console, draw_table(response.results, console))


def _request_ranking(
    query: str, documents: Sequence[Document], *, model: str, top_n: int | None, local: bool
) -> CreateRerankResponseBody:
    with (
        convert_local_errors(),
        convert_argument_errors("rank"),
        open_client(local=local) as client,
    ):
        return client.rerank.rerank(query=query, documents=documents, model=model, top_n=top_n)
