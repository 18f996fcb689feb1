"""The embedded server compared with its model alone, in documents per second."""

import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import httpx

from .canned import MODEL, QUERY, write_documents
from .goals import SERVED
from .processes import make_environment
from .rounds import Table, make_table, run_rounds
from .servers import Server

DOCUMENTS = 200
MAX_TOKENS = 256
# The best round counts, and there has to be a quiet one for each row.
ROUNDS_MORE = 4
BARE = "onnxruntime alone"
# Without kept vectors, since each round ranks the same documents.
SERVE = (
    "from openrouter_rerank.local import LocalRanker, serve;"
    "serve(port=0, ranker=LocalRanker(embedding_cache_mb=0))"
)


def measure_embedded(_server: Server, rounds: int) -> Iterator[Table]:
    """
    Measure one request after another; nothing if the extra is not installed.

    We measure by the clock. Other work on the machine can only slow a row down, and most of all one
    whose threads spin. So each row gets its best round, not its median.
    """
    if find_lacking_extra():
        return
    documents = write_documents(DOCUMENTS)
    body = {"model": MODEL, "query": QUERY, "documents": documents}
    with running_embedded() as url, httpx.Client(timeout=None) as client:  # noqa: S113 - slow machines are welcome

        def rank() -> float:
            start = time.perf_counter()
            response = client.post(f"{url}/rerank", json=body)
            seconds = time.perf_counter() - start
            check_ranking(response.raise_for_status().json()["results"])
            return DOCUMENTS / seconds

        tasks: dict[Hashable, Callable[[], float]] = {
            BARE: prepare_bare(documents),
            SERVED: rank,
        }
        run_rounds(tasks, 1)
        samples = run_rounds(tasks, ROUNDS_MORE * rounds)
    title = f"Embedded server, {DOCUMENTS} documents a request, the best round of each row"
    best = {name: [max(values)] for name, values in samples.items()}
    table = make_table("embedded", title, "documents/s", best, baselines=(BARE,))
    for name, values in samples.items():
        table.rows[name]["spread"] = (max(values) - min(values)) / max(values)
    yield table


def find_lacking_extra() -> list[str]:
    """Return the modules of the extra that are not installed."""
    return [module for module in ("onnxruntime", "starlette") if not find_spec(module)]


@contextmanager
def running_embedded() -> Iterator[str]:
    """Run the embedded server as a process; yields its base URL."""
    with subprocess.Popen(  # noqa: S603 - a program of the benchmark's own
        [sys.executable, "-c", SERVE],
        env=make_environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield line.strip().partition("=")[2]
        finally:
            process.terminate()


def check_ranking(results: list[dict[str, Any]]) -> None:
    """Check that every document was ranked, the best first."""
    scores = [result["relevance_score"] for result in results]
    indexes = sorted(result["index"] for result in results)
    if indexes != list(range(DOCUMENTS)) or scores != sorted(scores, reverse=True):
        raise ValueError("the embedded server did not rank the documents")


def prepare_bare(documents: list[str]) -> Callable[[], float]:
    """Prepare the model's inputs as the server does, and return a function that runs them."""
    batches, threads = make_batches([QUERY, *documents])
    session = open_session(threads)

    def run() -> float:
        start = time.perf_counter()
        for batch in batches:
            session.run(["last_hidden_state"], batch)
        return len(documents) / (time.perf_counter() - start)

    return run


def open_session(threads: int) -> Any:
    """
    Load the model with onnxruntime's own settings, except for the number of threads.

    Threads that keep spinning after a run would slow the server's turn down, so they stop, as the
    server's do.
    """
    import onnxruntime
    from openrouter_rerank.local._models.registry import MINILM_FILE

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(
        MINILM_FILE.read(),  # the very file that the server loads
        options,
        providers=["CPUExecutionProvider"],
    )


def make_batches(texts: list[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the inputs of the model's runs, and the number of threads that the server uses."""
    import numpy as np
    from openrouter_rerank.local._models import inference
    from openrouter_rerank.local._models.tokenizer import TextTokenizer, make_bert_tokenizer

    tokenizer = TextTokenizer(make_bert_tokenizer(), MAX_TOKENS)
    tokenized, _ = tokenizer.tokenize(texts, checkpoint=lambda: None)
    tokens = sorted(set(tokenized), key=lambda ids: (len(ids), ids))
    batches: list[dict[str, Any]] = []
    for start in range(0, len(tokens), inference.BLOCK_SIZE):
        rows = tokens[start : start + inference.BLOCK_SIZE]
        ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(rows):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        batches.append(
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        )
    threads = min(inference.count_cpus(), inference.MAX_THREADS)  # as the server has it
    return batches, threads
