"""From what a model computes to scores between 0 and 1."""

import numpy as np
from numpy.typing import NDArray


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply the logistic function, without overflow."""
    scores: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -values))
    return scores
