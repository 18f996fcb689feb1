"""The ranker of the default model, by a name of its own."""

from .local_ranker import CACHE_MB, LocalRanker


class MiniLMRanker(LocalRanker):
    """
    Ranks by the cosine of the sentence vectors of all-MiniLM-L6-v2: `LocalRanker("minilm")`.

    At most 256 tokens of each text are read; the rest has no influence.

    Args:
        embedding_cache_mb: How much memory the kept vectors may take, in megabytes; 0 keeps none.
    """

    def __init__(self, *, embedding_cache_mb: float = CACHE_MB) -> None:
        super().__init__("minilm", embedding_cache_mb=embedding_cache_mb)
