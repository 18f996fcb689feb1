"""Text that is safe to show on one line."""

import re

MAX_MESSAGE_CHARACTERS = 400
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def shorten(message: str) -> str:
    """Put a message on one line, cut to `MAX_MESSAGE_CHARACTERS`."""
    line = to_one_line(message)
    cut = f"{line[:MAX_MESSAGE_CHARACTERS]}…"
    return cut if len(line) > MAX_MESSAGE_CHARACTERS else line


def to_one_line(text: str) -> str:
    """
    Join the words of a text with single spaces.

    Control characters could drive the terminal, and halves of surrogate pairs cannot be written.
    Both become U+FFFD.
    """
    return _UNSAFE.sub("\ufffd", " ".join(text.split()))
