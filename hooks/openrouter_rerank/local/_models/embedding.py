"""Ranking by the vectors of texts."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .inference import Network, cut_blocks
from .model_spec import ModelSpec, Pooling
from .ranker import Ranking
from .scores import sigmoid
from .tokenizer import TextTokenizer, TokenIds
from .vector_cache import Vector, VectorCache

TEXT_OUTPUT = "sentence_embedding"
TEXT_DIMENSIONS = 2
TOKEN_DIMENSIONS = 3
SMALLEST_NORM = 1e-12

Hidden = NDArray[np.float32]

POOLINGS: dict[Pooling, Callable[[Hidden], NDArray[np.float64]]] = {
    "cls": lambda hidden: hidden[0].astype(np.float64),
    "lasttoken": lambda hidden: hidden[-1].astype(np.float64),
    "max": lambda hidden: hidden.max(axis=0).astype(np.float64),
    "mean": lambda hidden: hidden.mean(axis=0, dtype=np.float64),
}


class EmbeddingModel:
    """
    Compares the vector of the query with that of each document, by their cosine.

    Args:
        spec: How the model is used.
        network: The model.
        tokenizer: What it reads texts with.
        cache_bytes: How much memory the vectors of texts may take that are kept; 0 keeps none.

    Raises:
        ValueError: The network gives no vectors, or it is not known how to pool them.
    """

    def __init__(
        self, spec: ModelSpec, network: Network, tokenizer: TextTokenizer, cache_bytes: int
    ) -> None:
        self._spec = spec
        self._network = network
        self._tokenizer = tokenizer
        self._cache = VectorCache(cache_bytes)
        self._output = choose_output(network, spec.pooling)

    def rank(self, query: str, documents: Sequence[str], checkpoint: Callable[[], None]) -> Ranking:
        """Score each document by its cosine with the query."""
        spec = self._spec
        (asked,), _ = self._tokenizer.tokenize([spec.query_prefix + query], checkpoint)
        if spec.document_prefix:
            documents = [spec.document_prefix + document for document in documents]
        texts, truncated = self._tokenizer.tokenize(documents, checkpoint)
        cosines = self._compare(asked, texts, checkpoint)
        scores = sigmoid(spec.score_slope * cosines + spec.score_offset)
        return Ranking(scores.tolist(), len(asked) + sum(map(len, texts)), truncated)

    def _compare(
        self, query: TokenIds, texts: Sequence[TokenIds], checkpoint: Callable[[], None]
    ) -> NDArray[np.float64]:
        """Compute the cosine of the query's vector and each text's, for equal texts only once."""
        distinct = sorted(dict.fromkeys(texts), key=len)
        # The query leads the first block, since all others need its vector.
        distinct = [query, *(text for text in distinct if text != query)]
        cosines: dict[TokenIds, float] = {}
        query_vector: Vector | None = None
        for block in cut_blocks(distinct, self._network.block_size):
            checkpoint()
            vectors = self._embed(block)
            if query_vector is None:
                query_vector = vectors[0]
            for text, vector in zip(block, vectors, strict=True):
                # A matrix product may round differently for another number of rows; this does not.
                cosines[text] = np.multiply(vector, query_vector, dtype=np.float64).sum()
        return np.array([cosines[text] for text in texts])

    def _embed(self, block: Sequence[TokenIds]) -> list[Vector]:
        """Find the vector of each text, by one run of the model for those that are not kept."""
        vectors = {text: self._cache.get(text) for text in block}
        new = [text for text, vector in vectors.items() if vector is None]
        if new:
            for text, values in zip(new, self._network.run(self._output, new), strict=True):
                vectors[text] = vector = self._make_vector(values, len(text))
                self._cache.put(text, vector)
        return [vector for vector in vectors.values() if vector is not None]

    def _make_vector(self, values: Hidden, token_count: int) -> Vector:
        """Make a vector of length 1 of what the model gives for a text, padding left out."""
        pooling = self._spec.pooling
        pooled = values if pooling is None else POOLINGS[pooling](values[:token_count])
        norm = max(float(np.linalg.norm(pooled)), SMALLEST_NORM)
        return (pooled / norm).astype(np.float32)


def choose_output(network: Network, pooling: Pooling | None) -> str:
    """
    Choose the output with a vector for each token, or without pooling that with one for a text.

    Raises:
        ValueError: The network has no such output.
    """
    if pooling is not None:
        for name, dimensions in network.outputs.items():
            if dimensions == TOKEN_DIMENSIONS:
                return name
        raise ValueError("the model gives no vectors of tokens")
    # Another output of two dimensions, such as BERT's pooler, is no vector to compare.
    if network.outputs.get(TEXT_OUTPUT) == TEXT_DIMENSIONS:
        return TEXT_OUTPUT
    raise ValueError(
        "nothing says how the vectors of a text's tokens become one: give the pooling, "
        f"{', '.join(POOLINGS)}"
    )
