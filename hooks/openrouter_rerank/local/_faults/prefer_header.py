"""What a request asks for in `Prefer` (RFC 7240)."""

import re
from collections.abc import Iterable

_BLANK = "[ \t]*"
_NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
# What stands between commas; a quote that does not end takes in the rest of the header.
_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*+(?:"|\\?$)|[^",])++')
# Parameters follow a semicolon (RFC 7240, section 2).
_PREFERENCE = re.compile(
    f"{_BLANK}({_NAME})(?:{_BLANK}={_BLANK}({_NAME}|{_QUOTED}))?{_BLANK}(?:;.*)?"
)


def find_preference(headers: Iterable[str], name: str) -> str | None:
    """
    Find the value of a preference; the first of several counts (RFC 7240, section 2).

    Args:
        headers: The values of all `Prefer` headers, in their order. Malformed parts are
            skipped.
        name: The preference's name; letter case does not matter.

    Returns:
        The value without quotes, "" if the name stands alone, None if it is not there.
    """
    for header in headers:
        for item in _ITEM.findall(header):
            match = _PREFERENCE.fullmatch(item)
            if match and match[1].lower() == name.lower():
                return _unquote(match[2] or "")
    return None


def _unquote(word: str) -> str:
    """Take a quoted string (RFC 9110, section 5.6.4) out of its quotes."""
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
