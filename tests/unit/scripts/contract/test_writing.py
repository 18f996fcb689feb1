"""Canonical text, put in place at once or not at all."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from contract.model import ContractError
from contract.reading.loading import parse_document
from contract.writing import HEADER, dump_contract, replace_file, stamp_provenance
from ruamel.yaml import YAML

STRINGS = [
    "no", "yes", "on", "null", "~", "", "2026-08-21", "2026-10", "12:30", "1e3", "1.5", "5", "0o17",
    "0x1f", "1_000", ".inf", "-", "- a", "a: b", "#a", "<<", "=", "*a", "&a", "!a", "%a", "@a",
    "`a`", "a\nb", " a ", "a\tb", "it's", '"', "\N{GRINNING FACE}", "x" * 300, "words " * 60,
]  # fmt: skip


@pytest.mark.parametrize("text", STRINGS)
def test_strings_are_strings_to_every_reader(text: str) -> None:
    """YAML 1.1, YAML 1.2 and our own reader agree on what was written."""
    written = dump_contract({"key": text, text: "key"})
    reader: Any = YAML(typ="safe", pure=True)

    assert parse_document(written.encode()) == {"key": text, text: "key"}
    assert yaml.safe_load(written) == {"key": text, text: "key"}
    assert reader.load(written) == {"key": text, text: "key"}


def test_lists_of_types_are_on_one_line() -> None:
    """A list of types reads as one; shared data is written out, not aliased."""
    shared = {"type": ["string", "null"]}

    assert dump_contract({"a": shared, "b": shared}) == (
        HEADER + "a:\n  type: [string, 'null']\nb:\n  type: [string, 'null']\n"
    )


def test_provenance_names_source_and_content() -> None:
    """The hash is of all but itself and its source, whatever the order of keys."""
    first = stamp_provenance({"info": {"title": "a"}, "x": 1}, "one.yaml")["info"]["x-upstream"]
    again = stamp_provenance(
        {"x": 1, "info": {"x-upstream": {"source": "y"}, "title": "a"}}, "two.yaml"
    )["info"]["x-upstream"]
    other = stamp_provenance({"info": {"title": "b"}, "x": 1}, "one.yaml")["info"]["x-upstream"]

    assert (first["source"], again["source"]) == ("one.yaml", "two.yaml")
    assert first["sha256"] == again["sha256"]
    assert first["sha256"] != other["sha256"]


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    """The new text is there, nothing else is, and the file is as readable as it was."""
    path = tmp_path / "openapi.yaml"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)

    replace_file(path, "new")

    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Written through a symbolic link, the file behind it is the one that changes."""
    target = tmp_path / "target.yaml"
    link = tmp_path / "link.yaml"
    link.symlink_to(target)

    replace_file(link, "new")

    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    """Text that is no Unicode is refused before anything is touched."""
    path = tmp_path / "openapi.yaml"
    path.write_text("old", encoding="utf-8")

    with pytest.raises(ContractError, match="not Unicode"):
        replace_file(path, "\ud800")

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
