"""Contracts and packages made from documents, and the client's tests over them, each once."""

import hashlib
import json
import shutil
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import generate
import sync
from regeneration.client_tests import (
    CONTRACT_TESTS,
    UNIT_TESTS,
    run_client_tests,
    start_processes,
)
from upstream import Json


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

    The client's tests start over a package as soon as it exists, in the background: those that read
    the contract once for each contract, the others once for each set of Python.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._processes = start_processes()
        self._packages: dict[bytes, tuple[Path, list[Future[str]]]] = {}
        self._complete: dict[str, Future[str]] = {}

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
        return self._generate_once(contract)[0]

    def run_client_tests(self, contract: Path) -> str:
        """Return what failed of the client's tests over a contract's package; "" if nothing."""
        runs = self._generate_once(contract)[1]
        return "\n".join(filter(None, (run.result() for run in runs)))

    def close(self) -> None:
        """Start no more tests, and wait for those that run."""
        self._processes.shutdown(cancel_futures=True)

    def _generate_once(self, contract: Path) -> tuple[Path, list[Future[str]]]:
        content = contract.read_bytes()
        if content not in self._packages:
            package = self._root / f"package-{len(self._packages)}" / generate.OUTPUT.name
            assert generate.main([f"--spec={contract}", f"--output={package}"]) == 0
            self._packages[content] = package, self._start_tests(package)
        return self._packages[content]

    def _start_tests(self, package: Path) -> list[Future[str]]:
        python = digest(package)
        complete = self._complete.get(python)
        if complete is not None:
            return [complete, self._processes.submit(run_client_tests, package, CONTRACT_TESTS)]
        files = (*CONTRACT_TESTS, *UNIT_TESTS)
        self._complete[python] = self._processes.submit(run_client_tests, package, files)
        return [self._complete[python]]
