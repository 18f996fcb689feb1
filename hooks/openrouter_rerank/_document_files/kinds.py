"""Tells files that hold no lines of text by how they begin. Pure."""

# Each format's own mark; UTF-16 by its byte order marks (RFC 3629, section 6, has that of UTF-8).
_MARKS = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "Save it as lines of text."),
    (b"PAR1", "Parquet", "Write it as JSON Lines."),
    (b"ARROW1", "Arrow", "Write it as JSON Lines."),
    (b"%PDF-", "PDF", "Extract its text."),
    (b"SQLite format 3\x00", "an SQLite database", "Write a query's result as JSON Lines."),
    (b"\x1f\x8b", "compressed with gzip", "Decompress it."),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", "Decompress it."),
    (b"BZh", "compressed with bzip2", "Decompress it."),
    (b"\xfd7zXZ\x00", "compressed with xz", "Decompress it."),
    (b"\xff\xfe", "UTF-16", "Convert it to UTF-8."),
    (b"\xfe\xff", "UTF-16", "Convert it to UTF-8."),
)
# UTF-16 without a mark has a NUL in each Latin character; text in UTF-8 has none.
_NUL = b"\x00"


def find_strange_kind(beginning: bytes) -> str | None:
    """
    Say what a file is if it holds no lines of UTF-8, and what to do with it.

    Args:
        beginning: Its first bytes, at best a whole line.

    Returns:
        Two short sentences; None if the file may be text.
    """
    for mark, kind, advice in _MARKS:
        if beginning.startswith(mark):
            return f"it is {kind}, not lines of text. {advice}"
    if _NUL in beginning:
        return "it holds NUL bytes, so it is UTF-16 or no text. Convert it to UTF-8."
    return None
