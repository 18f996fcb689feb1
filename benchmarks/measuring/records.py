"""The last runs, kept as JSON so that the report can hold more than one."""

import json
from pathlib import Path
from typing import NamedTuple

from .rounds import Table

KEPT_RUNS = 3


class Run(NamedTuple):
    """
    One run.

    Attributes:
        machine: What it was made on, as `machine.describe_machine` says it.
        tables: What was measured.
    """

    machine: dict[str, str]
    tables: list[Table]


def read_runs(path: Path) -> list[Run]:
    """Read the runs that were kept, the oldest first; none if there is no file."""
    if not path.exists():
        return []
    entries = json.loads(path.read_text(encoding="utf-8"))
    return [
        Run(entry["machine"], [Table(**table) for table in entry["tables"]]) for entry in entries
    ]


def write_runs(path: Path, runs: list[Run]) -> None:
    """Keep the last runs."""
    entries = [
        {"machine": run.machine, "tables": [shorten(table) for table in run.tables]}
        for run in runs[-KEPT_RUNS:]
    ]
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def shorten(table: Table) -> dict[str, object]:
    """Return a table as it is kept, its figures to four digits."""
    rows = {
        name: {key: value and float(f"{value:.4g}") for key, value in figures.items()}
        for name, figures in table.rows.items()
    }
    return {**table._asdict(), "rows": rows}
