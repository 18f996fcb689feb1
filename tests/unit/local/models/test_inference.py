"""What goes into one run of the embedded model."""

import pytest
from openrouter_rerank.local._models.inference import cut_blocks


@pytest.mark.parametrize(
    ("lengths", "blocks"),
    [
        ([5], [[5]]),
        ([2, 3, 4, 5, 6], [[2, 3, 4, 5], [6]]),
        ([40, 40, 40, 40], [[40, 40, 40, 40]]),
        ([38, 39, 40, 41], [[38, 39, 40], [41]]),
        ([256, 2, 3], [[256], [2, 3]]),
        ([100, 256, 256], [[100], [256], [256]]),
    ],
    ids=str,
)
def test_runs_of_the_model_are_short(lengths: list[int], blocks: list[list[int]]) -> None:
    """A run has few texts and few tokens, so that a ranking can be stopped soon."""
    texts = [(7,) * length for length in lengths]

    assert [[len(text) for text in block] for block in cut_blocks(texts)] == blocks
