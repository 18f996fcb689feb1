"""Reading which requests are to fail, and choosing."""

import threading
from typing import Any

import pytest
from openrouter_rerank.local import Faults
from openrouter_rerank.local._faults.config import parse_delay
from openrouter_rerank.local._faults.outcome import OK, RESET, Kind, Outcome
from openrouter_rerank.local._faults.sequence import OutcomeSequence


def take(faults: Faults, count: int) -> list[Outcome]:
    """Choose for so many requests."""
    sequence = OutcomeSequence(faults)
    return [sequence.next_outcome() for _ in range(count)]


@pytest.mark.parametrize("script", ["429, OK,reset", ["429", "ok", "reset"], (429, 200, "RESET")])
def test_outcomes_come_as_one_text_or_one_by_one(script: Any) -> None:
    """Names and statuses are read alike, whatever their case and the space around them."""
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


@pytest.mark.parametrize("script", ["", " ", (), []])
def test_empty_script_fails_nothing(script: Any) -> None:
    """Without outcomes every request gets the normal answer."""
    assert take(Faults(script), 3) == [OK, OK, OK]


@pytest.mark.parametrize("name", ["399", "600", "204", "x", "429,,ok", "4 29", "-429", "٤٢٩"])
def test_unknown_outcome_is_refused_by_name(name: str) -> None:
    """What is no outcome is quoted, with what there is."""
    with pytest.raises(ValueError, match=r"^fail: '.*' is neither a status .* truncated, reset"):
        Faults(name)


@pytest.mark.parametrize("script", [429, None, [None], [True], [4.29]])
def test_outcome_of_the_wrong_type_is_refused(script: Any) -> None:
    """Only texts and integers name outcomes."""
    with pytest.raises(TypeError, match=r"^fail: expected names of outcomes, got "):
        Faults(script)


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


def test_script_begins_again_after_its_end() -> None:
    """The first outcome follows the last one."""
    outcomes = take(Faults("429,ok"), 5)

    assert [outcome.status for outcome in outcomes] == [429, 200, 429, 200, 429]


def test_seed_makes_drops_the_same() -> None:
    """Equal seeds drop the same requests, others drop others."""
    first, again, other = (take(Faults(drop=0.5, seed=seed), 64) for seed in (1, 1, 2))

    assert first == again != other


@pytest.mark.parametrize(("drop", "outcome"), [(0, OK), (1, RESET), (1.0, RESET)])
def test_drop_reaches_from_never_to_always(drop: float, outcome: Outcome) -> None:
    """A probability of 0 drops nothing, one of 1 everything."""
    assert set(take(Faults(drop=drop), 200)) == {outcome}


def test_dropped_request_takes_no_outcome() -> None:
    """Between drops, the script goes on where it was."""
    outcomes = take(Faults("429,503,ok", drop=0.5, seed=3), 100)

    taken = [outcome.status for outcome in outcomes if outcome != RESET]
    assert 0 < len(taken) < 100
    assert taken == ([429, 503, 200] * 34)[: len(taken)]


def test_threads_share_a_script() -> None:
    """Requests that come at once get different places in the script."""
    sequence = OutcomeSequence(Faults("429,503"))
    chosen: list[Outcome] = []
    barrier = threading.Barrier(8)

    def choose() -> None:
        barrier.wait()
        chosen.extend(sequence.next_outcome() for _ in range(500))

    threads = [threading.Thread(target=choose) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcome.status for outcome in chosen) == [429] * 2000 + [503] * 2000


@pytest.mark.parametrize(
    ("text", "seconds"), [("300ms", 0.3), ("2s", 2.0), (" 1.5S ", 1.5), ("0s", 0.0)]
)
def test_delay_is_read_with_its_unit(text: str, seconds: float) -> None:
    """Milliseconds and seconds become seconds."""
    assert parse_delay(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "ms", "-1s", "1m", "1e3s", ".5s", "nan"])
def test_delay_without_number_or_unit_is_refused(text: str) -> None:
    """What is no time is quoted, with an example of one."""
    with pytest.raises(ValueError, match=r"^delay: expected such as 300ms or 2s, got "):
        parse_delay(text)
