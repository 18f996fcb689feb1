"""A copy of the project's sources, for tests to break on purpose."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("generated", "hooks", "scripts")
FILES = ("generator-config.yml", "openapi-overlay.yaml", "openapi.yaml", "pyproject.toml")


class CopiedTree:
    """
    A copy that nothing is wrong with.

    Attributes:
        root: Where it lies.
    """

    def __init__(self, root: Path, source: Path = ROOT) -> None:
        self.root = root
        for folder in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "data")
            shutil.copytree(source / folder, root / folder, ignore=ignored)
        for file in FILES:
            shutil.copy(source / file, root / file)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file, everywhere."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def read_line(self, where: str) -> str:
        """Return the line that a place such as `a.py:3` names."""
        path, _, line = where.rpartition(":")
        return (self.root / path).read_text(encoding="utf-8").splitlines()[int(line) - 1].strip()
