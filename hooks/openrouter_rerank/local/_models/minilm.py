"""The ranker of the embedded server: all-MiniLM-L6-v2 on the CPU."""

import threading
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from openrouter_rerank.local._errors import ModelFileError

from .inference import compare, open_session
from .model_file import read_model
from .ranker import Ranking, proceed
from .tokenizer import BertTokenizer

SCORE_SLOPE = 11.18
SCORE_OFFSET = -6.66
"""`sigmoid(SCORE_SLOPE * cosine + SCORE_OFFSET)` keeps the order of the cosines and spreads them
over 0 to 1."""


class MiniLMRanker:
    """
    Ranks by the cosine of the sentence vectors of all-MiniLM-L6-v2.

    A score is the same whichever other documents it is computed with. At most 256 tokens of each
    text are read; the rest has no influence. Several threads may share a ranker. The first
    ranking, or `load`, loads the model, which is then kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: _Model | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the model is loaded."""
        return self._model is not None

    def load(self) -> None:
        """
        Load the model now rather than with the first ranking.

        Raises:
            MissingExtraError: A package of the extra `local` is not installed.
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        self._load_once()

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
            checkpoint: Called between bounded steps; it raises to stop the ranking.

        Returns:
            Scores between 0 and 1, and the count of the tokens in query and documents. What
            was cut off at 256 tokens does not count; repeated texts do.

        Raises:
            MissingExtraError: A package of the extra `local` is not installed.
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        model = self._load_once()
        checkpoint()
        (asked,) = model.tokenizer.tokenize([query], checkpoint)
        texts = model.tokenizer.tokenize(documents, checkpoint)
        cosines = compare(model.session, asked, texts, checkpoint)
        scores = 1.0 / (1.0 + np.exp(-(SCORE_SLOPE * cosines + SCORE_OFFSET)))
        return Ranking(scores=scores.tolist(), token_count=len(asked) + sum(map(len, texts)))

    def _load_once(self) -> "_Model":
        with self._lock:
            if self._model is None:
                self._model = _Model()
            return self._model


class _Model:
    """
    The loaded model and its tokenizer.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed.
        ModelFileError: The model cannot be loaded, or its file is not the expected one.
    """

    def __init__(self) -> None:
        try:
            self.session = open_session(read_model())
            self.tokenizer = BertTokenizer()
        except (ImportError, ModelFileError):
            raise
        except Exception as error:  # onnxruntime's errors have no other class in common.
            is_short = isinstance(error, MemoryError) or "bad_alloc" in str(error)
            reason = "out of memory" if is_short else str(error) or type(error).__name__
            raise ModelFileError(f"cannot load the model: {reason}") from error


@cache
def share_minilm() -> MiniLMRanker:
    """Return the process's one `MiniLMRanker`; its model takes about 100 MB of memory."""
    return MiniLMRanker()
