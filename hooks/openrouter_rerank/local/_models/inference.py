"""Running the model: from token ids to the cosines of sentence vectors."""

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from openrouter_rerank.local._errors import requiring_extra

from .tokenizer import TokenIds

BLOCK_SIZE = 4
"""Most texts in one run of the model; larger blocks were slower on a CPU."""

BLOCK_TOKENS = 128
"""
Most tokens in one run, padding included; a longer text has a run of its own.

A run cannot be stopped. Four texts of 256 tokens took 164 ms, one 40 ms, and as long for each text.
"""

MAX_THREADS = 4
LOG_FATAL_ONLY = 4
"""Anything less is raised, too."""


Vector = NDArray[np.float64]
Vectors = NDArray[np.float64]


class Session(Protocol):
    """The part of onnxruntime's session that is used here; onnxruntime ships no types."""

    def run(
        self, outputs: list[str], inputs: dict[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]: ...


def open_session(model: bytes) -> Session:
    # onnxruntime 1.32 otherwise writes a device id below HOME and looks its maker's hosts up. It
    # reads this when it is imported; a program that wants the telemetry sets it to 0 itself.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    with requiring_extra():
        onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(count_cpus(), MAX_THREADS)
    # Threads that spin while they wait for each other are faster; those that still spin after a
    # run would only take the CPU from everything else.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = LOG_FATAL_ONLY
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return cast("Session", session)


def count_cpus() -> int:
    """Count the processors that this process may use, which can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def compare(
    session: Session, query: TokenIds, texts: Sequence[TokenIds], checkpoint: Callable[[], None]
) -> Vector:
    """
    Compute the cosine of the query's vector and each text's, for equal texts only once.

    No more than a block's vectors are held: those of a million texts take 3 GB.
    """
    distinct = sorted(dict.fromkeys(texts), key=len)
    # The query leads the first block, since all others need its vector.
    distinct = [query, *(text for text in distinct if text != query)]
    cosines: dict[TokenIds, float] = {}
    query_vector = np.empty(0)
    for block in cut_blocks(distinct):
        checkpoint()
        vectors = _embed_block(session, block)
        if not cosines:
            query_vector = vectors[0]
        # A matrix product may round differently for another number of rows; this does not.
        cosines.update(zip(block, (vectors * query_vector).sum(axis=1).tolist(), strict=True))
    return np.array([cosines[text] for text in texts])


def cut_blocks(texts: Iterable[TokenIds]) -> Iterator[list[TokenIds]]:
    """Cut texts, at least one, into what goes into each run of the model, in their order."""
    block: list[TokenIds] = []
    for text in texts:
        length = max(map(len, [*block, text]))
        is_full = len(block) == BLOCK_SIZE or length * (len(block) + 1) > BLOCK_TOKENS
        if block and is_full:
            yield block
            block = []
        block.append(text)
    yield block


def _embed_block(session: Session, texts: Sequence[TokenIds]) -> Vectors:
    """
    Compute one vector of length 1 for each text, in one run of the model.

    It is the average of the text's token vectors, padding left out.
    """
    shape = (len(texts), max(map(len, texts)))
    ids = np.zeros(shape, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    (hidden,) = session.run(
        ["last_hidden_state"],
        {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
    )
    sums = (hidden.astype(np.float64) * mask[:, :, np.newaxis]).sum(axis=1)
    # The mean differs from the sum by a factor only, which the norm takes away.
    vectors: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return vectors
