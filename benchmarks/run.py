"""
Compare the client with others, and write RESULTS.md and chart.svg.

`make bench` runs it in the environment that it needs. A complete run is added to results.json,
which keeps the last three; a quick or partial one only prints its figures, unless `--output` names
a folder for it.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from measuring.chart import draw_chart
from measuring.goals import find_missed
from measuring.records import Run, read_runs, write_runs
from measuring.report import write_report
from measuring.rounds import Table

if TYPE_CHECKING:
    from measuring.servers import Server

HERE = Path(__file__).parent
SECTIONS = ("calls", "concurrency", "documents", "start", "memory", "decoding", "embedded")
ROUNDS = 3
QUICK_ROUNDS = 2
FAILURE = 1
# What the benchmark itself needs; what it measures may be missing.
NEEDED = ("httpx", "packaging", "trustme")


def main() -> int:
    """Run the command and return its exit status."""
    arguments = parse_arguments()
    folder: Path = arguments.output or HERE
    # A run takes minutes, so find out first whether the results can be written.
    folder.mkdir(parents=True, exist_ok=True)
    kept = read_runs(folder / "results.json")
    if arguments.render:
        if not kept:
            print("there is no run to render: run `make bench` first", file=sys.stderr)
            return FAILURE
        write_results(folder, kept)
        return check(kept[-1]) if arguments.check else 0
    if lacking := [module for module in NEEDED if not find_spec(module)]:
        print(f"needs {', '.join(lacking)}: run `make bench`, which installs it", file=sys.stderr)
        return FAILURE
    run = measure(arguments.only or SECTIONS, QUICK_ROUNDS if arguments.quick else ROUNDS)
    if arguments.output or not (arguments.quick or arguments.only):
        write_results(folder, [*kept, run])
    else:
        print(write_report([run], ""))
    return check(run) if arguments.check else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure the client beside others.")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--quick", action="store_true", help="few rounds, for trying things out")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="measure this part")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write there, quick runs too")
    parser.add_argument("--render", action="store_true", help="write anew without measuring")
    return parser.parse_args()


def measure(sections: list[str] | tuple[str, ...], rounds: int) -> Run:
    """Measure some sections in turn."""
    from measuring.machine import describe_machine
    from measuring.servers import serving

    load = os.getloadavg()[0]
    tables: list[Table] = []
    with serving() as server:
        for line in find_missing(server):
            print(f"missing: {line}", file=sys.stderr)
        for section in sections:
            print(f"measuring {section}", end=" ", file=sys.stderr, flush=True)
            start = time.monotonic()
            tables += find_section(section)(server, rounds)
            print(f"took {time.monotonic() - start:.0f} s", file=sys.stderr)
    return Run(describe_machine(server.name, load), tables)


def find_missing(server: "Server") -> Iterator[str]:
    """Say what is not there, and what the run does without it."""
    from measuring.adapters import ROWS, find_lacking
    from measuring.embedded import find_lacking_extra

    if server.fault:
        yield f"{server.fault}; {server.name} answers, with whose figures no others compare"
    for adapter in ROWS:
        if lacking := find_lacking(adapter):
            yield f"{', '.join(lacking)}; the row {adapter.name!r} is left out"
    if lacking := find_lacking_extra():
        yield f"{', '.join(lacking)}; the embedded server is left out"


def find_section(name: str) -> Callable[..., Iterator[Table]]:
    """Return the function that measures a section."""
    from measuring import calling, decoding, embedded, starting

    return {
        "calls": calling.measure_calls,
        "concurrency": calling.measure_concurrency,
        "documents": calling.measure_documents,
        "start": starting.measure_start,
        "memory": starting.measure_memory,
        "decoding": decoding.measure_decoding,
        "embedded": embedded.measure_embedded,
    }[name]


def write_results(folder: Path, runs: list[Run]) -> None:
    """Write the runs, their report and their chart."""
    notes = HERE / "NOTES.md"
    path = folder / "results.json"
    write_runs(path, runs)
    kept = read_runs(path)
    report = write_report(kept, notes.read_text(encoding="utf-8"))
    (folder / "RESULTS.md").write_text(report, encoding="utf-8")
    (folder / "chart.svg").write_text(draw_chart(kept), encoding="utf-8")


def check(run: Run) -> int:
    """Print the goals that a run missed, and return the exit status."""
    missed = find_missed(run.tables)
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return FAILURE if missed else 0


if __name__ == "__main__":
    sys.exit(main())
