"""
Tell where the tree no longer fits the contract, offline, one line for each problem.

Each line names a file, what is wrong there, and the command or the change that fixes it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.model import ContractError
from drift_checks.generated_files import check_generated_files
from drift_checks.problems import NotComparableError, Problem
from drift_checks.releases import check_release

ROOT = Path(__file__).resolve().parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 nothing is wrong, 1 something is."""
    argparse.ArgumentParser(
        description="Tell where the tree no longer fits the contract."
    ).parse_args(argv)
    try:
        problems = find_problems(ROOT)
    except (ContractError, OSError) as error:
        print(f"drift: {error}", file=sys.stderr)
        return 1
    for problem in problems:
        print(problem)
    return int(bool(problems))


def find_problems(root: Path) -> list[Problem]:
    """
    Return everything that is wrong in the tree below `root`.

    If there is no release to compare the public API with, stderr says so.

    Raises:
        ContractError: The contract or a source cannot be parsed.
        OSError: A file cannot be read.
    """
    problems = check_generated_files(root)
    try:
        problems += check_release(root)
    except NotComparableError as reason:
        print(f"drift: the public API is not compared: {reason}", file=sys.stderr)
    return problems


if __name__ == "__main__":
    sys.exit(main())
