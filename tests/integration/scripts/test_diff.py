"""The command that compares two contracts."""

import json
from pathlib import Path

import diff
import generate
import pytest

MINIMAL = "openapi: 3.1.0\npaths: {/a: {get: {responses: {'200': {description: A}%s}}}}\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Return two contracts, of which the second has one error more."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(MINIMAL % "", encoding="utf-8")
    new.write_text(MINIMAL % ", '400': {description: No}", encoding="utf-8")
    return str(old), str(new)


def test_the_contract_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed contract, with all it holds, equals itself."""
    status = diff.main([str(generate.SPEC), str(generate.SPEC), "--fail-on", "cosmetic"])

    assert status == 0
    assert capsys.readouterr().out.startswith("The contracts are equal")


def test_text_and_json_are_printed(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Both forms tell the same change."""
    assert diff.main([*files]) == 0
    text = capsys.readouterr().out
    assert diff.main([*files, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)

    assert "- `response.400`: `new status`" in text
    assert report["changes"][0]["path"] == "response.400"


@pytest.mark.parametrize(
    ("limit", "status"), [("cosmetic", 1), ("open-enum", 1), ("additive", 1), ("breaking", 0)]
)
def test_fail_on_counts_from_its_class_on(
    files: tuple[str, str], limit: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """An additive change fails where additive, or less, is the limit; it is printed anyway."""
    assert diff.main([*files, "--fail-on", limit]) == status
    assert "additive" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "not YAML"),
        ("[1]", "not a YAML or JSON object"),
        ("openapi: 3.1.0", "not an OpenAPI document with paths"),
        ("paths: {/a: {$ref: '#/nowhere'}}", "#/nowhere leads nowhere"),
    ],
)
def test_what_is_no_contract_is_refused_in_a_sentence(
    content: str,
    message: str,
    files: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A contract that cannot be compared ends in status 2 and one line."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(content, encoding="utf-8")

    status = diff.main([files[0], str(bad)])

    (line,) = capsys.readouterr().err.splitlines()
    assert status == diff.UNREADABLE
    assert message in line


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there ends in status 2 and its name."""
    missing = tmp_path / "absent.yaml"

    assert diff.main([str(missing), str(missing)]) == diff.UNREADABLE
    assert "absent.yaml" in capsys.readouterr().err
