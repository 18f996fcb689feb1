"""Ranking by a model that reads the query and a document at once."""

from collections.abc import Callable, Sequence

import numpy as np

from .inference import Network, cut_blocks
from .model_spec import ModelSpec
from .ranker import Ranking
from .scores import sigmoid
from .tokenizer import TextTokenizer, TokenIds

LOGITS = "logits"


class CrossEncoder:
    """
    Has the model read the query with each document; the score is the sigmoid of its logit.

    A document has no vector of its own here, so nothing is kept from one query for the next.

    Args:
        spec: How the model is used.
        network: The model.
        tokenizer: What it reads texts with.
    """

    def __init__(self, spec: ModelSpec, network: Network, tokenizer: TextTokenizer) -> None:
        self._spec = spec
        self._network = network
        self._tokenizer = tokenizer
        self._output = LOGITS if LOGITS in network.outputs else next(iter(network.outputs))

    def rank(self, query: str, documents: Sequence[str], checkpoint: Callable[[], None]) -> Ranking:
        """Score each document by what the model makes of the query and it."""
        spec = self._spec
        if spec.document_prefix:
            documents = [spec.document_prefix + document for document in documents]
        pairs, truncated = self._tokenizer.tokenize_pairs(
            spec.query_prefix + query, documents, checkpoint
        )
        # Equal documents are read only once.
        type_ids = {pair.ids: pair.type_ids for pair in pairs}
        logits: dict[TokenIds, float] = {}
        for block in cut_blocks(sorted(type_ids, key=len), self._network.block_size):
            checkpoint()
            types = [type_ids[ids] for ids in block]
            logits.update(zip(block, self._run(block, types), strict=True))
        scores = sigmoid(np.array([logits[pair.ids] for pair in pairs]))
        return Ranking(scores.tolist(), sum(len(pair.ids) for pair in pairs), truncated)

    def _run(self, block: Sequence[TokenIds], types: Sequence[TokenIds]) -> list[float]:
        logits = self._network.run(self._output, block, types)
        if logits.size != len(block):
            raise ValueError(
                "the model gives more than one number for a document, so it is no cross-encoder "
                "for ranking"
            )
        return [float(logit) for logit in logits.ravel()]
