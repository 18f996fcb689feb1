"""Text that is safe to show on one line."""

import re

MAX_MESSAGE_CHARACTERS = 400
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def shorten(message: str) -> str:
    """Put a message on one line, cut to `MAX_MESSAGE_CHARACTERS`."""
    line = one_line(message)
    cut = f"{line[:MAX_MESSAGE_CHARACTERS]}…"
    return cut if len(line) > MAX_MESSAGE_CHARACTERS else line


def one_line(text: str) -> str:
    """
    Join the words of a text with single spaces.

    Control characters, which could drive the terminal, and halves of surrogate pairs, which cannot
    be written, become U+FFFD.
    """
    return _UNSAFE.sub("\ufffd", " ".join(text.split()))
