"""The contract as canonical YAML, written so that a failure leaves the old file."""

import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml

from .model import ContractError, JsonObject, is_list, is_object
from .rules.prose import PROVENANCE

HEADER = "# Written by scripts/sync.py; to change it, change openapi-overlay.yaml and run that.\n"
LINE_WIDTH = 100
_FILE_MODE = 0o644


class _Flow(list[Any]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes plain data in blocks, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


_Dumper.add_representer(
    _Flow,
    lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True),
)
# PyYAML quotes what YAML 1.1 would take for a number; YAML 1.2 has more numbers (section 10.3.2).
_Dumper.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType] - untyped stub
    "tag:yaml.org,2002:float",
    re.compile(r"(?:[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    list("-+.0123456789"),
)


def dump_contract(document: JsonObject) -> str:
    """Return the contract as YAML that says the same to YAML 1.1 and 1.2 readers."""
    text = yaml.dump(
        _mark_types(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=LINE_WIDTH,
    )
    return HEADER + text


def _mark_types(node: Any) -> Any:
    if is_object(node):
        return {
            key: _Flow(value) if key == "type" and is_list(value) else _mark_types(value)
            for key, value in node.items()
        }
    return [_mark_types(item) for item in node] if is_list(node) else node


def stamp_provenance(document: JsonObject, source: str) -> JsonObject:
    """
    Return the contract with its source and its own hash in `info`.

    The hash covers all the rest, so that a hand edit shows as well as a change upstream.
    """
    info = {key: value for key, value in document["info"].items() if key != PROVENANCE}
    bare = json.dumps({**document, "info": info}, sort_keys=True)
    digest = hashlib.sha256(bare.encode()).hexdigest()
    return {**document, "info": {**info, PROVENANCE: {"source": source, "sha256": digest}}}


def replace_file(path: Path, text: str) -> None:
    """
    Write the whole text to a scratch file, then move it to `path`.

    Raises:
        ContractError: The text cannot be written as UTF-8.
        OSError: The folder cannot be written to; the old file stays as it was.
    """
    path = path.resolve()
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise ContractError(f"the contract is not Unicode text: {error.reason}") from error
    mode = path.stat().st_mode & 0o777 if path.exists() else _FILE_MODE
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        scratch.chmod(mode)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
