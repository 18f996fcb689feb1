"""Scores in the command's table."""

import pytest
from openrouter_rerank.cli._tables import format_scores


@pytest.mark.parametrize(
    ("scores", "shown"),
    [
        ([0.9, 0.5], ["0.9000", "0.5000"]),
        ([0.5, 0.5, 0.0], ["0.5000", "0.5000", "0.0000"]),
        ([0.9, 0.00005, 0.000008], ["0.90000", "0.00005", "0.00001"]),
        ([0.00001], ["0.00001"]),
        ([0.12347, 0.12346], ["0.12347", "0.12346"]),
        ([-7.5, -7.50001], ["-7.50000", "-7.50001"]),
        ([2e-13, 1e-13], ["2e-13", "1e-13"]),
        ([], []),
    ],
)
def test_different_scores_are_told_apart(scores: list[float], shown: list[str]) -> None:
    """There are as many decimals as tell scores from each other and from 0, four at least."""
    assert format_scores(scores) == shown
