"""What upstream takes away is reported, and shipped only when a person says so."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sync
from diff_rules.changes import ChangeClass, weigh
from diff_rules.reporting import compare_contracts
from regeneration.regenerator import Regenerator
from regeneration.variants import Change, build_document
from upstream import Json, get_operation, get_reply, get_request


def drop_status(document: Json) -> None:
    """Declare a status no longer."""
    del get_operation(document)["responses"]["529"]


def drop_required(document: Json) -> None:
    """Give results without a score."""
    result = get_reply(document)["properties"]["results"]["items"]
    del result["properties"]["relevance_score"]
    result["required"].remove("relevance_score")


def drop_described(document: Json) -> None:
    """Take an optional field no longer."""
    del get_request(document)["properties"]["top_n"]


def drop_operation(document: Json) -> None:
    """Offer no operation."""
    del document["paths"]["/rerank"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (drop_status, "responses['529']"),
        (drop_required, "relevance_score"),
        (drop_described, "top_n"),
        (drop_operation, "/rerank"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--accept-losses",)])
def test_a_removal_is_reported_and_not_shipped(
    change: Change, named: str, options: tuple[str, ...], base: Path, regenerator: Regenerator,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Sync names what is gone and leaves the contract; the overlay has to give it up first."""
    document = build_document()
    change(document)

    result = regenerator.sync(change.__name__, document, base, *options)

    (line,) = capsys.readouterr().err.splitlines()
    assert result.status == 1
    assert named in line
    assert result.contract.read_bytes() == base.read_bytes()


@pytest.fixture
def reduced_overlay(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that gives the option for an overlay without the actions on a target."""

    def drop_actions(target: str) -> str:
        head, *actions = sync.OVERLAY.read_text(encoding="utf-8").split("- target: ")
        kept = [action for action in actions if not action.startswith(target)]
        assert len(kept) < len(actions)
        path = tmp_path / "overlay.yaml"
        path.write_text("- target: ".join([head, *kept]), encoding="utf-8")
        return f"--overlay={path}"

    return drop_actions


def test_a_loss_is_accepted_by_a_person(
    base: Path, regenerator: Regenerator, reduced_overlay: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With the overlay fixed, sync still refuses, unless it may accept what is lost."""
    document = build_document()
    drop_status(document)
    overlay = reduced_overlay("$.paths['/rerank'].post.responses['529']")

    refused = regenerator.sync("refused", document, base, overlay)
    complaint = capsys.readouterr().err
    accepted = regenerator.sync("accepted", document, base, overlay, "--accept-losses")
    changes = compare_contracts(sync.load_file(base), sync.load_file(accepted.contract))

    assert (refused.status, accepted.status) == (1, 0)
    assert complaint.endswith("the status 529; if that is meant, add --accept-losses\n")
    assert "sync: accepted as lost: the status 529\n" in capsys.readouterr().out
    assert [c.path for c in changes if c.change_class is ChangeClass.BREAKING] == ["response.529"]


def test_a_lost_field_that_nothing_describes_is_told_as_breaking(
    base: Path, regenerator: Regenerator, tmp_path: Path
) -> None:
    """An optional field that went away is no loss to sync, and is breaking to diff."""
    document = build_document()
    get_request(document)["properties"]["rank_hint"] = {"type": "string"}
    before = shutil.copyfile(regenerator.sync("hinted", document, base).contract, tmp_path / "old")

    after = regenerator.sync("hinted", build_document(), before)

    changes = compare_contracts(sync.load_file(before), sync.load_file(after.contract))
    assert after.status == 0
    assert weigh(changes) is ChangeClass.BREAKING
