"""Loading models, once for all rankers of a process."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

from openrouter_rerank.local._errors import ModelFileError

from .cross_encoder import CrossEncoder
from .embedding import EmbeddingModel
from .inference import Network
from .interpreter_exit import model_work
from .model_file import PackagedFile
from .model_spec import ModelSpec
from .ranker import proceed
from .tokenizer import TextTokenizer, make_bert_tokenizer

_sharing = threading.Lock()
# How long a call may outlast its deadline while the model is being loaded.
POLL_SECONDS = 0.005


class LazyModel:
    """
    A model that is loaded when it is first used, and kept.

    Args:
        spec: The model.
        cache_bytes: How much memory the vectors of texts may take; 0 keeps none.
    """

    def __init__(self, spec: ModelSpec, cache_bytes: int) -> None:
        self._spec = spec
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()
        self._model: EmbeddingModel | CrossEncoder | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the model is loaded."""
        return self._model is not None

    def load(self) -> EmbeddingModel | CrossEncoder:
        """
        Load the model, or return the one that is loaded.

        Raises:
            MissingExtraError: A package that it needs is not installed.
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        with model_work.hold(), self._lock:
            if self._model is None:
                self._model = load_model(self._spec, self._cache_bytes)
            return self._model

    def load_in_time(self, checkpoint: Callable[[], None]) -> None:
        """
        Load the model in a thread, so that a call whose time is over need not wait for it.

        The thread goes on, and a later call finds the model loaded.

        Raises:
            MissingExtraError: A package that it needs is not installed.
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        if self.is_loaded:
            return
        loaded: Future[None] = Future()

        def load() -> None:
            try:
                self.load()
            except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
                loaded.set_exception(error)
            else:
                loaded.set_result(None)

        # A daemon, since the interpreter must not wait for it either.
        threading.Thread(target=load, name="openrouter-rerank-load", daemon=True).start()
        while not wait([loaded], POLL_SECONDS).done:
            checkpoint()
        loaded.result()


_make_lazy_model = cache(LazyModel)


def share_model(spec: ModelSpec, cache_bytes: int) -> LazyModel:
    """Return the process's one model of a kind, since each takes 100 MB of memory or more."""
    # The cache alone lets several threads make one each.
    with _sharing:
        return _make_lazy_model(spec, cache_bytes)


def load_model(spec: ModelSpec, cache_bytes: int) -> EmbeddingModel | CrossEncoder:
    """
    Load a model and try it.

    Raises:
        MissingExtraError: A package that it needs is not installed.
        ModelFileError: The model cannot be loaded, or its file is not the expected one.
    """
    try:
        model = _open_model(spec, cache_bytes)
        model.rank("", [""], proceed)
    except (ImportError, ModelFileError):
        raise
    except Exception as error:  # onnxruntime's errors have no other class in common.
        is_short = isinstance(error, MemoryError) or "bad_alloc" in str(error)
        reason = " ".join(str(error).split()) or type(error).__name__
        place = f" {spec.model}" if isinstance(spec.model, Path) else ""
        raise ModelFileError(
            f"cannot load the model{place}: {'out of memory' if is_short else reason}"
        ) from error
    return model


def _open_model(spec: ModelSpec, cache_bytes: int) -> EmbeddingModel | CrossEncoder:
    model = spec.model
    network = Network(model.read() if isinstance(model, PackagedFile) else model)
    tokenizer = share_tokenizer(spec)
    if spec.kind == "embedding":
        return EmbeddingModel(spec, network, tokenizer, cache_bytes)
    return CrossEncoder(spec, network, tokenizer)


@cache
def share_tokenizer(spec: ModelSpec) -> TextTokenizer:
    """
    Return the process's one tokenizer of a model, which needs no model to be loaded.

    Raises:
        MissingExtraError: A package that it needs is not installed.
        ModelFileError: It cannot be loaded, or its file is not the expected one.
    """
    try:
        return TextTokenizer(_open_tokenizer(spec.tokenizer), spec.max_tokens)
    except (ImportError, ModelFileError):
        raise
    except Exception as error:  # The errors of tokenizers have no other class in common.
        raise ModelFileError(f"cannot load the tokenizer {spec.tokenizer}: {error}") from error


def _open_tokenizer(file: PackagedFile | Path | None) -> Tokenizer:
    if file is None:
        return make_bert_tokenizer()
    return Tokenizer.from_buffer(
        file.read() if isinstance(file, PackagedFile) else file.read_bytes()
    )
