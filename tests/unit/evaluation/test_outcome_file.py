"""What is kept of an evaluation, so that no call is paid for twice."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_rerank import errors
from openrouter_rerank.evaluation import (
    EvaluationStoppedError,
    OutcomeFileError,
    evaluate,
)
from unit.evaluation.planted import BAD, EQUAL, GOOD, PlantedApi, make_planted

NAME = "outcomes.jsonl"


def agree(_: object) -> bool:
    """Agree to the estimate."""
    return True


def refuse(_: object) -> bool:
    """Do not agree to the estimate."""
    return False


def run(folder: Path, api: PlantedApi, **arguments: Any) -> Any:
    """Evaluate the good model on 6 queries, and keep what it gave."""
    given: dict[str, Any] = {"models": [GOOD], "depths": [5], "max_concurrency": 1, **arguments}
    with api.open_client() as client:
        return evaluate(client, make_planted(6), folder=folder, **given)


def test_what_is_there_is_not_sent_again(tmp_path: Path) -> None:
    """A second run sends nothing, has the same results, and says why."""
    api = PlantedApi()

    first = run(tmp_path / "new" / "folder", api)
    again = run(tmp_path / "new" / "folder", api)

    assert len(api.bodies) == 6
    assert again.systems == first.systems
    assert again.cost == first.cost == pytest.approx(0.012)
    assert first.notes == []
    assert "it holds 6 calls, which were not made again" in again.notes[0]


def test_other_models_and_depths_are_added(tmp_path: Path) -> None:
    """Only what is new is sent, and what is no longer asked for does not count."""
    api = PlantedApi()

    run(tmp_path, api)
    more = run(tmp_path, api, models=[GOOD, EQUAL], depths=[3, 5])
    less = run(tmp_path, api, models=[EQUAL])

    assert len(api.bodies) == 24
    assert more.cost == pytest.approx(0.036)
    assert less.cost == pytest.approx(0.006)


def test_another_server_is_asked_itself(tmp_path: Path) -> None:
    """What a server on this machine gave is not taken for what the API would give."""
    api = PlantedApi()
    for url in ("http://localhost:1/api/v1", "http://localhost:2/api/v1"):
        with api.open_client(server_url=url) as client:
            evaluate(client, make_planted(2), models=[GOOD], depths=[5], folder=tmp_path)

    assert len(api.bodies) == 4


def test_a_line_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    """A kill can leave half a line, which costs its own call and no other."""
    api = PlantedApi()
    run(tmp_path, api)
    file = tmp_path / NAME
    file.write_bytes(file.read_bytes()[:-7])

    again = run(tmp_path, api)

    assert len(api.bodies) == 7
    assert "the last line was cut off" in again.notes[0]
    assert "it holds 5 calls" in again.notes[1]
    assert [json.loads(line)["query"] for line in file.read_text().splitlines()] == [
        f"q{number}" for number in range(6)
    ]


def test_only_half_a_line_is_nothing(tmp_path: Path) -> None:
    """A run that was killed in its first write begins again."""
    (tmp_path / NAME).write_text('{"key"')

    assert "cut off" in run(tmp_path, PlantedApi()).notes[0]


@pytest.mark.parametrize(
    "line", ["{}", "[]", "half", '{"key": "a", "scores": [[0]]}', "7", "\udcff"]
)
def test_a_damaged_line_is_refused(tmp_path: Path, line: str) -> None:
    """A file that somebody else has changed is not guessed at."""
    file = tmp_path / NAME
    file.write_text(f"{line}\n", errors="surrogateescape")
    api = PlantedApi()

    with pytest.raises(OutcomeFileError, match=r"line 1: damaged\. Remove the line"):
        run(tmp_path, api)

    assert api.bodies == []


def test_a_folder_is_for_one_run_at_a_time(tmp_path: Path) -> None:
    """Two runs at once would pay twice."""
    refused: list[str] = []

    def run_within(_: object) -> None:
        with pytest.raises(OutcomeFileError) as caught:
            run(tmp_path, PlantedApi())
        refused.append(str(caught.value))

    run(tmp_path, PlantedApi(), on_progress=run_within)

    assert len(refused) == 6
    assert "is in use. Wait for the other run" in refused[0]


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    """A wrong path ends in one sentence, before anything is sent."""
    (tmp_path / "file").write_text("")
    api = PlantedApi()

    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutcomeFileError, match=r"cannot write .* Give another folder"):
            run(folder, api)

    assert api.bodies == []


def test_failed_calls_are_made_again_and_their_cost_is_kept(tmp_path: Path) -> None:
    """A failure is not kept as a result, but what it has cost is part of what was paid."""

    def bill_for_nothing(body: dict[str, Any]) -> httpx.Response | None:
        if body["query"] != "query 3":
            return None
        reply = {"model": GOOD, "results": [{"index": 99}], "usage": {"cost": 0.5}}
        return httpx.Response(200, json=reply)

    failed = run(tmp_path, PlantedApi(bill_for_nothing))
    api = PlantedApi()
    again = run(tmp_path, api)

    assert [failure.query_id for failure in failed.systems[1].failures] == ["q3"]
    assert len(api.bodies) == 1
    assert again.systems[1].failures == []
    assert failed.cost == pytest.approx(0.51)
    assert again.cost == pytest.approx(0.512)


def test_what_was_paid_before_counts_against_the_limit(tmp_path: Path) -> None:
    """A limit is for all runs into a folder; a higher one goes on where the other ended."""
    api = PlantedApi()

    with pytest.raises(errors.RunStoppedError) as first:
        run(tmp_path, api, max_cost=0.005)
    with pytest.raises(errors.RunStoppedError) as second:
        run(tmp_path, api, max_cost=0.005)
    sent = len(api.bodies)
    done = run(tmp_path, api, max_cost=1)

    assert (first.value.reason, second.value.reason) == ("max_cost", "max_cost")
    assert (sent, len(api.bodies)) == (3, 6)
    assert done.cost == pytest.approx(0.012)


def test_a_cost_that_cannot_be_counted_ends_the_run_but_is_kept(tmp_path: Path) -> None:
    """With a limit, a model that does not tell its price is not paid again and again."""
    api = PlantedApi()

    with pytest.raises(errors.RunStoppedError) as caught:
        run(tmp_path, api, models=[BAD], max_cost=1)

    assert caught.value.reason == "unknown_cost"
    assert len(api.bodies) == len((tmp_path / NAME).read_text().splitlines()) == 1


def test_who_does_not_agree_keeps_what_was_paid_for(tmp_path: Path) -> None:
    """The calls that told the price are not made again."""
    api = PlantedApi()
    with pytest.raises(EvaluationStoppedError):
        run(tmp_path, api, confirm=refuse)

    run(tmp_path, api, confirm=agree)

    assert len(api.bodies) == 6


def test_known_prices_need_no_further_call(tmp_path: Path) -> None:
    """A run that goes on estimates by what is kept, and sends nothing before it asks."""
    api = PlantedApi()
    with pytest.raises(EvaluationStoppedError):
        run(tmp_path, api, confirm=refuse)
    with pytest.raises(EvaluationStoppedError) as caught:
        run(tmp_path, api, confirm=refuse)

    assert len(api.bodies) == 1
    assert caught.value.estimate.cost == pytest.approx(0.01)
