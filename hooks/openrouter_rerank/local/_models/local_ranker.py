"""The embedded models as rankers: of the server, and to fall back to."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from openrouter_rerank._call.defaults import LOCAL_PREFIX
from openrouter_rerank._events.logging import logger

from .folder import FolderOptions, read_folder
from .interpreter_exit import model_work
from .loading import LazyModel, share_model, share_tokenizer
from .model_spec import ModelKind, ModelSpec, Pooling
from .ranker import Ranker, Ranking, proceed
from .registry import DEFAULT_MODEL, MODELS

CACHE_MB = 256
BYTES_PER_MB = 1_000_000
FEWEST_TOKENS = 16


class LocalRanker:
    """
    Ranks in this process with a small model on the CPU, without key or network.

    It is what the embedded server asks (`local.Ranker`) and what a client falls back to
    (`openrouter_rerank.Ranker`). `LOCAL` is the one of the default model. The models:

    - `minilm`: all-MiniLM-L6-v2, 256 tokens a document.
    - `bge-small`: bge-small-en-v1.5, 512 tokens a document. It needs the extra `models`.
    - `cross-encoder`: ms-marco-MiniLM-L-12-v2, which reads the query with each document, 512
      tokens in all; trained for short web passages. It needs the extra `models`.
    - a folder with any ONNX export: `model.onnx` (here or in `onnx/`), `tokenizer.json`, and the
      configuration that transformers and sentence-transformers write.

    An embedding model compares the vector of the query with that of each document by their cosine.
    Vectors are kept, so that texts that come again, as in a batch or an evaluation, are embedded
    only once. A cross-encoder has no vector of a document, and computes each pair again.

    A score does not depend on the other documents. Scores lie between 0 and 1, and mean nothing
    beside another model's. Texts only are read: of a document with an image the text is ranked,
    and an image alone gets no score. What is longer than the model reads is cut, which is told.

    Several threads may share a ranker. The first ranking, or `load`, loads the model, which takes
    up to a second and 100 to 200 MB. It is kept until the process ends, and equal rankers share it.

    Args:
        model: A name, or the path of a folder.
        kind: For a folder, what the model does, "embedding" or "cross-encoder"; None reads
            `config.json` and `modules.json`.
        pooling: For a folder, how the vectors of a text's tokens become one: "cls", "lasttoken",
            "max" or "mean"; None reads `modules.json`, or takes the output `sentence_embedding`.
        query_prefix: For a folder, text to put before the query; None takes the prompt `query` of
            `config_sentence_transformers.json`, if there is one.
        document_prefix: For a folder, text to put before each document; None takes the prompt
            `document` or `passage`.
        max_tokens: For a folder, the most tokens to read of a text, or for a cross-encoder of query
            and document together, at least 16; None takes what the configuration says, and at most
            512.
        embedding_cache_mb: How much memory the kept vectors may take, in megabytes; 0 keeps none. A
            vector of 384 numbers takes about 2 kB.

    Raises:
        DataFileError: The package lacks the vocabulary of the model.
        MissingExtraError: The package with the model is not installed.
        ModelFileError: The folder, or the package with the model, lacks a file, or one is not what
            it should be.
        ValueError: There is no such model, a value is out of range, or a named model was given
            what is for folders.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        *,
        kind: ModelKind | None = None,
        pooling: Pooling | None = None,
        query_prefix: str | None = None,
        document_prefix: str | None = None,
        max_tokens: int | None = None,
        embedding_cache_mb: float = CACHE_MB,
    ) -> None:
        if not embedding_cache_mb >= 0:
            raise ValueError("embedding_cache_mb: must be at least 0")
        options = FolderOptions(kind, pooling, query_prefix, document_prefix, max_tokens)
        self._spec = find_spec(model, options)
        self._spec.require_files()
        self._embedding_cache_mb = embedding_cache_mb
        self._cache_bytes = int(embedding_cache_mb * BYTES_PER_MB)

    @property
    def model(self) -> str:
        """What a ranking names as its model, such as `local/minilm`."""
        return f"{LOCAL_PREFIX}{self._spec.name}"

    @property
    def embedding_cache_mb(self) -> float:
        """How much memory the kept vectors may take, in megabytes."""
        return self._embedding_cache_mb

    @property
    def is_loaded(self) -> bool:
        """Whether the model is loaded."""
        return self._share().is_loaded

    def load(self) -> None:
        """
        Load the model now rather than with the first ranking.

        Raises:
            MissingExtraError: A package that the model needs is not installed.
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        self._share().load()

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None] = proceed,
    ) -> Ranking:
        """
        Score each document against the query, as the embedded server asks for it.

        Args:
            query: What the documents are compared with; may be empty.
            documents: The texts to score.
            checkpoint: Called between bounded steps; it raises to stop the ranking.

        Returns:
            Scores between 0 and 1, the count of the tokens that were read, and how many documents
            were cut. What was cut off does not count as read; repeated texts do each time.

        Raises:
            MissingExtraError: A package that the model needs is not installed.
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        checkpoint = model_work.extend(checkpoint)
        with model_work.hold():
            model = self._share().load()
            checkpoint()
            return model.rank(query, documents, checkpoint)

    def count_tokens(self, text: str) -> int:
        """
        Count the tokens of a text as the model does, for `openrouter_rerank.Passages`.

        Raises:
            MissingExtraError: A package that the model needs is not installed.
            ModelFileError: The tokenizer cannot be loaded, or its file is not the expected one.
        """
        with model_work.hold():
            return share_tokenizer(self._spec).count(text)

    def score(
        self,
        query: str,
        documents: Sequence[str | dict[str, str]],
        checkpoint: Callable[[], None],
    ) -> list[float | None]:
        """
        Score each document against the query, as a client asks for it.

        The log has one WARNING if documents were cut.

        Args:
            query: The text to compare the documents with.
            documents: Texts, or objects with `text`, `image` or both.
            checkpoint: Called between documents; it raises to stop the ranking.

        Returns:
            Scores between 0 and 1; None for an image without text.

        Raises:
            MissingExtraError: A package that the model needs is not installed.
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        texts = [each if isinstance(each, str) else each.get("text") for each in documents]
        known = [text for text in texts if text is not None]
        self._share().load_in_time(checkpoint)
        ranking = self.rank(query, known, checkpoint=checkpoint)
        if ranking.truncated_documents:
            self._warn(ranking.truncated_documents, len(documents))
        scores = iter(ranking.scores)
        return [None if text is None else next(scores) for text in texts]

    def _warn(self, truncated: int, count: int) -> None:
        logger.warning(
            "%s: %d of %d documents were cut, to the %d tokens that it reads%s",
            self.model,
            truncated,
            count,
            self._spec.max_tokens,
            "" if self._spec.kind == "embedding" else ", the query's included",
        )

    def _share(self) -> LazyModel:
        return share_model(self._spec, self._cache_bytes)

    def __repr__(self) -> str:
        """Name the model."""
        return f"LocalRanker({self.model!r})"

    def __eq__(self, other: object) -> bool:
        """Compare by the model and its settings."""
        return isinstance(other, LocalRanker) and self._identify() == other._identify()

    def __hash__(self) -> int:
        """Hash by the model and its settings."""
        return hash(self._identify())

    def _identify(self) -> tuple[ModelSpec, int]:
        return self._spec, self._cache_bytes


def find_spec(model: str | os.PathLike[str], options: FolderOptions) -> ModelSpec:
    """
    Find out what a model is, by its name or its folder.

    Raises:
        ModelFileError: The folder lacks a file, or one is not what it should be.
        ValueError: There is no such model, an option is out of range, or a named model has one.
    """
    _check_options(options)
    if isinstance(model, str) and model in MODELS:
        if options != FolderOptions():
            raise ValueError(
                f"model: {model} takes none of kind, pooling, prefixes and max_tokens, which are "
                "for folders"
            )
        return MODELS[model]
    folder = Path(model)
    if not folder.is_dir():
        raise ValueError(
            f"model: there is neither a model nor a folder {os.fspath(model)!r}; "
            f"choose {', '.join(MODELS)} or a folder with model.onnx"
        )
    return read_folder(folder, options)


def _check_options(options: FolderOptions) -> None:
    kinds, poolings = get_args(ModelKind), get_args(Pooling)
    if options.kind not in (None, *kinds):
        raise ValueError(f"kind: expected {' or '.join(kinds)}, got {options.kind!r}")
    if options.pooling not in (None, *poolings):
        raise ValueError(f"pooling: expected one of {', '.join(poolings)}, got {options.pooling!r}")
    if options.pooling and options.kind == "cross-encoder":
        raise ValueError("pooling: a cross-encoder has none")
    if options.max_tokens is not None and options.max_tokens < FEWEST_TOKENS:
        raise ValueError(f"max_tokens: must be at least {FEWEST_TOKENS}")


def choose_ranker(ranker: Ranker | None, model: str | os.PathLike[str] | None) -> Ranker:
    """
    Return the ranker, or that of the model that is named, loaded; without either the default's.

    Raises:
        MissingExtraError: A package that the model needs is not installed.
        ModelFileError: The model cannot be loaded, or its file is not the expected one.
        ValueError: Both are given, or there is no such model.
    """
    if model is None:
        return LocalRanker() if ranker is None else ranker
    if ranker is not None:
        raise ValueError("model: cannot be combined with ranker")
    named = LocalRanker(model)
    # If the first request loaded it, what is wrong would only show as an internal server error.
    named.load()
    return named
