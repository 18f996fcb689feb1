"""How the report writes the numbers of the JSON."""

import pytest
from openrouter_rerank.evaluation._report.numbers import (
    FORMATS,
    Numbers,
    point_to,
    show_cost,
    show_p,
    show_signed,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0214, "+0.021"), (-0.0214, "\u22120.021"), (0.0, "0.000"), (-0.0004, "0.000")],
)
def test_a_difference_has_its_sign(value: float, shown: str) -> None:
    """A difference that is shown as nothing has none."""
    assert show_signed(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0009, "<0.001"), (0.001, "0.001"), (0.0, "<0.001"), (1.0, "1.000")]
)
def test_a_small_probability_is_below_a_bound(value: float, shown: str) -> None:
    """No probability is shown as 0."""
    assert show_p(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (2.0, "2.00"), (1234.5, "1,234.50"), (0.01, "0.01"), (0.00256, "0.0026")],
)
def test_a_small_cost_is_not_shown_as_nothing(value: float, shown: str) -> None:
    """Only a cost of nothing is 0."""
    assert show_cost(value) == shown


def test_a_number_says_where_it_stands() -> None:
    """It carries its exact value and its place, whose names are escaped as RFC 6901 has it."""
    number = Numbers({"a/b": [{"m~n": 0.123456}]})

    shown = number("score", ("a/b", 0, "m~n"))

    assert shown == '<data value="0.123456" data-json="/a~1b/0/m~0n">0.123</data>'


def test_an_unknown_cost_is_not_nothing() -> None:
    """None becomes a word."""
    shown = Numbers({"cost": None})("cost", ("cost",))

    assert shown == '<span class="quiet">unknown</span>'


def test_other_formats() -> None:
    """Counts and milliseconds are whole, with commas; shares are percentages."""
    assert FORMATS["count"](5183) == "5,183"
    assert FORMATS["ms"](1234.5678) == "1,235"
    assert FORMATS["percent"](0.956) == "96%"
    assert point_to([]) == ""
