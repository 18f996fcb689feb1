"""Reading the names of outcomes."""

from typing import Any

import pytest
from openrouter_rerank.local import Faults
from openrouter_rerank.local._faults.outcome import OK, RESET, Kind, Outcome


@pytest.mark.parametrize("script", ["429, OK,reset", ["429", "ok", "reset"], (429, 200, "RESET")])
def test_outcomes_come_as_one_text_or_one_by_one(script: Any) -> None:
    """Names and statuses are read whatever their case and the space around them."""
    faults = Faults(script)

    assert faults.fail == (Outcome(Kind.ERROR, 429), OK, RESET)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("400", Outcome(Kind.ERROR, 400)),
        ("599", Outcome(Kind.ERROR, 599)),
        ("html", Outcome(Kind.ERROR, 524)),
        ("error-in-200", Outcome(Kind.ERROR_IN_200)),
        ("truncated", Outcome(Kind.TRUNCATED)),
        ("hang", Outcome(Kind.HANG)),
    ],
)
def test_each_name_has_its_outcome(name: str, outcome: Outcome) -> None:
    """Errors keep their status, and the page is Cloudflare's 524."""
    faults = Faults(name)

    assert faults.fail == (outcome,)


@pytest.mark.parametrize("name", ["399", "600", "204", "x", "429,,ok", "4 29", "-429", "٤٢٩"])
def test_unknown_outcome_is_refused_by_name(name: str) -> None:
    """The error quotes an unknown name and lists the outcomes."""
    with pytest.raises(ValueError, match=r"^fail: '.*' is neither a status .* truncated, reset"):
        Faults(name)


@pytest.mark.parametrize("script", [429, None, [None], [True], [4.29]])
def test_outcome_of_the_wrong_type_is_refused(script: Any) -> None:
    """Only texts and integers name outcomes."""
    with pytest.raises(TypeError, match=r"^fail: expected names of outcomes, got "):
        Faults(script)
