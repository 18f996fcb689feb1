"""`rank --field NAME`: documents with fields, from the files that people have."""

from pathlib import Path

import pytest
from integration.cli.conftest import RunCommand

FIELDS = ["--field", "title", "--field", "text", "--local"]
FILES = {
    "corpus.jsonl": '{"_id": "1", "title": "Berlin", "text": "Germany", "metadata": {}}\n'
    '{"_id": "2", "title": "Paris", "text": "The capital of France."}\n',
    "corpus.json": '[{"title": "Berlin", "text": "Germany"},\n'
    '{"title": "Paris", "text": "The capital of France."}]',
    "corpus.csv": 'title,text,id\nBerlin,Germany,1\nParis,"The capital\n of France.",2\n',
}


@pytest.mark.parametrize("name", FILES)
def test_files_rank_by_their_fields(name: str, run_command: RunCommand, tmp_path: Path) -> None:
    """JSON Lines as BEIR has them, a JSON array and CSV rank by the fields that are named."""
    file = tmp_path / name
    file.write_text(FILES[name], encoding="utf-8")

    done = run_command(["rank", "capital of France", str(file), *FIELDS, "--top-n", "1"])

    assert (done.returncode, done.stderr) == (0, b"")
    assert b'title: "Paris" text: "The capital' in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "plain text\n", b"line 1: no JSON object, so it has no fields"),
        ("a.jsonl", '{"title": "a"}\n"b"\n', b"line 2: no JSON object"),
        ("a.json", '[{"title": "a"}, 5]', b"element 1 of the array: no JSON object"),
        ("a.jsonl", "\n", b"holds no documents"),
        ("a.csv", "title,text\n", b"holds no documents"),
        ("a.csv", 'title,text\n"a', b"unexpected end of data. Fix the line"),
        ("a.jsonl", "\x00", b"NUL"),
        ("a.jsonl", '{"title": " ", "text": ""}\n', b"documents: blank at positions 0"),
        ("a.jsonl", '{"other": "a"}\n', b'no document has the field "title" or "text"; they have'),
        ("a.csv", "tip,b c\n1,2\n", b'has the field "title" or "text"; they have tip, b c.'),
        ("a.tsv", "title\ttext\n", b"only .csv is read as a table"),
    ],
)
def test_what_has_no_fields_is_told(
    name: str, content: str, message: bytes, run_command: RunCommand, tmp_path: Path
) -> None:
    """A line that is no object, and a file without any, end the command in a line."""
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")

    done = run_command(["rank", "q", str(file), *FIELDS])

    assert (done.stdout, len(done.stderr.splitlines())) == (b"", 1)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "title,the body\nBerlin,Germany\n",
            "Name the columns to rank: --field title --field 'the body'\n",
        ),
        (
            "a.jsonl",
            '{"id": "1", "text": "a"}\n',
            "or both. To rank fields of your own: --field id --field text\n",
        ),
        ("a.json", '[{"body": "a"}]', "To rank fields of your own: --field body\n"),
        ("a.csv", ",".join("abcdefghijkl") + "\n1\n", "--field i --field j ...\n"),
        ("a.tsv", "title\ttext\n", "only .csv is read as a table"),
    ],
)
def test_file_with_fields_names_the_option_that_ranks_them(
    name: str, content: str, message: str, run_command: RunCommand, tmp_path: Path
) -> None:
    """A table, and objects with fields of one's own, are refused with the options to add."""
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")

    done = run_command(["rank", "q", str(file), "--local"])

    assert (done.stdout, done.returncode) == (b"", 1 if "own" in message else 2)
    assert message in done.stderr.decode()


def test_one_misspelt_field_of_several_is_told(run_command: RunCommand) -> None:
    """The documents are ranked without it, and a warning names the fields that they have."""
    done = run_command(
        ["rank", "q", "-", "--field", "title", "--field", "tipp", "--local"],
        b'{"title": "Berlin", "tip": "a"}\n',
    )

    assert done.returncode == 0
    assert b"title" in done.stdout
    assert done.stderr == (
        b'openrouter-rerank: warning: --field: no document has the field "tipp"; '
        b"they have title, tip.\n"
    )


def test_standard_input_has_fields_too(run_command: RunCommand) -> None:
    """JSON Lines come on standard input as well; texts of the command line have no fields."""
    arguments = ["rank", "capital of France", "-", "--document", "Paris, France", *FIELDS]
    done = run_command(arguments, b'{"title": "Berlin"}\n')

    lines = done.stdout.splitlines()
    assert lines[1].endswith(b"1  Paris, France")
    assert lines[2].endswith(b'0  title: "Berlin"')
