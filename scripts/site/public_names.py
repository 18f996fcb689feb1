"""A hook of mkdocs: every public name stands on a page of the API, or the strict build fails."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocstrings import Inventory

PACKAGE = Path(__file__).parents[2] / "hooks" / "openrouter_rerank"
# The command has its help, and pytest's plugin a fixture.
_NOT_IMPORTED_BY_USERS = frozenset({"cli", "pytest_plugin"})
# mkdocs counts the warnings below this name.
_log = logging.getLogger("mkdocs.public_names")


def on_post_build(config: MkDocsConfig) -> None:
    """
    Warn of each public name that the site's inventory lacks.

    Args:
        config: The settings of the build.
    """
    with (Path(config.site_dir) / "objects.inv").open("rb") as file:
        documented = Inventory.parse_sphinx(file)
    for name in list_public_names(PACKAGE):
        if name not in documented:
            _log.warning("%s has no docstring, or is on no page below docs/api", name)


def list_public_names(package: Path) -> Iterator[str]:
    """
    List the full names that a package's public modules export, modules and dunders aside.

    Args:
        package: The package's folder.
    """
    for path in [package / "__init__.py", *sorted(package.glob("[!_]*"))]:
        if path.stem in _NOT_IMPORTED_BY_USERS or path.name == "py.typed":
            continue
        source = path / "__init__.py" if path.is_dir() else path
        module = package.name if path.stem == "__init__" else f"{package.name}.{path.stem}"
        modules = {other.stem for other in source.parent.iterdir()}
        for name in _read_all(source):
            if name not in modules and not name.startswith("__"):
                yield f"{module}.{name}"


def _read_all(source: Path) -> list[str]:
    """Return a module's `__all__` without importing it, since that may take an extra."""
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return list(ast.literal_eval(statement.value))
    raise ValueError(f"{source} has no __all__")
