"""The shape and the colour of each model, the same in charts, legend and tables."""

# Matplotlib's name of each shape, and its outline in a box of 12 by 12.
_SHAPES = {
    "o": "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z",
    "s": "M2 2h8v8h-8z",
    "D": "M6 .8L11.2 6L6 11.2L.8 6z",
    "^": "M6 1.5L11 10.5H1z",
    "v": "M6 10.5L11 1.5H1z",
    "P": "M4.2 1.5h3.6v2.7h2.7v3.6h-2.7v2.7h-3.6v-2.7h-2.7v-3.6h2.7z",
    "X": "M3.2 1L6 3.8L8.8 1L11 3.2L8.2 6L11 8.8L8.8 11L6 8.2L3.2 11L1 8.8L3.8 6L1 3.2z",
    "*": "M6 .7L7.4 4.4L11.3 4.6L8.3 7L9.3 10.8L6 8.7L2.7 10.8L3.7 7L.7 4.6L4.6 4.4z",
}
_MARKERS = list(_SHAPES)
COLOURS = [f"series-{number}" for number in range(len(_MARKERS))]
"""The names of the colours in the page's style sheet."""


def find_marker(number: int) -> str:
    """Find Matplotlib's name of a model's shape; the ninth model has that of the first."""
    return _MARKERS[number % len(_MARKERS)]


def find_outline(number: int) -> str:
    """Find the same shape as a path of SVG."""
    return _SHAPES[find_marker(number)]


def find_colour(number: int) -> str:
    """Find the name of a model's colour; the ninth model has that of the first."""
    return COLOURS[number % len(COLOURS)]
