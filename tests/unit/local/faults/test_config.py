"""Checking the arguments of `Faults`, and reading delays."""

from typing import Any

import pytest
from openrouter_rerank.local import Faults
from openrouter_rerank.local._faults.config import parse_delay


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("retry_after", -1),
        ("retry_after", 3601),
        ("delay", -0.1),
        ("delay", float("nan")),
        ("delay", 1e9),
        ("drop", 1.1),
        ("drop", -0.1),
    ],
)
def test_number_out_of_range_is_refused(argument: str, value: float) -> None:
    """The message begins with the argument's name and says what it may be."""
    with pytest.raises(ValueError, match=f"^{argument}: must be from 0 to "):
        Faults(**{argument: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("retry_after", 1.5),
        ("retry_after", True),
        ("delay", "1s"),
        ("drop", True),
        ("drop", None),
        ("seed", "1"),
        ("seed", True),
    ],
)
def test_number_of_the_wrong_type_is_refused(argument: str, value: Any) -> None:
    """The message begins with the argument's name and says what was expected."""
    with pytest.raises(TypeError, match=f"^{argument}: expected "):
        Faults(**{argument: value})


@pytest.mark.parametrize(
    ("text", "seconds"), [("300ms", 0.3), ("2s", 2.0), (" 1.5S ", 1.5), ("0s", 0.0)]
)
def test_delay_is_read_with_its_unit(text: str, seconds: float) -> None:
    """Milliseconds and seconds become seconds."""
    assert parse_delay(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "ms", "-1s", "1m", "1e3s", ".5s", "nan"])
def test_delay_without_number_or_unit_is_refused(text: str) -> None:
    """The error quotes what is no time, with an example of one."""
    with pytest.raises(ValueError, match=r"^delay: expected such as 300ms or 2s, got "):
        parse_delay(text)
