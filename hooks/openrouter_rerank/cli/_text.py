"""Text that is safe to show on one line of a terminal."""

import re

MAX_MESSAGE_CHARACTERS = 1500
# Control characters could drive the terminal, marks of direction and characters without width show
# something else than what is there, and halves of surrogate pairs cannot be written.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
    # Joiners belong into emoji and into scripts other than Latin.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def shorten(message: str) -> str:
    """Put a message on one line, cut to `MAX_MESSAGE_CHARACTERS`."""
    line = to_one_line(message)
    cut = f"{line[:MAX_MESSAGE_CHARACTERS]}…"
    return cut if len(line) > MAX_MESSAGE_CHARACTERS else line


def to_one_line(text: str) -> str:
    """Join the words of a text with single spaces; unsafe characters become U+FFFD."""
    return _UNSAFE.sub("\ufffd", " ".join(text.split()))


def escape_json(text: str) -> str:
    """Escape the unsafe characters in JSON (RFC 8259, section 7); line breaks stay."""
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    if match[0] == "\n":
        return "\n"
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
