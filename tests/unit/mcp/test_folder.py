"""The folder whose files may be read: what is in it, and what only seems to be."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openrouter_rerank.mcp._folder import (
    MAX_FILE_BYTES,
    MAX_NAMED_FILES,
    AllowedFolder,
    Line,
    RefusedPathError,
)

SECRET = "a secret\n"
MANY = 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a folder with files, beside one that nobody may read."""
    root = tmp_path / "allowed"
    for name in ("a.txt", "b.md", "deep/c.txt", "deep/er/d.txt", ".hidden", ".git/e.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.name}\n", encoding="utf-8")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text(SECRET, encoding="utf-8")
    return root


def list_files(root: Path, pattern: str) -> list[str]:
    """List the files of which a pattern reads lines."""
    return list(
        dict.fromkeys(line.file for line in AllowedFolder(root).read_lines(pattern, MANY).lines)
    )


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("a.txt", ["a.txt"]),
        ("./deep//c.txt", ["deep/c.txt"]),
        ("deep\\c.txt", ["deep/c.txt"]),
        ("*.txt", ["a.txt"]),
        ("?.*", ["a.txt", "b.md"]),
        ("[ab].*", ["a.txt", "b.md"]),
        ("*/*.txt", ["deep/c.txt"]),
        ("**/*.txt", ["a.txt", "deep/c.txt", "deep/er/d.txt"]),
        ("**", ["a.txt", "b.md", "deep/c.txt", "deep/er/d.txt"]),
        ("deep/**/d.txt", ["deep/er/d.txt"]),
        ("**/**/**/**/er/**/*", ["deep/er/d.txt"]),
        (".hidden", [".hidden"]),
        (".*", [".hidden"]),
        (".git/*", [".git/e.txt"]),
        ("A.txt*", []),
        ("a.txt/*", []),
    ],
)
def test_pattern_names_files(root: Path, pattern: str, files: list[str]) -> None:
    """Patterns mean what they mean in a shell, and come in the order of the paths."""
    assert list_files(root, pattern) == files


def test_lines_have_their_numbers(root: Path) -> None:
    """Lines are counted as an editor does; blank ones are left out, and a mark of bytes is."""
    (root / "a.txt").write_bytes("\ufeffone\r\n\n \t\nfour\x0b still\u2028four\nfive".encode())

    found = AllowedFolder(root).read_lines("a.txt", MANY)

    assert found.lines == [
        Line("a.txt", 1, "one"),
        Line("a.txt", 4, "four\x0b still\u2028four"),
        Line("a.txt", 5, "five"),
    ]


@pytest.mark.parametrize(
    "pattern",
    ["../outside/secret.txt", "deep/../../outside/*", "/etc/hosts", "\\\\host\\x", "C:x", "a\0b"],
)
def test_path_out_of_the_folder_is_refused(root: Path, pattern: str) -> None:
    """A path that leads out says so, whether or not there is a file."""
    with pytest.raises(RefusedPathError, match="leads out of the folder"):
        AllowedFolder(root).read_lines(pattern, MANY)


@pytest.mark.parametrize("pattern", ["", ".", "./"])
def test_folder_itself_is_no_file(root: Path, pattern: str) -> None:
    """Without a name, the error says what a name looks like."""
    with pytest.raises(RefusedPathError, match=r"such as notes\.txt"):
        AllowedFolder(root).read_lines(pattern, MANY)


def link_file(root: Path) -> str:
    """Link to a file outside."""
    (root / "link").symlink_to(root.parent / "outside" / "secret.txt")
    return "link"


def link_folder(root: Path) -> str:
    """Link to a folder outside."""
    (root / "link").symlink_to(root.parent / "outside")
    return "link/secret.txt"


def link_nothing(root: Path) -> str:
    """Name a file that is not there, behind a link to a folder outside."""
    (root / "link").symlink_to(root.parent / "outside")
    return "link/no-such-file"


def link_a_link(root: Path) -> str:
    """Link to a link that leads out."""
    (root / "inner").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "link").symlink_to("inner")
    return "link"


def link_a_neighbour(root: Path) -> str:
    """Link to a folder whose path begins like the allowed one's."""
    (root.parent / "allowed-not").mkdir()
    (root.parent / "allowed-not" / "x.txt").write_text(SECRET, encoding="utf-8")
    (root / "link").symlink_to(root.parent / "allowed-not" / "x.txt")
    return "link"


@pytest.mark.parametrize(
    "make", [link_file, link_folder, link_nothing, link_a_link, link_a_neighbour]
)
def test_link_out_of_the_folder_is_refused(root: Path, make: Callable[[Path], str]) -> None:
    """A link that leads out is not followed, and tells nothing of what is there."""
    name = make(root)

    found = AllowedFolder(root).read_lines(name, MANY)

    assert (found.lines, found.skipped) == ([], {name: "a link out of the folder"})


def test_pattern_does_not_follow_links_to_folders(root: Path) -> None:
    """Not even the names of files outside can be found out."""
    link_folder(root)

    found = AllowedFolder(root).read_lines("link/*", MANY)

    assert (found.lines, found.skipped) == ([], {})


def test_link_in_the_folder_is_followed(root: Path) -> None:
    """A link to a file in the folder is that file, by the link's own name."""
    (root / "link.txt").symlink_to("deep/c.txt")

    assert AllowedFolder(root).read_lines("link.txt", MANY).lines == [Line("link.txt", 1, "c.txt")]


def test_folder_that_is_swapped_for_a_link_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a path and its opening, nothing on the way can become a link out."""
    open_file = os.open

    def swap_and_open(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path) == root:
            (root / "deep").rename(root.parent / "away")
            (root / "deep").symlink_to(root.parent / "outside")
            (root.parent / "outside" / "c.txt").write_text(SECRET, encoding="utf-8")
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(os, "open", swap_and_open)
    monkeypatch.setattr(os, "supports_dir_fd", {swap_and_open})

    found = AllowedFolder(root).read_lines("deep/c.txt", MANY)

    assert found.lines == []
    assert list(found.skipped) == ["deep/c.txt"]


def test_system_without_such_opening_still_refuses_links(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file cannot be opened by its folder, as on Windows, its path is still looked at."""
    monkeypatch.setattr(os, "supports_dir_fd", set[object]())
    link_file(root)

    found = AllowedFolder(root).read_lines("*", MANY)

    assert [line.file for line in found.lines] == ["a.txt", "b.md"]
    assert found.skipped == {"link": "a link out of the folder"}


def test_what_is_no_text_is_skipped_with_its_reason(root: Path) -> None:
    """Each file that cannot be read is named, and the others are read."""
    (root / "binary").write_bytes(b"a\0b")
    (root / "latin").write_bytes(b"caf\xe9\n")
    (root / "large").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (root / "loop").symlink_to("loop")
    (root / "self").symlink_to(".")
    os.mkfifo(root / "pipe")

    found = AllowedFolder(root).read_lines("*", MANY)
    folder = AllowedFolder(root).read_lines("self", MANY)

    assert [line.file for line in found.lines] == ["a.txt", "b.md"]
    assert list(found.skipped) == ["binary", "large", "latin", "loop", "pipe"]
    assert found.skipped["binary"] == "no text"
    assert found.skipped["large"] == "larger than 1 MiB"
    assert found.skipped["latin"] == "not in UTF-8"
    assert found.skipped["pipe"] == "no regular file"
    assert folder.skipped == {"self": "no regular file"}


def test_missing_file_has_the_systems_reason(root: Path) -> None:
    """A name without a file is told."""
    assert AllowedFolder(root).read_lines("gone", MANY).skipped == {
        "gone": "No such file or directory"
    }


def test_name_that_is_no_text_can_be_told(root: Path) -> None:
    """A name with bytes that are no UTF-8 is shown with a mark in their place."""
    Path(os.fsdecode(bytes(root) + b"/\xff.txt")).write_text("text", encoding="utf-8")

    assert "\ufffd.txt" in list_files(root, "*.txt")


def test_too_many_lines_are_refused(root: Path) -> None:
    """What cannot be ranked at once is not held in memory either."""
    with pytest.raises(RefusedPathError, match="more than the 2 lines"):
        AllowedFolder(root).read_lines("**/*.txt", 2)


def test_only_the_first_skipped_files_are_named(root: Path) -> None:
    """A folder of pictures does not fill the answer with their names."""
    for number in range(MAX_NAMED_FILES + 5):
        (root / f"{number}.png").write_bytes(b"\0")

    found = AllowedFolder(root).read_lines("*", MANY)

    assert (len(found.skipped), found.skipped_count) == (MAX_NAMED_FILES, MAX_NAMED_FILES + 5)
    assert len(found.lines) == 2


def test_too_many_files_are_refused(root: Path) -> None:
    """A pattern over a folder with more files than are looked at is refused; a name is not."""
    folder = AllowedFolder(root, max_files=2)

    with pytest.raises(RefusedPathError, match="more than 2 files"):
        folder.read_lines("**", MANY)

    assert folder.read_lines("deep/er/d.txt", MANY).lines


@pytest.mark.parametrize(("name", "error"), [("gone", FileNotFoundError), ("a.txt", OSError)])
def test_allowed_folder_has_to_be_one(root: Path, name: str, error: type[OSError]) -> None:
    """Neither nothing nor a file is a folder."""
    with pytest.raises(error):
        AllowedFolder(root / name)
