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
LOWER_BOUND = re.compile(r"(?P<name>[\w.-]+(\[\w+\])?)[>=]=(?P<version>[\w.]+)")
# Those of the client, the command, the embedded server and the adapters, but those that use what
# only newer frameworks have. What the pinned generator does is the same with any version.
LOWEST_TESTS = (
    "tests/unit", "tests/integration/client", "tests/integration/cli", "tests/integration/local",
    "tests/integration/frameworks", "--ignore=tests/unit/scripts",
    "--ignore=tests/unit/test_contract.py", "--ignore=tests/unit/test_workflows.py",
    "--ignore=tests/integration/frameworks/haystack/test_pipelines.py",
    "--ignore=tests/integration/frameworks/ray",
    # Old frameworks warn of new ones of what they build on.
    "-Wdefault",
)  # fmt: skip
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
    session.install(".[cli,eval,local]", "--group", "test")
    # The site is built for development alone, and what builds it is not installed here.
    session.run(
        *("python", "-m", "pytest", "--ignore=tests/documentation/test_site.py"), *session.posargs
    )


@nox.session(python="{}.{}".format(*OLDEST), default=False)
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest version of each dependency and extra that we say will do."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *chain.from_iterable(extras.values())]
    session.install(
        f".[{','.join(extras)}]",
        *map(pin_lowest, requirements),
        # The newest pyarrow needs a newer numpy than the lowest.
        *("opentelemetry-instrumentation-httpx", "opentelemetry-sdk", "polars", "pyarrow<20"),
        *("pyyaml", "--group", "test-tools"),
    )
    session.run("python", "-m", "pytest", *LOWEST_TESTS, *session.posargs)


def pin_lowest(requirement: str) -> str:
    """Return a requirement such as `httpx>=0.28,<0.29` as its lower bound: `httpx==0.28`."""
    match = LOWER_BOUND.match(requirement)
    if match is None:
        raise ValueError(f"{requirement} has no lower bound")
    return f"{match['name']}=={match['version']}"
