"""Running a model: onnxruntime's session, and what goes into each run."""

import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from openrouter_rerank.local._errors import requiring_extra

from .tokenizer import TokenIds

BLOCK_SIZE = 4
"""Most texts in one run of the model; larger blocks were slower on a CPU."""

BLOCK_TOKENS = 160
"""
Most tokens in one run, padding included; a longer text has a run of its own.

A run cannot be stopped. Four texts of 256 tokens took 164 ms, one 40 ms, and as long for each text.
Four texts of 40 take less than one such text, and in runs of three 5 % more for each.
"""

MAX_THREADS = 4
SPIN_MICROSECONDS = "50"
"""Measured in benchmarks/NOTES.md: as fast as onnxruntime's own setting, at half the CPU time."""

LOG_FATAL_ONLY = 4
"""Anything less is raised, too."""

DYNAMIC_QUANTIZATION = b"DynamicQuantizeLinear"
"""
The operator of models that scale what they compute by the largest number of the whole run (ONNX's
operators, `DynamicQuantizeLinear`).
"""

IDS, MASK, TYPE_IDS = "input_ids", "attention_mask", "token_type_ids"
INT32 = "tensor(int32)"


class Session(Protocol):
    """The part of onnxruntime's session that is used here; onnxruntime ships no types."""

    def run(
        self, outputs: list[str], inputs: dict[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]: ...

    def get_inputs(self) -> list[Any]: ...

    def get_outputs(self) -> list[Any]: ...


class Network:
    """
    A model that onnxruntime runs.

    Args:
        model: The content of its file, or the file's path, beside which others may lie.

    Attributes:
        block_size: The most texts to put in one run. Where others in the same run would change a
            text's result by their scale, it is 1.
        outputs: How many dimensions each output has, by name; None if the model does not say.
    """

    def __init__(self, model: bytes | Path) -> None:
        content = model if isinstance(model, bytes) else model.read_bytes()
        self.block_size = 1 if DYNAMIC_QUANTIZATION in content else BLOCK_SIZE
        self._session = open_session(content if isinstance(model, bytes) else str(model))
        self._inputs = {each.name: each.type for each in self._session.get_inputs()}
        unknown = sorted(set(self._inputs) - {IDS, MASK, TYPE_IDS})
        if unknown:
            raise ValueError(
                f"the model wants the input {unknown[0]}, and only {IDS}, {MASK} and {TYPE_IDS} "
                "are known here"
            )
        self.outputs: dict[str, int | None] = {
            each.name: len(each.shape) if each.shape else None
            for each in self._session.get_outputs()
        }

    def run(
        self, output: str, texts: Sequence[TokenIds], type_ids: Sequence[TokenIds] = ()
    ) -> NDArray[np.float32]:
        """
        Run the model once.

        Args:
            output: The name of the output to compute.
            texts: The token ids of each text; shorter ones are padded.
            type_ids: For each token the part of the text that it belongs to; 0 if there are none.
        """
        shape = (len(texts), max(map(len, texts)))
        values = {name: np.zeros(shape, dtype=np.int64) for name in (IDS, MASK, TYPE_IDS)}
        for row, text in enumerate(texts):
            values[IDS][row, : len(text)] = text
            values[MASK][row, : len(text)] = 1
        for row, types in enumerate(type_ids):
            values[TYPE_IDS][row, : len(types)] = types
        inputs = {
            name: values[name].astype(np.int32) if kind == INT32 else values[name]
            for name, kind in self._inputs.items()
        }
        (result,) = self._session.run([output], cast("dict[str, NDArray[np.int64]]", inputs))
        return result


def open_session(model: bytes | str) -> Session:
    """Load a model, from its content or its path."""
    # onnxruntime 1.32 otherwise writes a device id below HOME and looks its maker's hosts up. It
    # reads this when it is imported; a program that wants the telemetry sets it to 0 itself.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    with requiring_extra():
        onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(count_cpus(), MAX_THREADS)
    # Threads that spin while they wait for each other are faster, but beside other busy processes
    # they take twice the CPU time for a document; a moment is as fast. A version that does not
    # know the setting spins for longer, though not after a run either.
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_MICROSECONDS)
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = LOG_FATAL_ONLY
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return cast("Session", session)


def count_cpus() -> int:
    """Count the processors that this process may use, which can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cut_blocks(texts: Iterable[TokenIds], size: int = BLOCK_SIZE) -> Iterator[list[TokenIds]]:
    """Cut texts into what goes into each run of the model, in their order."""
    block: list[TokenIds] = []
    for text in texts:
        length = max(map(len, [*block, text]))
        is_full = len(block) == size or length * (len(block) + 1) > BLOCK_TOKENS
        if block and is_full:
            yield block
            block = []
        block.append(text)
    if block:
        yield block
