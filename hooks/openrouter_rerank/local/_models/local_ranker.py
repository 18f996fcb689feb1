"""The embedded ranker as a model to fall back to, without a server or a request."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import cache

from .minilm import MiniLMRanker, share_minilm
from .tokenizer import BertTokenizer

# How long a call may outlast its deadline while the model is being loaded.
POLL_SECONDS = 0.005
MODEL = "local/minilm"


class LocalRanker:
    """
    Ranks in this process with the model of the embedded server; an `openrouter_rerank.Ranker`.

    Its first ranking loads the model, which takes about half a second and 100 MB; `load` does it
    before. It reads texts only: of a document with an image it ranks the text, and an image alone
    gets no score. Scores are those of the server, and mean nothing beside another model's.
    """

    @property
    def model(self) -> str:
        """What a ranking names as its model."""
        return MODEL

    def load(self) -> None:
        """
        Load the model now rather than with the first ranking.

        Raises:
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        share_minilm().load()

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text as the model does, for `openrouter_rerank.Passages`."""
        return share_tokenizer().count(text)

    def score(
        self,
        query: str,
        documents: Sequence[str | dict[str, str]],
        checkpoint: Callable[[], None],
    ) -> list[float | None]:
        """
        Score each document against the query.

        Args:
            query: The text to compare the documents with.
            documents: Texts, or objects with `text`, `image` or both.
            checkpoint: Called between documents; it raises to stop the ranking.

        Returns:
            Scores between 0 and 1; None for an image without text.

        Raises:
            ModelFileError: The model cannot be loaded, or its file is not the expected one.
        """
        texts = [each if isinstance(each, str) else each.get("text") for each in documents]
        known = [text for text in texts if text is not None]
        ranker = share_minilm()
        load_in_time(ranker, checkpoint)
        ranking = ranker.rank(query, known, checkpoint=checkpoint)
        scores = iter(ranking.scores)
        return [None if text is None else next(scores) for text in texts]

    def __repr__(self) -> str:
        """Name the model."""
        return f"LocalRanker({MODEL!r})"

    def __reduce__(self) -> str:
        """Copy and pickle it as itself, by its name."""
        return "LOCAL"


@cache
def share_tokenizer() -> BertTokenizer:
    """Return the process's one tokenizer that counts, which needs no model."""
    return BertTokenizer()


def load_in_time(ranker: MiniLMRanker, checkpoint: Callable[[], None]) -> None:
    """
    Load the model in a thread, so that a call whose time is over need not wait for it.

    The thread goes on, and a later call finds the model loaded.

    Raises:
        ModelFileError: The model cannot be loaded, or its file is not the expected one.
    """
    if ranker.is_loaded:
        return
    loaded: Future[None] = Future()

    def load() -> None:
        try:
            ranker.load()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            loaded.set_exception(error)
        else:
            loaded.set_result(None)

    # A daemon, since the interpreter must not wait for it either.
    threading.Thread(target=load, name="openrouter-rerank-load", daemon=True).start()
    while not wait([loaded], POLL_SECONDS).done:
        checkpoint()
    loaded.result()


LOCAL = LocalRanker()
