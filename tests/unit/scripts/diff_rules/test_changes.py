"""What a change calls for, and how changes of shared components are reported once."""

import pytest
from diff_rules.changes import (
    Bump,
    Change,
    ChangeClass,
    Version,
    find_bump,
    merge_changes,
    next_breaking_version,
    weigh,
)


@pytest.mark.parametrize(
    ("classes", "bump"),
    [
        ([], Bump("none", "none")),
        ([ChangeClass.COSMETIC, ChangeClass.OPEN_ENUM], Bump("none", "none")),
        ([ChangeClass.ADDITIVE, ChangeClass.OPEN_ENUM], Bump("minor", "minor")),
        ([ChangeClass.COSMETIC, ChangeClass.BREAKING], Bump("major", "minor")),
    ],
)
def test_the_worst_class_decides_the_version(classes: list[ChangeClass], bump: Bump) -> None:
    """Hints call for no version, news for a minor one, and what breaks for a major one."""
    changes = [Change("a", change_class, "x") for change_class in classes]

    assert find_bump(changes) == bump


def test_no_changes_have_no_class() -> None:
    """Equal contracts have no class at all, not the least one."""
    assert weigh([]) is None


@pytest.mark.parametrize(
    ("version", "breaking"),
    [((0, 1, 7), (0, 2, 0)), ((1, 4, 2), (2, 0, 0)), ((12, 0, 0), (13, 0, 0))],
)
def test_a_breaking_version_is_minor_before_1_0(version: Version, breaking: Version) -> None:
    """Before 1.0 the minor version tells what breaks, from then on the major one."""
    assert next_breaking_version(version) == breaking


def test_a_shared_component_changes_once() -> None:
    """One change that is met in several places is reported once, with the other places."""
    first = Change("response.400.error", ChangeClass.ADDITIVE, "x", home="ErrorData")
    second = Change("response.500.error", ChangeClass.ADDITIVE, "x", home="ErrorData")

    (merged,) = merge_changes([first, second, second])

    assert merged.path == "response.400.error"
    assert merged.also == ("response.500.error",)


def test_what_differs_in_class_is_not_merged() -> None:
    """A component that breaks in one direction alone keeps both changes, the worse one first."""
    mild = Change("request.a", ChangeClass.ADDITIVE, "x", home="Shared.a")
    bad = Change("response.200.a", ChangeClass.BREAKING, "x", home="Shared.a")

    assert merge_changes([mild, bad]) == [bad, mild]
