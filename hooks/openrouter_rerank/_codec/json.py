"""
JSON as RFC 8259 defines it, the same with and without orjson.

orjson, the extra `fast`, is used if it is installed. What it refuses goes to Python's own module,
which decides. `is_unambiguous` finds what the two read differently: integers beyond 64 bits, which
orjson turns into floats, and values nested more deeply than Python would go.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from typing import Any, Final, cast

_loads: Callable[[bytes], Any] | None
_dumps: Callable[[object], bytes] | None
try:
    import orjson
except ImportError:
    _loads = _dumps = None
else:
    _loads, _dumps = orjson.loads, orjson.dumps

JsonObject = dict[str, Any]

IS_FAST: Final = _loads is not None
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# Short escapes of text (RFC 8259, section 7); the backslash first, since the others add more.
_ESCAPES: Final = (
    (b"\\", b"\\\\"),
    (b'"', b'\\"'),
    (b"\n", b"\\n"),
    (b"\r", b"\\r"),
    (b"\t", b"\\t"),
)
BLOCK_TEXTS: Final = 512
# Those that have no short escape.
_CONTROLS: Final = bytes(set(range(0x01, 0x20)) - set(b"\n\r\t"))
# A float of at least this may have been written as an integer.
MIN_AMBIGUOUS_FLOAT = 2.0**63
MAX_DEPTH = 100
# Deeper by more than the few levels that a field of a reply's document has above it.
CUT_DEPTH = MAX_DEPTH + 10
_BRACKET_OR_TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]'


def load_json(content: bytes) -> Any:
    """
    Parse JSON in UTF-8; a byte order mark is skipped.

    It also takes what would cost a whole reply for one field, and gives what `is_bounded` refuses:
    floats that are not finite for NaN, Infinity and integers that are too long for Python, and a
    value that is still nested too deeply for one that Python's parser cannot follow.

    Raises:
        ValueError: The bytes are not JSON.
        RecursionError: They are not JSON, and nested too deeply.
    """
    text = content.removeprefix(BYTE_ORDER_MARK).decode()
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        try:
            return _LENIENT_DECODER.decode(cut_depth(text))
        except ValueError:
            raise error from None


def cut_depth(text: str) -> str:
    """Empty the arrays and objects that lie so deep that what holds them is refused anyway."""
    kept: list[str] = []
    depth = start = 0
    for token in re.finditer(_BRACKET_OR_TEXT, text, re.DOTALL):
        if token[0] in {"[", "{"}:
            depth += 1
            if depth == CUT_DEPTH:
                kept.append(text[start : token.end()])
        elif token[0] in {"]", "}"}:
            if depth == CUT_DEPTH:
                start = token.start()
            depth -= 1
    return "".join([*kept, text[start:]])


def read_integer(text: str) -> int | float:
    """Return an integer; infinity for one that is too long for Python."""
    try:
        return int(text)
    except ValueError:
        return inf


def load_fast(content: bytes) -> Any:
    """
    Parse a reply, with orjson if it is installed.

    The value is what `load_json` gives, except in `results`: the caller, who goes through them
    anyway, checks them with `is_unambiguous`.

    Raises:
        ValueError: The bytes are not JSON.
        RecursionError: The value is nested too deeply.
    """
    if _loads is None:
        return load_json(content)
    try:
        value = _loads(content)
    except ValueError:
        return load_json(content)
    others = value
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if isinstance(fields.get("results"), list):
            others = {name: field for name, field in fields.items() if name != "results"}
    return cast("Any", value) if is_unambiguous(others) else load_json(content)


def is_unambiguous(value: object) -> bool:
    """Return whether Python's parser would give the same value that orjson gave."""
    return has_only(value, lambda number: -MIN_AMBIGUOUS_FLOAT < number < MIN_AMBIGUOUS_FLOAT)


def is_bounded(value: object) -> bool:
    """Return whether a value can be written and walked through: not too deep, all floats finite."""
    return has_only(value, isfinite)


def has_only(value: object, is_allowed: Callable[[float], bool], depth: int = 0) -> bool:
    """Return whether a value is not too deep and has only floats that are allowed."""
    if isinstance(value, float):
        return is_allowed(value)
    if isinstance(value, dict):
        value = list(cast("Mapping[str, object]", value).values())
    if isinstance(value, list):
        entries = cast("Sequence[object]", value)
        return depth < MAX_DEPTH and all(
            has_only(entry, is_allowed, depth + 1) for entry in entries
        )
    return True


_DECODER = json.JSONDecoder()
_LENIENT_DECODER = json.JSONDecoder(parse_int=read_integer)


def encode_json(value: object) -> bytes:
    """
    Encode a value, and the models in it, as compact JSON.

    Raises:
        TypeError: Something in the value cannot be written as JSON.
        ValueError: A number is not finite, text holds a lone surrogate, or the value holds itself.
        RecursionError: The value is nested too deeply.
    """
    return _ENCODER.encode(value).encode()


def encode_texts(body: Mapping[str, Any]) -> bytes:
    """
    Do the same as `encode_body`, for text, integers, and lists and dicts of these.

    Of other types, orjson would accept some that Python's encoder refuses, such as NaN and dates.
    """
    if _dumps is not None:
        try:
            return _dumps(body)
        except TypeError:
            pass  # Python's encoder may accept it, or else says what is wrong.
    return encode_body(body)


def encode_body(body: Mapping[str, Any]) -> bytes:
    """
    Do the same as `encode_json`, for an object that begins with `documents` and has more fields.

    It raises the same errors.
    """
    others = dict(body)
    blocks = encode_blocks(others.pop("documents"))
    if blocks is None:
        return encode_json(body)
    # Joined once: the system takes large copies back and has to give them again.
    pieces = [b'","'] * (2 * len(blocks) + 1)
    pieces[0] = b'{"documents":["'
    pieces[1::2] = blocks
    pieces[-1] = b'"],' + encode_json(others)[1:]
    return b"".join(pieces)


def encode_blocks(values: Sequence[object]) -> list[bytes] | None:
    """
    Encode texts as parts of a JSON array, each from after its first quote to before its last.

    They are encoded in blocks that fit into a processor's cache.

    Returns:
        None if there are no texts, if one is not text, or if one has a rare control character.

    Raises:
        ValueError: A text holds a lone surrogate.
    """
    starts = range(0, len(values), BLOCK_TEXTS)
    blocks = [encode_block(values[start : start + BLOCK_TEXTS]) for start in starts]
    return cast("list[bytes]", blocks) if blocks and None not in blocks else None


def encode_block(values: Sequence[object]) -> bytes | None:
    """
    Do the same as `encode_blocks`, for one block.

    Python's encoder looks at each character. This searches all texts at once for what needs an
    escape, which the C library does 30 bytes at a time: a fifth of the time for 200 kB.
    """
    try:
        content = "\0".join(cast("Sequence[str]", values)).encode()
    except TypeError:
        return None
    for character, escape in _ESCAPES:
        content = content.replace(character, escape)
    quoted = content.replace(b"\0", b'","')
    # Each separator grew by two bytes; more growth means that a text held a zero.
    has_zeros = len(quoted) - len(content) != 2 * (len(values) - 1)
    if has_zeros or any(map(content.__contains__, _CONTROLS)):
        return None
    return quoted


def encode_nested(value: object) -> object:
    """Return a nested model or mapping as a plain object."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if hasattr(value, "to_dict"):
        return cast("Any", value).to_dict()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=encode_nested
)
