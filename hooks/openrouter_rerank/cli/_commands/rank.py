"""The command `rank`: one query, and documents from a file or the command line."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, cast

import typer
from openrouter_rerank_api.request_fields import REQUEST_FIELDS

from openrouter_rerank import Passages
from openrouter_rerank._bulk.merge import TRUNCATED_DOCUMENTS
from openrouter_rerank._call.arguments import choose_unrankable
from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank._call.in_process import make_document
from openrouter_rerank._codec.fields import select_fields
from openrouter_rerank._document_files.parsing import Document
from openrouter_rerank._policy.failures import OnFailure, is_recoverable
from openrouter_rerank.cli._client import open_client
from openrouter_rerank.cli._documents import read_documents
from openrouter_rerank.cli._errors import (
    UsageError,
    convert_argument_errors,
    convert_local_errors,
    print_error,
    to_command_error,
)
from openrouter_rerank.cli._fallbacks import (
    CacheFolder,
    CacheKind,
    FallbackModels,
    FollowFallbacks,
    MinScore,
    read_fallback_options,
)
from openrouter_rerank.cli._model_names import complete_model
from openrouter_rerank.cli._passages import PassageOverlap, PassageTokens, read_passages
from openrouter_rerank.cli._stdout import open_console, require_stdout, write_json, write_lines
from openrouter_rerank.cli._tables import draw_table
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody, Result


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
        str,
        typer.Option("--model", metavar="MODEL", autocompletion=complete_model, help="The model."),
    ] = DEFAULT_MODEL,
    top_n: Annotated[
        int | None,
        typer.Option(
            "--top-n", min=1, metavar="N", help="How many results to show; all by default."
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            min=1,
            metavar="N",
            help="How many documents to send in one request; all by default.",
        ),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME[=VALUE]",
            help="A field of the documents to rank, such as title, or an optional field of the "
            "request with its value, such as user=me; may be repeated.",
        ),
    ] = None,
    extra_body: Annotated[
        str | None,
        typer.Option(
            "--extra-body", metavar="JSON", help="An object of fields that this release lacks."
        ),
    ] = None,
    fallback_model: FallbackModels = None,
    follow_fallbacks: FollowFallbacks = False,
    min_score: MinScore = None,
    cache: CacheFolder = None,
    cache_by: CacheKind = "request",
    passages: PassageTokens = None,
    passage_overlap: PassageOverlap = None,
    on_failure: Annotated[
        OnFailure,
        typer.Option("--on-failure", help="keep_order prints the documents as they came."),
    ] = "raise",
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
    the file is JSON Lines: an object has "text", "image" (a URL) or both. A JSON array of these is
    read too. Otherwise each line is a document as it stands; but broken JSON, a table and a file
    that is no text are refused. Without FILE and --document, standard input is read.

    With --field title --field text, documents have these fields: FILE is JSON Lines or a JSON array
    of objects, or CSV if its name ends in .csv, and they are sent as YAML text in this order.

    The VALUE of a --field that is not text is JSON, such as provider='{"sort": "price"}'.

    The key is read from OPENROUTER_API_KEY, the API's URL from OPENROUTER_BASE_URL.

    With --batch-size, more documents than N are sent in several requests, and the results merged
    by score. That is sound for models that score each document by itself.

    With --passages, a document of more TOKENS is ranked by its best passage, which --json names.
    The model on this machine counts the tokens if it may rank; else every 4 bytes are one.
    --batch-size counts passages then.

    With --on-failure keep_order, a ranking that fails is no error: the documents come in the order
    in which they were given, without scores, and a line on standard error says why. Not so with a
    wrong key. With --json there is "reranked" then, true or false, and "failure", the error.

    FILE may have 64 MiB at most.

    The table has the rank, the score, the document's position in the input (from 0) and the
    document, cut to the terminal's width (or COLUMNS); in a pipe it is not cut.
    """
    require_stdout()
    given = field or []
    fields = _read_names(given)
    documents = read_documents(file, document or [], fields)
    keeps_order = on_failure == "keep_order"
    try:
        response = _request_ranking(
            query,
            documents,
            model=model,
            top_n=top_n,
            batch_size=batch_size,
            local=local,
            options=partial(
                read_fallback_options,
                fallback_model,
                follow=follow_fallbacks,
                min_score=min_score,
                cache=cache,
                cache_by=cache_by,
            ),
            split=partial(
                read_passages,
                passages,
                passage_overlap,
                local=local,
                fallback_models=fallback_model or (),
            ),
            unrankable=choose_unrankable(on_failure),
            extra_body=_read_extra_body(extra_body),
            fields=fields or None,
            **_read_fields([entry for entry in given if "=" in entry]),
        )
    except OpenRouterError as error:
        if not (keeps_order and is_recoverable(error)):
            raise
        _print_kept(documents[:top_n], fields, error, model, as_json=as_json)
        return
    if as_json:
        write_json({**response.to_dict(), **({"reranked": True} if keeps_order else {})})
        return
    cut = response.additional_properties.get(TRUNCATED_DOCUMENTS)
    if cut:
        of_all = f"{cut} of {len(documents)} documents"
        print_error(f"{of_all} are longer than the model reads; --passages 128 ranks all.")
    console = open_console()
    write_lines(console, draw_table(response.results, console))


def _request_ranking(
    query: str,
    documents: Sequence[Document],
    *,
    model: str,
    top_n: int | None,
    batch_size: int | None,
    local: bool,
    options: Callable[[], Mapping[str, Any]],
    split: Callable[[], Passages | None],
    **fields: Any,
) -> CreateRerankResponseBody:
    with (
        convert_local_errors(),
        convert_argument_errors("rank"),
        open_client(local=local, passages=split(), **options()) as client,
    ):
        send: Callable[..., CreateRerankResponseBody] = client.rerank.rerank
        if batch_size is not None:
            send = partial(client.rerank.rerank_batched, batch_size=batch_size)
        return send(query=query, documents=documents, model=model, top_n=top_n, **fields)


def _print_kept(
    documents: Sequence[Document],
    fields: Sequence[str],
    error: OpenRouterError,
    model: str,
    *,
    as_json: bool,
) -> None:
    """Print the documents as they came, and why they were not ranked."""
    failure = to_command_error(error).message
    print_error(f"not reranked, the order is kept: {failure}")
    sent = list(select_fields(documents, fields)) if fields else documents
    shown = [make_document(document) for document in sent]
    if as_json:
        results = [
            {"index": index, "relevance_score": None, "document": document.to_dict()}
            for index, document in enumerate(shown)
        ]
        write_json({"model": model, "results": results, "reranked": False, "failure": failure})
        return
    console = open_console()
    rows = [
        Result(index=index, relevance_score=math.nan, document=document)
        for index, document in enumerate(shown)
    ]
    write_lines(console, draw_table(rows, console, has_scores=False))


def _read_extra_body(text: str | None) -> dict[str, Any] | None:
    """
    Read the fields that this release does not know.

    Raises:
        UsageError: They are no JSON object.
    """
    if text is None:
        return None
    try:
        value: object = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise UsageError("--extra-body: it is not JSON.") from error
    if not isinstance(value, dict):
        raise UsageError("--extra-body: it is no JSON object.")
    return cast("dict[str, Any]", value)


def _read_names(given: Sequence[str]) -> list[str]:
    """
    Read the names of the documents' fields, which have no value.

    Raises:
        UsageError: One is a field of the request, whose value was probably forgotten.
    """
    names = [entry for entry in given if "=" not in entry]
    for name in names:
        if name in REQUEST_FIELDS:
            raise UsageError(
                f"--field: {name} is a field of the request, and needs a value: {name}=VALUE."
            )
    return names


def _read_fields(given: Sequence[str]) -> dict[str, Any]:
    """
    Read fields of the request from `NAME=VALUE`.

    Raises:
        UsageError: A name is unknown, or a value is neither text nor JSON where it has to be.
    """
    fields: dict[str, Any] = {}
    for entry in given:
        name, _, value = entry.partition("=")
        if name not in REQUEST_FIELDS:
            known = ", ".join(REQUEST_FIELDS)
            raise UsageError(f"--field: {name} is no field of the request. There are {known}.")
        try:
            is_text = REQUEST_FIELDS[name]["type"] == "string"
            fields[name] = value if is_text else json.loads(value)
        except (RecursionError, ValueError) as error:
            raise UsageError(f"--field: the value of {name} is not JSON.") from error
    return fields
