"""Figures that differ by machine: scores a little, times freely."""

import re

# Processors round the products of the embedded model's small integers differently.
TOLERANCE = 0.02
_SCORE = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])")
# Milliseconds, and the seconds that pytest took.
_TIME = re.compile(r"\d+(?= ms\b)|(?<= in )\d+\.\d\d(?=s$)", re.MULTILINE)
_BAR = re.compile("[█▉▊▋▌▍▎▏]+ *")


def settle(printed: str, shown: str) -> str:
    """
    Replace figures of this machine by those of the page, where they mean the same.

    Args:
        printed: What was printed here.
        shown: What the page shows, with the same figures in any order.
    """
    scores = _SCORE.findall(shown)
    times = iter(_TIME.findall(shown))

    def find_shown(match: re.Match[str]) -> str:
        alike = [score for score in scores if len(score) == len(match[0])]
        nearest = min(alike, key=lambda score: abs(float(score) - float(match[0])), default="inf")
        return nearest if abs(float(nearest) - float(match[0])) <= TOLERANCE else match[0]

    printed = _SCORE.sub(find_shown, printed)
    return _TIME.sub(lambda match: next(times, match[0]), printed)


def without_bars(printed: str) -> str:
    """Leave out bars, whose last eighth follows from a score."""
    return _BAR.sub("", printed)
