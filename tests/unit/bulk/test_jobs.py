"""What a run takes and gives: every argument of `rerank`, no content in what is printed."""

import inspect
import json
import pickle

import pytest
from attrs import fields
from openrouter_rerank import OpenRouter, RerankJob, RerankOutcome, errors
from openrouter_rerank._bulk.jobs import prepare_job
from openrouter_rerank._rerank import Rerank
from openrouter_rerank.operations import CreateRerankResponseBody, CreateRerankUsage
from openrouter_rerank.types import UNSET, Unset

JOB = RerankJob(id="a", query="secret query", documents=["secret text"], model="m")


def test_job_has_every_argument_of_rerank() -> None:
    """A job's fields are the arguments of `rerank` with their defaults, and an id."""
    arguments = inspect.signature(Rerank.rerank).parameters
    expected = {name: parameter.default for name, parameter in arguments.items() if name != "self"}

    defaults = {field.name: field.default for field in fields(RerankJob)}
    assert defaults.pop("id") is None
    assert defaults.pop("on_failure") is None
    # Unless the job says so itself, `on_failure` decides.
    assert (defaults["unrankable"], expected.pop("unrankable")) == (None, "raise")
    assert set(defaults) == {*expected, "unrankable"}
    for name, default in expected.items():
        if default is not inspect.Parameter.empty:
            assert defaults[name] is default, name


def test_every_field_is_handed_on() -> None:
    """What a job holds is what is sent, and how."""
    job = RerankJob(
        query="q",
        documents=iter(["d"]),
        model="m",
        provider=None,
        session_id="s",
        top_n=1,
        trace={"trace_id": "t"},
        user="u",
        extra_body={"new": 1},
        timeout=3,
        http_headers={"X-A": "b"},
        deadline_ms=None,
    )

    encoded, options = prepare_job(job)
    assert json.loads(encoded.content) == {
        "documents": ["d"],
        "model": "m",
        "query": "q",
        "provider": None,
        "top_n": 1,
        "session_id": "s",
        "trace": {"trace_id": "t"},
        "user": "u",
        "new": 1,
    }
    assert (options.get("timeout"), options.get("deadline_ms", UNSET)) == (3, None)
    assert options.get("http_headers") == {"X-A": "b"}


@pytest.mark.parametrize(
    ("usage", "cost"),
    [(UNSET, None), (None, None), (CreateRerankUsage(), None), (CreateRerankUsage(cost=0.5), 0.5)],
)
def test_cost_is_the_replys(usage: CreateRerankUsage | Unset | None, cost: float | None) -> None:
    """A cost is told or it is None, never 0 for want of a figure."""
    result = CreateRerankResponseBody(model="m", results=[], usage=usage)

    assert RerankOutcome(JOB, 0, result, None, 1).cost == cost


def test_outcome_unwraps_to_its_result_or_error() -> None:
    """`unwrap` does what `rerank` would have done."""
    result = CreateRerankResponseBody(model="m", results=[])
    error = errors.TooManyRequestsResponseError("slow down")

    assert RerankOutcome(JOB, 0, result, None, 1).unwrap() is result
    with pytest.raises(errors.TooManyRequestsResponseError, match="slow down"):
        RerankOutcome(JOB, 0, None, error, 3).unwrap()


def test_repr_names_the_job_alone() -> None:
    """Neither content nor headers, which may hold a secret, are printed."""
    job = RerankJob(id=7, query="secret", documents=["secret"], model="m", http_headers={"X": "s"})
    outcome = RerankOutcome(job, 3, None, ValueError("top_n: must be at least 1"), 0)

    assert repr(job) == "RerankJob(id=7, model='m')"
    assert repr(outcome) == (
        "RerankOutcome(job=RerankJob(id=7, model='m'), position=3, ValueError, attempts=0)"
    )


def test_job_and_outcome_survive_pickle() -> None:
    """They can be handed to another process."""
    outcome = RerankOutcome(JOB, 0, None, errors.DisconnectedError("gone"), 2)

    copied = pickle.loads(pickle.dumps(outcome))  # noqa: S301 - written by the line itself
    assert copied.job == JOB
    assert (type(copied.error), copied.attempts) == (errors.DisconnectedError, 2)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"max_concurrency": 0}, ValueError),
        ({"max_concurrency": 1.5}, TypeError),
        ({"ordered": "no"}, TypeError),
        ({"requests_per_minute": 0}, ValueError),
        ({"requests_per_minute": "60"}, TypeError),
        ({"max_cost": -1.0}, ValueError),
        ({"max_cost": float("nan")}, ValueError),
        ({"max_unread": 0}, ValueError),
        ({"on_progress": 3}, TypeError),
        ({"jobs": 5}, TypeError),
        ({"jobs": "jobs"}, TypeError),
    ],
)
@pytest.mark.parametrize("name", ["rerank_many", "rerank_many_async"])
def test_wrong_argument_raises_at_the_call(
    name: str, arguments: dict[str, object], error: type[Exception]
) -> None:
    """A run that cannot go is refused before it begins, with the argument's name."""
    with OpenRouter("sk-or-key") as client, pytest.raises(error, match=next(iter(arguments))):
        getattr(client.rerank, name)(**{"jobs": [], **arguments})
