"""From logits to scores."""

import numpy as np
from openrouter_rerank.local._models.scores import sigmoid


def test_scores_have_no_overflow() -> None:
    """The largest numbers give 0 and 1, without a warning."""
    scores = sigmoid(np.array([-1e4, -2.0, 0.0, 2.0, 1e4]))

    assert scores.tolist() == [0.0, scores[1], 0.5, scores[3], 1.0]
    assert abs(scores[1] + scores[3] - 1.0) < 1e-12
