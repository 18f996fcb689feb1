"""The numbers of the page, each taken from the JSON by its place there."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .extra import import_package

SMALLEST_P = 0.001
MINUS = "\N{MINUS SIGN}"


def show_signed(value: float) -> str:
    """Write a difference, with its sign unless it is shown as nothing."""
    shown = f"{abs(value):.3f}"
    sign = "+" if value > 0 else MINUS
    return shown if float(shown) == 0 else sign + shown


def show_p(value: float) -> str:
    """Write a probability; below 0.001 it says only that."""
    return f"<{SMALLEST_P}" if value < SMALLEST_P else f"{value:.3f}"


def show_cost(value: float) -> str:
    """Write an amount with two decimals, or with two digits if it is smaller than a hundredth."""
    if value == 0:
        return "0"
    return f"{value:,.2f}" if value >= 0.01 else f"{value:.2g}"


FORMATS: Mapping[str, Callable[[Any], str]] = {
    "score": "{:.3f}".format,
    "signed": show_signed,
    "p": show_p,
    "cost": show_cost,
    "count": "{:,}".format,
    "ms": "{:,.0f}".format,
    "percent": "{:.0%}".format,
}
MISSING: Mapping[str, str] = {"cost": "unknown", "percent": "nothing to drop"}


class Numbers:
    """Writes values of the JSON as HTML that says which they are."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        """
        Take what `Evaluation.to_dict` gives.

        Raises:
            ModuleNotFoundError: The package markupsafe is not installed.
        """
        self._value = value
        self._markup = import_package("markupsafe").Markup

    def __call__(self, kind: str, path: Sequence[str | int]) -> Any:
        """
        Write one value.

        Args:
            kind: How to show it, a key of `FORMATS`.
            path: The keys and positions that lead to it.

        Returns:
            HTML. A value that is None becomes words that tell it from 0.
        """
        value: Any = self._value
        for part in path:
            value = value[part]
        if value is None:
            return self._markup('<span class="quiet">{}</span>').format(MISSING[kind])
        return self._markup('<data value="{}" data-json="{}">{}</data>').format(
            json.dumps(value), point_to(path), FORMATS[kind](value)
        )


def point_to(path: Sequence[str | int]) -> str:
    """Write a path as a JSON Pointer (RFC 6901, section 3)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
