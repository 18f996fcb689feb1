"""
Make `openapi.yaml` from OpenRouter's own OpenAPI document and `openapi-overlay.yaml`.

The rules are in `scripts/contract/`; `contract.pipeline` lists them in order. The contract itself
is also a source and comes out as it went in. A run that fails leaves the old file as it was.
"""

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.checking import list_losses
from contract.model import ContractError, JsonObject
from contract.pipeline import Contract, build_contract, is_contract, normalise
from contract.reading.loading import parse_document, read_source
from contract.reading.sources import UPSTREAM_URL, FetchError, describe_source, is_url
from contract.writing import dump_contract, replace_file

ROOT = Path(__file__).resolve().parent.parent
OVERLAY = ROOT / "openapi-overlay.yaml"
OUTPUT = ROOT / "openapi.yaml"
FAILED = 1
# argparse exits with 2 for a wrong command line.
NOT_FETCHED = 3
EXIT_STATUSES = (
    "exit status: 0 done or identical, 1 failed or, with --check, different, 2 wrong command line, "
    "3 the URL could not be fetched"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status, see `EXIT_STATUSES`."""
    args = _read_arguments(argv)
    try:
        upstream = load_source(args.source)
        overlay = load_file(args.overlay)
        contract = build_contract(
            upstream, overlay, describe_source(args.source), explain=args.explain
        )
        text = dump_contract(contract.document)
        _report(contract, quiet=is_contract(upstream))
        if args.check:
            return check(text, args.output)
        for loss in write(contract, text, args.output, accept_losses=args.accept_losses):
            print(f"sync: accepted as lost: {loss}")
    except RecursionError:
        return _fail("the document nests too deep")
    except FetchError as error:
        return _fail(str(error), NOT_FETCHED)
    except (ContractError, OSError) as error:
        return _fail(str(error))
    return 0


def _fail(message: str, status: int = FAILED) -> int:
    # A message may quote a document's keys, which may hold line breaks.
    print(f"sync: {' '.join(message.split())}", file=sys.stderr)
    return status


def _read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Make the contract of upstream's document.", epilog=EXIT_STATUSES
    )
    parser.add_argument(
        "source",
        nargs="?",
        default=UPSTREAM_URL,
        metavar="SOURCE",
        help=f"a file or an https URL (default: {UPSTREAM_URL})",
    )
    parser.add_argument("--overlay", type=Path, default=OVERLAY, metavar="FILE")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the contract would change"
    )
    parser.add_argument(
        "--explain", action="store_true", help="print what each rule changed, and why"
    )
    parser.add_argument(
        "--accept-losses",
        action="store_true",
        help="write a contract that lacks a status or a required field which FILE has",
    )
    return parser.parse_args(argv)


def load_source(source: str) -> JsonObject:
    """
    Load upstream's document from a file or an https URL.

    Raises:
        ContractError: It is too large, or is not a document.
        FetchError: It cannot be fetched.
        OSError: The file cannot be read.
    """
    if not is_url(source):
        return load_file(Path(source))
    # Imported late: a run over a file needs no httpx, which takes long to import.
    from contract.reading.fetching import fetch_document

    return _parse(fetch_document(source), describe_source(source))


def load_file(path: Path) -> JsonObject:
    """
    Load a document from a file.

    Raises:
        ContractError: It is too large or not a document.
        OSError: It cannot be read.
    """
    return _parse(read_source(path), path.name)


def _parse(content: bytes, name: str) -> JsonObject:
    try:
        return parse_document(content)
    except ContractError as error:
        raise ContractError(f"{name}: {error}") from error


def _report(contract: Contract, *, quiet: bool) -> None:
    """Print the explanation and the notices; the overlay is redundant over our own contract."""
    for line in contract.explanation:
        print(line)
    for notice in () if quiet else contract.notices:
        print(notice)


def check(text: str, output: Path) -> int:
    """Print how `output` differs from what it should be, and return 1 if it does."""
    current = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    if current == text:
        return 0
    print(
        "".join(
            difflib.unified_diff(
                current.splitlines(keepends=True), text.splitlines(keepends=True), "current", "new"
            )
        ),
        end="",
    )
    print(f"sync: {output.name} would change; run: python scripts/sync.py", file=sys.stderr)
    return 1


def write(contract: Contract, text: str, output: Path, *, accept_losses: bool = False) -> list[str]:
    """
    Replace `output` with the contract.

    Args:
        contract: The contract.
        text: The contract as text.
        output: The file; if it exists, it holds a contract.
        accept_losses: Whether to write even if `output` has a status or a required field that the
            contract lacks.

    Returns:
        What is lost; nothing unless losses are accepted.

    Raises:
        ContractError: Something would be lost and is not accepted, or `output` is not a contract.
        OSError: The file cannot be written.
    """
    losses: list[str] = []
    if output.exists():
        losses = list_losses(normalise(load_file(output)), normalise(contract.document))
    if losses and not accept_losses:
        raise ContractError(
            f"the new contract has lost what {output.name} has: {', '.join(losses)}; "
            "if that is meant, add --accept-losses"
        )
    replace_file(output, text)
    return losses


if __name__ == "__main__":
    sys.exit(main())
