"""Reading documents from strangers: plain data only, within bounds."""

from pathlib import Path
from typing import Any

import pytest
from contract.model import ContractError
from contract.reading.loading import MAX_DEPTH, MAX_SOURCE_BYTES, parse_document, read_source

BOMB = b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"no", "no"),
        (b"yes", "yes"),
        (b"off", "off"),
        (b"2026-08-21", "2026-08-21"),
        (b"2026-08-21T10:00:00Z", "2026-08-21T10:00:00Z"),
        (b"12:30", "12:30"),
        (b"0x1f", "0x1f"),
        (b"1_000", "1_000"),
        (b".inf", ".inf"),
        (b"!!str 5", "5"),
        (b"'5'", "5"),
        (b"5", 5),
        (b"-5", -5),
        (b"1.5", 1.5),
        (b"1e3", 1000.0),
        (b"true", True),
        (b"null", None),
        (b"~", None),
        (b"", None),
        (b"[a, {b: c}]", ["a", {"b": "c"}]),
    ],
)
def test_scalars_are_those_of_json(text: bytes, value: Any) -> None:
    """What JSON has no word for is a string: dates, `no`, times of day."""
    assert parse_document(b"key: " + text) == {"key": value}


def test_keys_are_their_text() -> None:
    """A key that looks like a number, a truth or nothing is a name."""
    assert parse_document(b"200: a\nno: b\nnull: c\n1.0: d") == {
        "200": "a", "no": "b", "null": "c", "1.0": "d",
    }  # fmt: skip


@pytest.mark.parametrize(
    "content", [b'{"a": ["\\ud83d\\ude00", 1e2]}', b"\xef\xbb\xbf{a: [\xf0\x9f\x98\x80, 1e2]}"]
)
def test_json_and_yaml_say_the_same(content: bytes) -> None:
    """JSON is read as JSON, YAML that begins with a brace as YAML."""
    assert parse_document(content) == {"a": ["\N{GRINNING FACE}", 100.0]}


def test_aliases_stand_for_their_anchor() -> None:
    """An alias is what its anchor is."""
    assert parse_document(b"a: &x {b: 1}\nc: [*x, *x]") == {"a": {"b": 1}, "c": [{"b": 1}] * 2}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(BOMB, "more than", id="alias bomb"),
        pytest.param(b"a: &a [*a]", "no finished anchor", id="circle of aliases"),
        pytest.param(b"a: *b", "undefined alias|no finished anchor", id="alias of nothing"),
        pytest.param(b"a: " + b"[" * 100_000, f"more than {MAX_DEPTH} deep", id="deep YAML"),
        pytest.param(b'{"a":' + b"[" * 100_000, f"more than {MAX_DEPTH} deep", id="deep JSON"),
        pytest.param(
            b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", f"more than {MAX_DEPTH} deep", id="JSON"
        ),
        pytest.param(b"a: 1\na: 2", "'a' stands twice", id="key twice in YAML"),
        pytest.param(b'{"a": 1, "a": 2}', "'a' stands twice", id="key twice in JSON"),
        pytest.param(b"<<: {a: 1}", "merge key", id="merge key"),
        pytest.param(b"[a]: 1", "not a string", id="list for a key"),
        pytest.param(b"a: !!python/name:os.system", "not plain data", id="tag of a scalar"),
        pytest.param(b"a: !!python/tuple [1]", "not plain data", id="tag of a list"),
        pytest.param(b"a: !!binary aGk=", "not plain data", id="binary"),
        pytest.param(b"a: " + b"9" * 5000, "not a number", id="endless number"),
        pytest.param(b'{"a": 1e999}', "not a number", id="number beyond floats"),
        pytest.param(b'{"a": NaN}', "not a number", id="not a number"),
        pytest.param(b"a: [1, 2", "not YAML", id="truncated"),
        pytest.param(b"\xff\xfe", "not UTF-8", id="not text"),
        pytest.param(b"a: \x00", "not YAML", id="control character"),
        pytest.param(b"", "0 documents", id="nothing"),
        pytest.param(b"a: 1\n---\nb: 2", "2 documents", id="two documents"),
        pytest.param(b"[1]", "not a YAML or JSON object", id="list"),
        pytest.param(b"<!doctype html>", "not a YAML or JSON object", id="HTML"),
        pytest.param(b" " * (MAX_SOURCE_BYTES + 1), "larger than 16 MiB", id="large"),
    ],
)
def test_what_is_no_plain_document_is_refused(content: bytes, complaint: str) -> None:
    """Every other document is refused with a reason."""
    with pytest.raises(ContractError, match=complaint):
        parse_document(content)


def test_a_large_file_is_refused_before_parsing(tmp_path: Path) -> None:
    """A file of 50 MB is not read to its end."""
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)

    with pytest.raises(ContractError, match=r"large\.yaml is larger than 16 MiB"):
        read_source(path)
