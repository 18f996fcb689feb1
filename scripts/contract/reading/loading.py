"""
From bytes to plain JSON data, safely: documents come from the network.

YAML is read as YAML 1.2's JSON-like core: a plain scalar is null, true, false, a number or else a
string, so dates and `no` stay strings. We take only an event stream from libyaml: its composer
recurses, and a deeply nested document would crash the interpreter.
"""

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from contract.model import ContractError, JsonObject, is_list, is_object

MAX_SOURCE_BYTES = 16 * 2**20
MAX_DEPTH = 200
MAX_NODES = 2_000_000
# A text counts as a node for each so many characters, so that aliases cannot repeat a long one.
NODE_CHARACTERS = 64

_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str")}


def read_source(path: Path) -> bytes:
    """
    Read a file of at most `MAX_SOURCE_BYTES`.

    Raises:
        ContractError: The file is larger.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_SOURCE_BYTES + 1)
    if len(content) > MAX_SOURCE_BYTES:
        raise ContractError(f"{path} is larger than {MAX_SOURCE_BYTES // 2**20} MiB")
    return content


def parse_document(content: bytes) -> JsonObject:
    """
    Parse YAML or JSON whose root is an object.

    Raises:
        ContractError: It is too large, not Unicode in UTF-8, neither YAML nor JSON, repeats a key,
            nests more than `MAX_DEPTH` deep, grows beyond `MAX_NODES` through its aliases, or its
            root is not an object.
    """
    if len(content) > MAX_SOURCE_BYTES:
        raise ContractError(f"the document is larger than {MAX_SOURCE_BYTES // 2**20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError(f"the document is not UTF-8: {error.reason}") from error
    document = _parse_json(text) if text.lstrip()[:1] == "{" else None
    if document is None:
        document = _parse_yaml(text)
    if not is_object(document):
        raise ContractError("the document is not a YAML or JSON object")
    return document


def _parse_json(text: str) -> Any:
    """Parse JSON; None if it is not JSON, since YAML may begin with a brace too."""
    try:
        document: Any = json.loads(
            text,
            object_pairs_hook=_build_object,
            parse_constant=_refuse_number,
            parse_float=_read_number,
            parse_int=_read_number,
        )
    except json.JSONDecodeError:
        return None
    except RecursionError as error:
        raise ContractError(f"the document nests more than {MAX_DEPTH} deep") from error
    _refuse_depth(document)
    _refuse_surrogates(document)
    return document


def _refuse_surrogates(document: Any) -> None:
    """Refuse half a character, which JSON can escape (RFC 8259, section 8.2) but UTF-8 not hold."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ContractError(f"the document is not Unicode text: {error.reason}") from error


def _build_object(pairs: list[tuple[str, Any]]) -> JsonObject:
    built: JsonObject = {}
    for key, value in pairs:
        built[_check_key(key, built)] = value
    return built


def _refuse_number(text: str) -> NoReturn:
    raise ContractError(f"{text[:40]} is not a number that JSON knows")


def _read_number(text: str) -> int | float:
    try:
        number = int(text) if _INTEGER.fullmatch(text) else float(text)
    except ValueError:
        _refuse_number(text)
    if not math.isfinite(number):
        _refuse_number(text)
    return number


def _refuse_depth(document: Any) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ContractError(f"the document nests more than {MAX_DEPTH} deep")


def _children(node: Any) -> list[Any]:
    if is_object(node):
        return list(node.values())
    return node if is_list(node) else []


@dataclass
class _Frame:
    """A container under construction; `size` counts its nodes with every alias written out."""

    built: Any
    anchor: str | None
    key: str | None = None
    size: int = 1


@dataclass
class _Builder:
    """Turns YAML events into data, one container at a time and without recursion."""

    stack: list[_Frame] = field(default_factory=list[_Frame])
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict[str, tuple[Any, int]])
    roots: list[Any] = field(default_factory=list[Any])

    def feed(self, event: Any) -> None:
        """
        Take one event.

        Raises:
            ContractError: Plain JSON data has no such event.
        """
        if isinstance(event, yaml.ScalarEvent):
            size = 1 + len(event.value) // NODE_CHARACTERS
            self.add(_read_scalar(event, is_key=self.expects_key()), size, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise ContractError(f"the alias *{event.anchor} has no finished anchor")
            self.add(*self.anchors[event.anchor], None)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self.open({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            frame = self.stack.pop()
            self.add(frame.built, frame.size, frame.anchor)

    def expects_key(self) -> bool:
        """Tell whether the next node is a key."""
        return bool(self.stack) and is_object(self.stack[-1].built) and self.stack[-1].key is None

    def open(self, built: Any, event: Any) -> None:
        """Begin a container."""
        if self.expects_key():
            raise ContractError("a key is not a string")
        if event.tag is not None and event.tag not in _TAGS:
            raise ContractError(f"the tag {event.tag} is not plain data")
        if len(self.stack) >= MAX_DEPTH:
            raise ContractError(f"the document nests more than {MAX_DEPTH} deep")
        self.stack.append(_Frame(built, event.anchor))

    def add(self, value: Any, size: int, anchor: str | None) -> None:
        """Put a finished value in its place."""
        if anchor is not None:
            self.anchors[anchor] = (value, size)
        if not self.stack:
            self.roots.append(value)
            return
        frame = self.stack[-1]
        frame.size += size
        if frame.size > MAX_NODES:
            raise ContractError(f"the document has more than {MAX_NODES} nodes")
        if not is_object(frame.built):
            frame.built.append(value)
        elif frame.key is None:
            frame.key = _check_key(value, frame.built)
        else:
            frame.built[frame.key], frame.key = value, None


def _check_key(key: Any, built: JsonObject) -> str:
    if not isinstance(key, str):
        raise ContractError("a key is not a string")
    if key in built:
        raise ContractError(f"the key {key!r} stands twice in one object")
    return key


def _read_scalar(event: Any, *, is_key: bool) -> Any:
    if is_key and event.value == "<<" and event.implicit[0]:
        raise ContractError("the merge key << is not part of YAML 1.2")
    # A key is its text: `200:` and `no:` are names.
    if is_key or not event.implicit[0]:
        if event.tag is not None and event.tag not in _TAGS:
            raise ContractError(f"the tag {event.tag} is not plain data")
        return event.value
    if event.value in _WORDS:
        return _WORDS[event.value]
    if _NUMBER.fullmatch(event.value):
        return _read_number(event.value)
    return event.value


def _parse_yaml(text: str) -> Any:
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.feed(event)
    except yaml.YAMLError as error:
        raise ContractError(f"the document is not YAML: {' '.join(str(error).split())}") from error
    if len(builder.roots) != 1:
        raise ContractError(f"the file holds {len(builder.roots)} documents, not one")
    # An alias adds the depth of what it stands for.
    _refuse_depth(builder.roots[0])
    return builder.roots[0]
