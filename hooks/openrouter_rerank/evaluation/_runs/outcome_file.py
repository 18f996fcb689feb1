"""What calls gave, kept in a file so that no call is paid for twice."""

import json
import os
import sys
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Self, cast

from .calls import CallResult, PlannedCall

if sys.platform != "win32":  # pragma: no branch - Windows
    import fcntl

FILE_NAME = "outcomes.jsonl"


class OutcomeFileError(ValueError):
    """The file of an earlier run cannot be used; the message says why and what to do."""


class OutcomeFile:
    """
    Keeps the result of each call: in a folder, or in memory only.

    Each line is one write, so whatever was written stays when the process is killed.

    Attributes:
        results: What is known, by the keys of calls.
        cost: What all calls are known to have cost, in credits.
        failed_cost: What of it failed calls have cost.
        notes: What a person should know of the file, in sentences.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        """
        Open the file, and read what an earlier run has left in it.

        Args:
            folder: Where it is, made if it is not there; None keeps nothing.

        Raises:
            OutcomeFileError: It cannot be opened, another run has it open, or it has a line that
                this class did not write.
        """
        self.results: dict[str, CallResult] = {}
        self.cost = self.failed_cost = 0.0
        self.notes: list[str] = []
        self._file: FileIO | None = None
        if folder is None:
            return
        self._path = Path(folder) / FILE_NAME
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._path, "ab+")
            self._lock(self._file)
            self._read(self._file)
        except OutcomeFileError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise OutcomeFileError(
                f"cannot write {self._path}: {error.strerror}. Give another folder."
            ) from error

    def add(self, call: PlannedCall, result: CallResult) -> None:
        """
        Keep the result of a call.

        Raises:
            OSError: It cannot be written.
        """
        self._count(call.key, result)
        self._write(
            {
                "key": call.key,
                "model": call.model,
                "depth": call.depth,
                "query": call.query.id,
                "scores": [[position, score] for position, score in result.scores],
                "cost": result.cost,
                "latency_ms": result.latency_ms,
                "saved": result.saved,
            }
        )

    def add_failure(self, call: PlannedCall, cost: float) -> None:
        """
        Keep what a call cost that failed; the call is made again.

        Raises:
            OSError: It cannot be written.
        """
        self._count_failure(cost)
        self._write({"failed": call.key, "cost": cost})

    def close(self) -> None:
        """Close the file, so that other runs can use it."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _count(self, key: str, result: CallResult) -> None:
        self.results[key] = result
        self.cost += result.paid or 0.0

    def _count_failure(self, cost: float) -> None:
        self.failed_cost += cost
        self.cost += cost

    def _write(self, record: Mapping[str, object]) -> None:
        if self._file is not None:
            self._file.write(f"{json.dumps(record)}\n".encode())

    def _lock(self, file: FileIO) -> None:
        if sys.platform == "win32":  # pragma: no cover - Windows
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutcomeFileError(
                f"{self._path} is in use. Wait for the other run, or give another folder."
            ) from error

    def _read(self, file: FileIO) -> None:
        file.seek(0)
        data = file.readall()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self.notes.append(f"{self._path}: the last line was cut off, and its call made again.")
            file.truncate(whole)
        for number, line in enumerate(data[:whole].splitlines(), start=1):
            try:
                self._read_record(json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                raise OutcomeFileError(
                    f"{self._path}, line {number}: damaged. Remove the line, whose call is then "
                    "made again, or give another folder."
                ) from error
        if self.results:
            count = len(self.results)
            self.notes.append(f"{self._path}: it holds {count:,} calls, which were not made again.")

    def _read_record(self, record: object) -> None:
        fields = cast("dict[str, Any]", record)
        if "failed" in fields:
            self._count_failure(float(fields["cost"]))
            return
        result = CallResult(
            scores=[(int(position), float(score)) for position, score in fields["scores"]],
            cost=None if fields["cost"] is None else float(fields["cost"]),
            latency_ms=None if fields["latency_ms"] is None else float(fields["latency_ms"]),
            saved=float(fields.get("saved", 0.0)),
        )
        self._count(str(fields["key"]), result)
