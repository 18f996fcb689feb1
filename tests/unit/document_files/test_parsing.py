"""What the content of a file is read as."""

import re
from collections.abc import Callable

import pytest
from openrouter_rerank._document_files.parsing import (
    DocumentFileError,
    parse_documents,
    parse_lines,
    parse_objects,
    parse_table,
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"one\n\n  \ntwo", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"  indented \n", ["  indented "]),
        (b"\xef\xbb\xbfone\n", ["one"]),
        ("a\u2028b\u0085c\n".encode(), ["a\u2028b\u0085c"]),
        (b"1989\n[1]\nnull\n", ["1989", "[1]", "null"]),
        (b'"Quoted," he said.\n"Quoted."\n', ['"Quoted," he said.', '"Quoted."']),
        (b'{"title": "x"}\nplain\n', ['{"title": "x"}', "plain"]),
        (b"[" * 100_000 + b"\n", ["[" * 100_000]),
    ],
)
def test_lines_of_text_are_kept_as_they_are(data: bytes, expected: list[str]) -> None:
    """Each line that is not blank is a document; only LF and CRLF end a line."""
    documents = parse_documents(data, "docs")

    assert expected == documents


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'"one"\n\n"two\\nlines"\n', ["one", "two\nlines"]),
        (b'{"text": "one"}\n"two"\n', [{"text": "one"}, "two"]),
        (b'{"image": "https://example.com/a.png"}', [{"image": "https://example.com/a.png"}]),
        (b'{"text": "one", "image": null}\n', [{"text": "one"}]),
        ('"a\u2028b"\n'.encode(), ["a\u2028b"]),
        (b'\xef\xbb\xbf{"text": "one"}\r\n', [{"text": "one"}]),
    ],
)
def test_lines_that_are_all_json_are_json_lines(data: bytes, expected: list[object]) -> None:
    """A file whose every line is a JSON string or object is read as JSON Lines."""
    documents = parse_documents(data, "docs")

    assert expected == documents


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "docs holds no documents"),
        (b" \n\t\r\n", "docs holds no documents"),
        (b"one\n\ntw\xff\n", "docs, line 3: not UTF-8"),
        (b"\xef\xbb\xbfone\n\xff\n", "docs, line 2: not UTF-8"),
        (b"\xff\xfeo\x00", "docs: it is UTF-16"),
        (b'{"text": "one"}\n\n{"text": "two"\n', "docs, line 3: neither a JSON string nor"),
        (b'[1]\n{"image": "one"}\n', "docs, line 1: neither a JSON string nor"),
        (b'"one"\n{"title": "two"}\n', 'docs, line 2: unknown field "title"'),
        (b'"one"\n{"text": 2}\n', 'docs, line 2: "text" is not a string'),
        (b'"one"\n\n{}\n', "docs, line 3: no document"),
        (b'{"text": null}\n', "docs, line 1: no document"),
        (b'"one"\n" "\n', "docs, line 2: the document is blank"),
        (b'{"text": ""}\n', "docs, line 1: the document is blank"),
        (b'"\\ud800"\n', "docs, line 1: half of a surrogate pair"),
    ],
)
def test_a_line_that_is_no_document_is_named_by_its_number(data: bytes, message: str) -> None:
    """What cannot be sent is refused with the number of its line."""
    with pytest.raises(DocumentFileError, match=re.escape(message)) as caught:
        parse_documents(data, "docs")

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "data",
    [
        b'["one", {"text": "two"}]',
        b'[\n  "one",\n  {\n    "text": "two"\n  }\n]\n',
        b'\xef\xbb\xbf\n[{"text": "two", "image": null},\n"one"]',
    ],
)
def test_json_array_is_the_list_of_documents(data: bytes) -> None:
    """An array of JSON, on one line or on several, is read as the list that it is."""
    documents = parse_documents(data, "docs.json")

    assert sorted(map(str, documents)) == ["one", "{'text': 'two'}"]


def test_pretty_printed_object_is_one_document() -> None:
    """An object that is spread over several lines is one document."""
    assert parse_documents(b'{\n  "text": "one"\n}\n', "docs") == [{"text": "one"}]


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"[]", "docs", "holds no documents"),
        (b'["one", 2]', "docs", "element 1 of the array: neither a JSON string"),
        (b'["one", null]', "docs", "element 1 of the array: neither a JSON string"),
        (b'["one", ""]', "docs", "element 1 of the array: the document is blank"),
        (b'[["one"]]', "docs", "element 0 of the array"),
        (b'["one"]\n["two"]', "docs", "each line is a JSON array"),
        (b'[\n"one"\n', "docs", "line 1: broken JSON"),
        (b'[{"text": "one"},\n{"text": "two"}', "docs", "line 1: broken JSON"),
        (b'{\n"text": "one"\n}\n{\n"text": "two"\n}', "docs", "line 1: broken JSON"),
        (b'"one"\ntwo\n', "docs.jsonl", "line 2: broken JSON"),
        (b"one\n", "docs.JSON", "line 1: broken JSON"),
        (b'{"query": "q", "documents": ["a"]}', "docs", "line 1: a job, not a document"),
        (b'{\n"documents": ["a"]\n}', "docs", "line 1: a job, not a document"),
        ("one".encode("utf-16"), "docs", "UTF-16, not lines of text. Convert it to UTF-8"),
        ("one".encode("utf-16-le"), "docs", "NUL bytes"),
        (b"PK\x03\x04text", "docs.xlsx", "a zip archive or an Excel workbook"),
        (b"PAR1text", "docs.parquet", "Parquet"),
        (b"\x1f\x8btext", "docs.gz", "gzip"),
    ],
)
def test_no_source_of_another_format_is_ranked(data: bytes, name: str, message: str) -> None:
    """What is JSON of another form, or no text at all, is refused with what to do."""
    with pytest.raises(DocumentFileError, match=re.escape(message)):
        parse_documents(data, name)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_can_be_taken_as_they_are(mark: bytes) -> None:
    """What looks like JSON is text if lines of text are asked for."""
    data = mark + b'["one"]\n\n{"text": "two"}\r\n'

    assert parse_lines(data, "docs") == ['["one"]', '{"text": "two"}']


@pytest.mark.parametrize("data", [b'{"a": 1}\n\n{"b": [2]}\n', b'[{"a": 1},\n{"b": [2]}]'])
def test_objects_have_fields_of_any_name(data: bytes) -> None:
    """JSON Lines and an array of objects are read with all their fields."""
    assert parse_objects(data, "docs") == [{"a": 1}, {"b": [2]}]


def test_a_table_has_the_columns_of_its_first_row() -> None:
    """CSV with quotes, line breaks in a cell, a cell too many and one too few is read by row."""
    data = b'title,text\r\n"a, ""b""","c\nd",e\nf\n'

    assert parse_table(data, "docs") == [
        {"title": 'a, "b"', "text": "c\nd"},
        {"title": "f", "text": None},
    ]


@pytest.mark.parametrize(
    ("parse", "data", "message"),
    [
        (parse_lines, b" \n", "docs holds no documents"),
        (parse_lines, b"a\x00", "docs: it holds NUL bytes"),
        (parse_objects, b"", "docs holds no documents"),
        (parse_objects, b'{"a": 1}\ntext\n', "docs, line 2: no JSON object"),
        (parse_objects, b'[{"a": 1}, "text"]', "docs, element 1 of the array: no JSON object"),
        (parse_table, b"title,text\n", "docs holds no documents"),
        (parse_table, b'title\n"a\n', "unexpected end of data. Fix the line."),
    ],
)
def test_what_has_not_the_form_is_refused(
    parse: Callable[[bytes, str], object], data: bytes, message: str
) -> None:
    """The message names the source and the place."""
    with pytest.raises(DocumentFileError, match=re.escape(message)):
        parse(data, "docs")
