"""Lines of text and of JSON from files, compressed or not."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from openrouter_rerank.evaluation._datasets import DatasetError

# The first two bytes of gzip (RFC 1952, section 2.3.1), which begin no text in UTF-8.
_GZIP_MARK = b"\x1f\x8b"


def read_all_lines(path: Path) -> Iterator[tuple[int, str]]:
    """
    Read each line with its number from 1 on, with its end.

    Raises:
        DatasetError: The file cannot be read, is damaged, or is not UTF-8.
    """
    number = 0
    try:
        with path.open("rb") as file:
            compressed = file.read(len(_GZIP_MARK)) == _GZIP_MARK
        with gzip.open(path) if compressed else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}, line {number}: not UTF-8. Convert the file.") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"cannot read {path}: {reason}. Check the path.") from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """
    Read each line that is not blank, without its end.

    Raises:
        DatasetError: As `read_all_lines` does.
    """
    for number, line in read_all_lines(path):
        if line.strip():
            yield number, line.rstrip("\r\n")


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """
    Read a JSON object from each line that is not blank, with its number from 1 on.

    Raises:
        DatasetError: As `read_lines` does, and for a line that is no JSON object.
    """
    for number, line in read_lines(path):
        try:
            value: object = json.loads(line)
        except (RecursionError, ValueError) as error:
            raise DatasetError(f"{path}, line {number}: not JSON ({error}). Fix it.") from error
        if not isinstance(value, dict):
            raise DatasetError(f"{path}, line {number}: no JSON object. Put one on each line.")
        yield number, cast("dict[str, Any]", value)


def find_file(folder: Path, name: str) -> Path:
    """
    Find a file of a folder, compressed or not.

    Raises:
        DatasetError: It is not there.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DatasetError(f"{folder} has no {name} or {name}.gz. A BEIR folder has it.")


def read_id(value: object, place: str) -> str:
    """
    Read an id, which is a text or a whole number.

    Raises:
        DatasetError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DatasetError(f"{place}: no id, which is a text or a whole number. Add it.")
    return str(value)


def read_grade(value: object, place: str) -> int:
    """
    Read a grade, which is a whole number.

    Raises:
        DatasetError: It is something else.
    """
    try:
        grade = float(cast("Any", value))
        if grade == int(grade) and not isinstance(value, bool):
            return int(grade)
    except (OverflowError, TypeError, ValueError):
        pass
    raise DatasetError(f"{place}: the grade {value!r} is no whole number. Relevant is 1 or more.")


def join_text(fields: dict[str, Any], separator: str, place: str) -> str:
    """
    Join the fields `title` and `text` of a document, those of them that are not empty.

    Raises:
        DatasetError: One of them is no text.
    """
    parts = [fields.get(name) or "" for name in ("title", "text")]
    for part in parts:
        if not isinstance(part, str):
            raise DatasetError(f'{place}: "title" or "text" is no text. Write it as a string.')
    return separator.join(part for part in parts if part)
