"""
Run the tests on every Python that this machine has and the project supports.

`python -m nox` runs all of them, `python -m nox --list` names them. Arguments after `--` go to
pytest.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import nox

OLDEST = (3, 11)
PROBE_SECONDS = 20
EXECUTABLE = re.compile(r"python(3(\.\d+)?)?(\.exe)?")
# Prints the version, whether it is final, and the interpreter below any virtual environment.
PROBE = (
    "import json, sys; print(json.dumps([sys.version_info[:3],"
    " sys.version_info.releaselevel == 'final',"
    " getattr(sys, '_base_executable', sys.executable)]))"
)

nox.options.error_on_missing_interpreters = True
nox.options.error_on_external_run = True
nox.options.reuse_venv = "yes"


def find_pythons() -> dict[str, str]:
    """
    Find one interpreter of each minor release from 3.11 on, the newest patch release of each.

    The folders of PATH and pyenv's versions are searched; pre-releases are left out.

    Returns:
        Paths of interpreters by minor version such as "3.11", the oldest version first.
    """
    newest: dict[tuple[int, int], tuple[int, str]] = {}
    for candidate in list_candidates():
        version, path = probe(candidate) or ((0, 0, 0), "")
        major, minor, patch = version
        if (major, minor) >= OLDEST and patch > newest.get((major, minor), (-1, ""))[0]:
            newest[major, minor] = (patch, path)
    return {f"{major}.{minor}": newest[major, minor][1] for major, minor in sorted(newest)}


def list_candidates() -> Iterator[Path]:
    """Yield every file that has the name of a Python interpreter and can be executed."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = chain(
        (Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder),
        sorted(pyenv.glob("versions/*/bin")),
    )
    for folder in dict.fromkeys(folders):
        for path in sorted(folder.glob("python*")):
            if EXECUTABLE.fullmatch(path.name) and os.access(path, os.X_OK):
                yield path


def probe(candidate: Path) -> tuple[tuple[int, int, int], str] | None:
    """
    Run an interpreter to get its version: a pyenv shim can exist and still not work.

    Returns:
        Its version and path, or None if it does not run or is a pre-release.
    """
    try:
        answer = subprocess.run(  # noqa: S603 - it has to run what was found
            [candidate, "-c", PROBE],
            capture_output=True,
            check=True,
            text=True,
            timeout=PROBE_SECONDS,
        )
        (major, minor, patch), is_final, path = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return ((major, minor, patch), path) if is_final else None


@nox.session
@nox.parametrize("python", [nox.param(path, id=name) for name, path in find_pythons().items()])
def tests(session: nox.Session) -> None:
    """Install the package as its users do, not editable, and run the tests against that."""
    session.install(".[cli,local]", "--group", "test", "--group", "generate")
    session.run("python", "-m", "pytest", *session.posargs)
