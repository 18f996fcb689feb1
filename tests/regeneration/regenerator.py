"""Contracts and packages made of documents, and the client tried over them, each only once."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import generate
import sync
from upstream import Json

TESTS = Path(__file__).resolve().parent.parent
# The client's own tests that hold for every contract, and those that read what to expect from it.
CLIENT_TESTS = (
    "regeneration/contract_tests.py", "unit/test_errors.py", "unit/codec/test_request.py",
    "unit/test_rerank.py", "unit/codec/test_response.py",
)  # fmt: skip
# What takes long there and is the same for every contract; and what drift tells of a new status.
PASSED_OVER = ("any_reply_gives", "any_text", "another_process", "statuses_are_the_contracts")
PROCESSES = 2


@dataclass(frozen=True)
class SyncResult:
    """How a run of sync ended: its exit status, and the contract that is there now."""

    status: int
    contract: Path


def digest(package: Path) -> str:
    """Return one hash for the names and bytes of a package's Python."""
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        total.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return total.hexdigest()


class Regenerator:
    """
    A folder in which documents become contracts, and contracts become packages.

    The client is tried over a package as soon as there is one, beside what goes on.
    """

    def __init__(self, root: Path) -> None:
        """Begin with nothing made."""
        self._root = root
        self._pool = ThreadPoolExecutor(PROCESSES)
        self._made: dict[bytes, tuple[Path, Future[str]]] = {}

    def sync(
        self, name: str, document: Json, over: Path | None = None, *options: str
    ) -> SyncResult:
        """
        Run sync over a document.

        Args:
            name: What to call the folder of the contract.
            document: Upstream's document.
            over: The contract to write over; None for none.
            options: Further arguments of the command.
        """
        folder = self._root / name.replace(" ", "-")
        folder.mkdir(exist_ok=True)
        # All sources have the same name, so that equal contracts are equal to the byte.
        source, output = folder / "upstream.json", folder / "openapi.yaml"
        source.write_text(json.dumps(document), encoding="utf-8")
        if over is not None:
            shutil.copyfile(over, output)
        return SyncResult(sync.main([str(source), f"--output={output}", *options]), output)

    def generate(self, contract: Path) -> Path:
        """Return the package of a contract; the same bytes give the same package."""
        return self._make(contract)[0]

    def run_client_tests(self, contract: Path) -> str:
        """
        Return what failed of the client's tests over the package of a contract; "" if nothing.

        They run in a process that finds the package first.
        """
        return self._make(contract)[1].result()

    def close(self) -> None:
        """Begin no more trials, and wait for those that began."""
        self._pool.shutdown(cancel_futures=True)

    def _make(self, contract: Path) -> tuple[Path, Future[str]]:
        content = contract.read_bytes()
        if content not in self._made:
            package = self._root / f"package-{len(self._made)}" / generate.OUTPUT.name
            assert generate.main([f"--spec={contract}", f"--output={package}"]) == 0
            self._made[content] = package, self._pool.submit(run_client_tests, package)
        return self._made[content]


def run_client_tests(package: Path) -> str:
    """Run the client's tests with the package first on the path; say what failed, or nothing."""
    environment = {
        **os.environ, "PYTHONPATH": str(package.parent), "REGENERATED_PACKAGE": str(package),
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider"]
    command += ["-k", " and ".join(f"not {name}" for name in PASSED_OVER)]
    result = subprocess.run(
        [*command, *(str(TESTS / name) for name in CLIENT_TESTS)],
        cwd=TESTS.parent,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    if result.returncode == 0:
        return ""
    marks = ("E ", "FAILED", "ERROR")
    told = [line for line in result.stdout.splitlines() if line.startswith(marks)]
    return "\n".join(told) or f"pytest exited with status {result.returncode}: {result.stderr}"
