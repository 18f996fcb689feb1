"""The client's tests over one package, in a process of their own that is quick to start."""

import contextlib
import io
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
# The client's own tests that hold for every contract, and those that read what to expect from it.
FILES = (
    "regeneration/contract_tests.py", "unit/test_errors.py", "unit/codec/test_request.py",
    "unit/test_rerank.py", "unit/codec/test_response.py",
)  # fmt: skip
# Slow tests that are the same for every contract, and one that drift repeats for a new status.
SKIPPED = ("any_reply_gives", "any_text", "another_process", "statuses_are_the_contracts")
PROCESSES = 2
# What the tests import apart from the client: imported once, then shared by every fork.
PRELOADED = [
    "anyio", "dateutil.parser", "httpx", "hypothesis", "jsonschema", "onnxruntime", "pytest",
    "pytest_httpx", "respx", "starlette.applications", "tokenizers", "trio", "uvicorn",
]  # fmt: skip


def start_processes() -> ProcessPoolExecutor:
    """Return a pool that forks a process for each task, with the imports that all tests share."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return ProcessPoolExecutor(PROCESSES, mp_context=context, max_tasks_per_child=1)


def run_client_tests(package: Path) -> str:
    """
    Run the client's tests in this process, with the package first on the path.

    Returns:
        What failed; "" if nothing.
    """
    # Compiled once for all packages, whatever the environment says about bytecode.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(package.parents[1] / "bytecode")
    import pytest

    # For this process and for those that the tests start.
    os.environ["PYTHONPATH"] = str(package.parent)
    os.environ["REGENERATED_PACKAGE"] = str(package)
    sys.path.insert(0, str(package.parent))
    os.chdir(TESTS.parent)
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = pytest.main(
            [
                *("-q", "--tb=line", "-p", "no:cacheprovider"),
                # The preloaded plugins, whose own asserts are of no interest here.
                *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
                *("-k", " and ".join(f"not {name}" for name in SKIPPED)),
                *(str(TESTS / name) for name in FILES),
            ]
        )
    if status == pytest.ExitCode.OK:
        return ""
    marks = ("E ", "FAILED", "ERROR")
    told = [line for line in output.getvalue().splitlines() if line.startswith(marks)]
    return "\n".join(told) or f"pytest exited with status {status}: {output.getvalue()}"
