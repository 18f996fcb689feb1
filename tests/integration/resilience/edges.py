"""Each way in as its users call it, against a real server, with what came out in one form."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from attrs import define, field
from forking.processes import ForkServer
from openrouter_rerank import OpenRouter, Ranking, RerankJob
from openrouter_rerank.operations import CreateRerankResponseBody
from pydantic import SecretStr

QUERY = "What is the capital of France?"
DOCUMENTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
MODEL = "m"
KEY = "sk-or-edges"
# The scores that the server gives, by position.
SCORES = [0.25, 0.75, 0.5]

Reply = tuple[int, Mapping[str, Any]]
Span = tuple[int, int]


@define
class Outcome:
    """
    What came out.

    Attributes:
        order: Positions among the documents.
        scores: Their scores.
        model: The model that answered; None if it is not told.
        cost: The price; None if it is unknown or not told.
        set_aside: Positions of what could not be ranked; None if they are not told.
        spans: Where the best passages stand in what was sent of the documents.
    """

    order: list[int]
    scores: list[float | None]
    model: str | None = None
    cost: float | None = None
    set_aside: list[int] | None = None
    spans: Sequence[Span | None] = ()


@define
class Server:
    """
    A server that answers from a script, and then ranks.

    Attributes:
        url: Where the API is.
        bodies: What it was asked, in order.
    """

    url: str
    script: list[Reply]
    bodies: list[dict[str, Any]] = field(factory=list[dict[str, Any]])

    def answer(self, body: dict[str, Any]) -> Reply:
        """Return the next reply."""
        self.bodies.append(body)
        return self.script.pop(0) if self.script else (200, rank(body))


def rank(body: Mapping[str, Any]) -> dict[str, Any]:
    """Rank a request's documents by `SCORES`."""
    count = len(body["documents"])
    order = sorted(range(count), key=lambda index: -SCORES[index])[: body.get("top_n")]
    results = [{"index": index, "relevance_score": SCORES[index]} for index in order]
    return {"model": body["model"], "results": results, "usage": {"cost": 0.125}}


@contextmanager
def serving(*script: Reply) -> Generator[Server]:
    """Serve from a script on a real socket."""

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Answer."""
            length = int(self.headers["Content-Length"])
            status, reply = server.answer(json.loads(self.rfile.read(length)))
            content = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = Server(f"http://127.0.0.1:{listener.server_port}/api/v1", list(script))
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def call(method: str, url: str, documents: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Call a method of the operation, the async ones on an event loop."""
    given = {"query": QUERY, "model": MODEL, **options}
    with OpenRouter(KEY, server_url=url) as client:
        target: Any = client.rerank
        for name in method.split("."):
            target = getattr(target, name)
        if not method.startswith("rank"):
            given["documents"] = documents
        arguments = () if "documents" in given else (documents,)
        if not method.endswith("_async"):
            return target(*arguments, **given)
        return asyncio.run(target(*arguments, **given))


def read_reply(reply: CreateRerankResponseBody) -> Outcome:
    """Read the contract's reply."""
    usage: Any = reply.usage
    return Outcome(
        [each.index for each in reply.results],
        [each.relevance_score for each in reply.results],
        reply.model,
        usage.cost if usage else None,
        spans=[read_span(each.additional_properties.get("passage")) for each in reply.results],
    )


def read_span(passage: Mapping[str, int] | None) -> Span | None:
    """Read where a passage stands."""
    return None if passage is None else (passage["start"], passage["end"])


def read_ranking(ranking: Ranking[Any]) -> Outcome:
    """Read a ranking."""
    return Outcome(
        [each.index for each in ranking],
        [each.score for each in ranking],
        ranking.model if ranking.reranked else None,
        ranking.cost,
        list(ranking.set_aside),
        [each.span for each in ranking],
    )


def use_method(name: str) -> Callable[..., Outcome]:
    """Return a way in by a method."""

    def use(url: str, documents: Sequence[Any], **options: Any) -> Outcome:
        result = call(name, url, documents, options)
        if name.startswith("rank"):
            return read_ranking(result)
        return read_reply(result.parse() if hasattr(result, "parse") else result)

    return use


def use_job(url: str, documents: Sequence[Any], **options: Any) -> Outcome:
    """Run a job."""
    job = RerankJob(documents=documents, query=QUERY, model=MODEL, **options)
    with OpenRouter(KEY, server_url=url) as client:
        (outcome,) = client.rerank.rerank_many([job])
    if outcome.ranking is None:
        outcome.unwrap()
    assert outcome.ranking is not None
    return read_ranking(outcome.ranking)


def list_flags(options: Mapping[str, Any]) -> list[str]:
    """Write options as the command line has them."""
    flags: list[str] = []
    for name, value in options.items():
        if name == "fallback_models":
            flags += [
                flag
                for model in value
                for flag in ("--fallback-model", model if isinstance(model, str) else "local")
            ]
        elif name == "cache":
            flags += ["--cache", str(value.folder), "--cache-by", value.by]
        elif name == "fields":
            flags += [flag for field_name in value for flag in ("--field", field_name)]
        elif name == "passages":
            flags += ["--passages", str(value.max_tokens), "--passage-overlap", str(value.overlap)]
        elif value is True:
            flags.append(f"--{name.replace('_', '-')}")
        else:
            flags += [f"--{name.replace('_', '-')}", str(value)]
    return flags


def run_command(commands: ForkServer, url: str, *arguments: str) -> str:
    """Run the command, and return what it printed."""
    variables = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE_URL": url}
    done = commands.run(arguments, {**os.environ, **variables})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def read_json(result: Mapping[str, Any]) -> Outcome:
    """Read the API's response as JSON."""
    return Outcome(
        [each["index"] for each in result["results"]],
        [each["relevance_score"] for each in result["results"]],
        result["model"] if result.get("reranked", True) else None,
        result.get("usage", {}).get("cost"),
        spans=[read_span(each.get("passage")) for each in result["results"]],
    )


def use_rank_command(
    url: str, documents: Sequence[Any], *, commands: ForkServer, folder: Path, **options: Any
) -> Outcome:
    """Run `openrouter-rerank rank`."""
    file = folder / "documents.jsonl"
    file.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    flags = [*list_flags(options), "--json", "--model", MODEL]
    return read_json(json.loads(run_command(commands, url, "rank", QUERY, str(file), *flags)))


def use_batch_command(
    url: str, documents: Sequence[Any], *, commands: ForkServer, folder: Path, **options: Any
) -> Outcome:
    """Run `openrouter-rerank batch` on one job."""
    jobs = folder / "jobs.jsonl"
    # It does not write over the results of an earlier run.
    results = folder / f"results-{sum(1 for _ in folder.iterdir())}.jsonl"
    fields: dict[str, Any] = {
        name: options.pop(name) for name in ("unrankable", "fields") if name in options
    }
    job: dict[str, Any] = {"query": QUERY, "documents": documents, "model": MODEL, **fields}
    jobs.write_text(json.dumps(job), encoding="utf-8")
    run_command(commands, url, "batch", str(jobs), "--output", str(results), *list_flags(options))
    return read_json(json.loads(results.read_text(encoding="utf-8"))["result"])


def read_origin(
    order: list[int],
    scores: list[float | None],
    origin: Any,
    metadata: Sequence[Mapping[str, Any]],
) -> Outcome:
    """Read what an adapter tells of a ranking, and of each document."""
    model = origin["model"] if origin["reranked"] else None
    spans = [read_span(each.get("passage")) for each in metadata]
    return Outcome(order, scores, model, origin["cost"], spans=spans)


def read_text(document: str | Mapping[str, Any]) -> str:
    """Return what a framework's document has as its text."""
    return document if isinstance(document, str) else document["text"]


def read_metadata(document: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return what a framework's document has beside its text."""
    if isinstance(document, str):
        return {}
    return {name: value for name, value in document.items() if name != "text"}


def use_langchain(url: str, documents: Sequence[Any], **options: Any) -> Outcome:
    """Compress documents with LangChain."""
    from langchain_core.documents import Document
    from openrouter_rerank.langchain import OpenRouterRerank

    items = [
        Document(read_text(each), metadata=read_metadata(each), id=str(at))
        for at, each in enumerate(documents)
    ]
    with OpenRouterRerank(
        model=MODEL, api_key=SecretStr(KEY), server_url=url, **options
    ) as compressor:
        found = list(compressor.compress_documents(items, QUERY))
    return read_origin(
        [int(each.id or "") for each in found],
        [each.metadata["relevance_score"] for each in found],
        found[0].metadata["rerank"],
        [each.metadata for each in found],
    )


def use_llama_index(url: str, documents: Sequence[Any], **options: Any) -> Outcome:
    """Postprocess nodes with LlamaIndex."""
    from llama_index.core.schema import NodeWithScore, TextNode
    from openrouter_rerank.llama_index import OpenRouterRerank

    nodes = [
        NodeWithScore(
            node=TextNode(text=read_text(each), metadata=read_metadata(each), id_=str(at))
        )
        for at, each in enumerate(documents)
    ]
    options = {"top_n": None, **options}
    with OpenRouterRerank(
        model=MODEL, api_key=SecretStr(KEY), server_url=url, **options
    ) as reranker:
        found = reranker.postprocess_nodes(nodes, query_str=QUERY)
    return read_origin(
        [int(each.node.node_id) for each in found],
        [each.score for each in found],
        found[0].node.metadata["rerank"],
        [each.node.metadata for each in found],
    )


def use_haystack(url: str, documents: Sequence[Any], **options: Any) -> Outcome:
    """Run Haystack's ranker."""
    from haystack import Document
    from haystack.utils import Secret
    from openrouter_rerank.haystack import OpenRouterRanker

    if "top_n" in options:
        options["top_k"] = options.pop("top_n")
    ranker = OpenRouterRanker(MODEL, api_key=Secret.from_token(KEY), server_url=url, **options)
    items = [
        Document(id=str(at), content=read_text(each), meta=read_metadata(each))
        for at, each in enumerate(documents)
    ]
    outputs = ranker.run(QUERY, items)
    ranker.close()
    found = outputs["documents"]
    return read_origin(
        [int(each.id) for each in found],
        [each.score for each in found],
        outputs["rerank"],
        [each.meta for each in found],
    )


def use_mcp(url: str, documents: Sequence[Any], **options: Any) -> Outcome:
    """Call the tool of an MCP server; it keeps the order and sets documents aside by itself."""
    from mcp.client.client import Client
    from openrouter_rerank.mcp import create_server

    arguments = {"query": QUERY, "documents": documents, "top_n": options.pop("top_n", None)}
    options.pop("on_failure", None)
    options.pop("unrankable", None)

    async def ask() -> Any:
        async with (
            OpenRouter(KEY, server_url=url, **options) as client,
            Client(create_server(client, model=MODEL)) as host,
        ):
            result = await host.call_tool("rerank_documents", arguments)
        return result.structured_content

    answer = asyncio.run(ask())
    return Outcome(
        [each["index"] for each in answer["results"]],
        [each["score"] for each in answer["results"]],
        answer["model"],
        answer["cost"],
        answer["set_aside"],
        [read_span(each["passage"]) for each in answer["results"]],
    )


def use_ray(url: str, documents: Sequence[Any], **options: Any) -> Outcome:
    """Call Ray's callable on one row."""
    import pyarrow  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    from openrouter_rerank.ray import Reranker

    reranker = Reranker(MODEL, api_key=lambda: KEY, server_url=url, **options)
    table: Any = pyarrow
    row = reranker(table.table({"query": [QUERY], "documents": [documents]})).to_pylist()[0]
    reranker.close()
    if row["order"] is None:
        raise AssertionError(row["error"])
    spans = list(map(read_span, row.get("passages", ())))
    return Outcome(row["order"], row["scores"], row["model"], row["cost"], spans=spans)


EDGES: dict[str, Callable[..., Outcome]] = {
    "`rank`": use_method("rank"),
    "`rank_async`": use_method("rank_async"),
    "`rerank`": use_method("rerank"),
    "`rerank_async`": use_method("rerank_async"),
    "`rerank_batched`": use_method("rerank_batched"),
    "`with_raw_response`": use_method("with_raw_response.rerank"),
    "`rerank_many`": use_job,
    "command `rank`": use_rank_command,
    "command `batch`": use_batch_command,
    "LangChain": use_langchain,
    "LlamaIndex": use_llama_index,
    "Haystack": use_haystack,
    "Ray": use_ray,
    "MCP": use_mcp,
}
