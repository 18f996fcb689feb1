"""The workflows: what they run is pinned, may do little, and takes no command from outside."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract.reading.loading import parse_document, read_source

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
WRITERS = {
    ("upstream.yml", "propose"): {"contents": "write", "pull-requests": "write"},
    ("release.yml", "publish"): {"id-token": "write"},
    ("docs.yml", "publish"): {"id-token": "write", "pages": "write"},
}
UNHEEDED = {"cosmetic", "open-enum"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="an sdist has no workflows")
each_workflow = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def list_steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps of all jobs."""
    for job in workflow["jobs"].values():
        yield from job["steps"]


def load(path: Path) -> dict[str, Any]:
    """Read a workflow."""
    return parse_document(read_source(path))


def test_the_workflows_are_found() -> None:
    """The checks below have something to look at."""
    assert [path.name for path in FILES] == ["ci.yml", "docs.yml", "release.yml", "upstream.yml"]


@each_workflow
def test_every_action_is_pinned_by_hash(path: Path) -> None:
    """A tag or a branch could come to mean something else."""
    used = [step["uses"] for step in list_steps(load(path)) if "uses" in step]

    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


@each_workflow
def test_the_same_action_has_the_same_hash(path: Path) -> None:
    """Two pins of one action would be two versions to look after."""
    everywhere = [
        step["uses"] for file in FILES for step in list_steps(load(file)) if "uses" in step
    ]
    pins = {action.partition("@")[0]: action for action in everywhere}
    here = [step["uses"] for step in list_steps(load(path)) if "uses" in step]

    assert [action for action in here if pins[action.partition("@")[0]] != action] == []


@each_workflow
def test_only_named_jobs_may_write(path: Path) -> None:
    """A workflow as a whole may read at most; a job that may do more is one of the table."""
    workflow = load(path)
    jobs = {name: job.get("permissions", {}) for name, job in workflow["jobs"].items()}
    more = {(path.name, name): may for name, may in jobs.items() if "write" in may.values()}

    assert workflow["permissions"] in ({}, {"contents": "read"})
    assert more == {key: may for key, may in WRITERS.items() if key[0] == path.name}


@each_workflow
def test_no_command_is_made_of_an_expression(path: Path) -> None:
    """What comes from outside reaches a shell in variables and files, never as text to run."""
    commands = [step["run"] for step in list_steps(load(path)) if "run" in step]

    assert [command for command in commands if "${{" in command] == []


@each_workflow
def test_no_checkout_leaves_its_token(path: Path) -> None:
    """What a job runs finds no credentials in the clone."""
    checkouts = [s for s in list_steps(load(path)) if "actions/checkout@" in s.get("uses", "")]

    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_job_that_writes_runs_nothing_of_ours() -> None:
    """Code that was made of what was fetched runs where nothing can be written."""
    steps = load(FOLDER / "upstream.yml")["jobs"]["propose"]["steps"]
    commands = " ".join(step.get("run", "") for step in steps)

    assert not re.search(r"\b(make|python|pip)\b", commands)
    assert commands.count("--body-file") == 2
    assert "--body " not in commands


def test_only_what_users_notice_is_proposed() -> None:
    """Grown enums and prose open no pull request."""
    workflow = load(FOLDER / "upstream.yml")
    condition = workflow["jobs"]["propose"]["if"]

    assert re.findall(r'"([a-z-]+)"', condition) == ["additive", "breaking"]
    assert not any(word in condition for word in UNHEEDED)
