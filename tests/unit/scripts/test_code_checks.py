"""Generated code is compiled, looked through, and only then imported."""

from pathlib import Path

import pytest
from code_checks import list_faults


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return an empty package with the name of a module that its imports need."""
    package = tmp_path / "json"
    (package / "api").mkdir(parents=True)
    for folder in (package, package / "api"):
        (folder / "__init__.py").touch()
    return package


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("def f(body, body): ...", "does not compile: duplicate argument 'body'"),
        ("x = ", "does not compile: invalid syntax"),
        ("x = '\0'", "does not compile: "),
        ("x = " + "(" * 3000 + ")" * 3000, "does not compile: "),
        ("import no_such_module_at_all", "does not import: ModuleNotFoundError: "),
        ("from ..models import gone", "does not import: ModuleNotFoundError: "),
        ("x: int = missing", "does not import: NameError: "),
        ("def f(params): params = {}; return params", "f overwrites its argument 'params'"),
        ("async def f(*, json_a): json_a = 1", "f overwrites its argument 'json_a'"),
        ("open('ran', 'w')", "calls 'open' while it is imported"),
        ("import os\nos.abort()", "calls 'os.abort' while it is imported"),
        ("class A:\n    x = [print() for _ in 'a']", "calls 'print' while it is imported"),
        ("def f(x=print()): ...", "calls 'print' while it is imported"),
        ("def f(x: print()): ...", "calls 'print' while it is imported"),
        ("@exec\ndef f(): ...", "calls 'exec' while it is imported"),
        ("@exec\nclass A: ...", "calls 'exec' while it is imported"),
        ("x = (lambda: 1)()", "calls 'lambda: 1' while it is imported"),
    ],
)
def test_faulty_code_is_told(code: str, fault: str, package: Path) -> None:
    """What does not compile or import, or runs more than declarations, is named with its module."""
    (package / "api" / "thing.py").write_text(code, encoding="utf-8")

    (told,) = list_faults(package)

    assert fault in told
    assert told.startswith("api/thing.py: ") or fault.startswith("does not import")
    assert "\n" not in told


def test_nothing_is_imported_of_code_that_is_refused(package: Path) -> None:
    """Code that would run while it is imported is never run."""
    (package / "thing.py").write_text("open('ran', 'w')", encoding="utf-8")

    assert list(list_faults(package)) != []
    assert not (package / "ran").exists()


def test_declarations_are_no_fault(package: Path) -> None:
    """A function's body may call what it likes, and nothing is left behind by the import."""
    (package / "thing.py").write_text(
        "from attrs import define, field\n@define\nclass A:\n    x: dict = field(factory=dict)\n"
        "    def f(self):\n        return print()\n",
        encoding="utf-8",
    )

    assert list(list_faults(package)) == []
    assert {path.name for path in package.rglob("*")} == {"__init__.py", "api", "thing.py"}
