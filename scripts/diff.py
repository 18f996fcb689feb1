"""
Tell what changed between two contracts, what it means to users and which version it calls for.

The comparison knows directions: a new required field breaks callers in a request, and not in a
reply. `diff_rules/changes.py` says what the four classes of change mean.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.model import ContractError
from contract.reading.contracts import load_contract
from diff_rules.changes import ChangeClass, weigh
from diff_rules.reporting import compare_contracts, write_json, write_text

UNREADABLE = 2
CLASSES = {change_class.label: change_class for change_class in ChangeClass}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command and return its exit status.

    Returns:
        0 if both contracts were compared, 1 if `--fail-on` names a class that was reached, 2 if a
        contract cannot be read.
    """
    parser = argparse.ArgumentParser(description="Tell what changed between two contracts.")
    parser.add_argument("old", type=Path, metavar="OLD", help="the contract as it was")
    parser.add_argument("new", type=Path, metavar="NEW", help="the contract as it is now")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--fail-on", choices=CLASSES, metavar="CLASS", help="exit 1 from this class on: %(choices)s"
    )
    args = parser.parse_args(argv)
    try:
        changes = compare_contracts(load_contract(args.old), load_contract(args.new))
    except (ContractError, OSError) as error:
        print(f"diff: {error}", file=sys.stderr)
        return UNREADABLE
    print(write_json(changes) if args.json else write_text(changes), end="")
    total = weigh(changes)
    return int(args.fail_on is not None and total is not None and total >= CLASSES[args.fail_on])


if __name__ == "__main__":
    sys.exit(main())
