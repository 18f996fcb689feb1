"""The client's tests over one package, in a process of their own that is quick to start."""

import contextlib
import io
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
# What is expected is read from the contract.
CONTRACT_TESTS = ("regeneration/contract_tests.py",)
# The client's own tests that hold for every contract.
UNIT_TESTS = (
    "unit/test_errors.py", "unit/codec/test_request.py", "unit/test_rerank.py",
    "unit/codec/test_response.py",
)  # fmt: skip
# What no contract can change, since it is about the parser of JSON, retries, and the client's own
# table and classes of errors; and one that drift repeats for a new status. The contract reaches the
# client by its models, its declarations of fields, its server and its document: the tests that are
# left use each of them, and contract_tests.py raises the error of every declared status.
SKIPPED = (
    "any_reply_gives", "any_text", "endless_nesting", "no_object_is_refused",
    "sent_again_if_asked_for",
    "another_process", "every_class_survives", "no_error_shows_the_key", "status_alone_decides",
    "statuses_are_the_contracts",
)  # fmt: skip
PROCESSES = 2
# What the tests, their conftest.py and pytest's plugins import apart from the client: imported
# once, then shared by every fork.
PRELOADED = [
    "anyio", "dateutil.parser", "generate", "httpx", "hypothesis", "jsonschema", "onnxruntime",
    "pytest", "pytest_examples", "pytest_httpx", "respx", "starlette.applications", "sync",
    "tokenizers", "trio", "uvicorn", "xdist.plugin",
]  # fmt: skip


def start_processes(count: int = PROCESSES, preloaded: Sequence[str] = ()) -> ProcessPoolExecutor:
    """
    Return a pool that forks a process for each task, with the imports that all tests share.

    Args:
        count: How many may run at a time.
        preloaded: Further modules to import, unless this process has started such a pool before.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, *preloaded])
    return ProcessPoolExecutor(count, mp_context=context, max_tasks_per_child=1)


def run_client_tests(package: Path, files: Sequence[str]) -> str:
    """
    Run those of the client's tests that a contract can change.

    Args:
        package: The package that the client is to use.
        files: The modules of tests, below the folder of all tests.

    Returns:
        What failed; "" if nothing.
    """
    status, output = run_tests(package, files, " and ".join(f"not {name}" for name in SKIPPED))
    if status == 0:
        return ""
    marks = ("E ", "FAILED", "ERROR")
    told = [line for line in output.splitlines() if line.startswith(marks)]
    return "\n".join(told) or f"pytest exited with status {status}: {output}"


def run_tests(package: Path, files: Sequence[str], chosen: str) -> tuple[int, str]:
    """
    Run tests in this process, with a package first on the path.

    Args:
        package: The package that the client is to use.
        files: The modules of tests, below the folder of all tests.
        chosen: The expression for pytest that tells which tests of them to run.

    Returns:
        The exit status and the output of pytest.
    """
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
                *("-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"),
                # Rewriting the asserts of the whole client takes longer than most of its tests.
                "--assert=plain",
                *("-k", chosen),
                *(str(TESTS / name) for name in files),
            ]
        )
    return int(status), output.getvalue()
