"""The MCP server in this process, asked by the official package's client."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client.client import Client
from mcp.types import CallToolResult, TextContent
from openrouter_rerank import OpenRouter, Passages
from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank.local import Faults, running
from openrouter_rerank.mcp import create_server
from openrouter_rerank.testing import FakeOpenRouter, answer

QUERY = "What is the capital of France?"
TEXTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
DOCUMENTS = "rerank_documents"
LINES = "rerank_file_lines"


def call(
    client: OpenRouter, tool: str, arguments: Mapping[str, Any], **settings: Any
) -> CallToolResult:
    """Call a tool of a server that has this client."""

    async def ask() -> CallToolResult:
        async with Client(create_server(client, **settings)) as host:
            return await host.call_tool(tool, {"query": QUERY, **arguments})

    return anyio.run(ask)


def read_text(result: CallToolResult) -> str:
    """Return what a result says to a reader."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two files of text and one of bytes."""
    (tmp_path / "notes.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "more.md").write_text("\nBread rises.\n", encoding="utf-8")
    (tmp_path / "data.bin").write_bytes(b"\0")
    return tmp_path


def test_documents_come_in_order() -> None:
    """The answer has scores, positions and the model, as fields and as text."""
    client = FakeOpenRouter(answer(scores=[0.25, 0.75]))

    result = call(client, DOCUMENTS, {"documents": TEXTS}, model="m")

    assert json.loads(client.requests[0].content) == {
        "query": QUERY,
        "documents": TEXTS,
        "model": "m",
    }
    assert result.structured_content == {
        "reranked": True,
        "failure": None,
        "model": "m",
        "cost": None,
        "results": [
            {"index": 1, "score": 0.75, "text": TEXTS[1], "passage": None},
            {"index": 0, "score": 0.25, "text": TEXTS[0], "passage": None},
        ],
        "set_aside": [],
    }
    assert read_text(result) == (
        f"Ordered by relevance, by m:\n1. 0.7500 [1] {TEXTS[1]}\n2. 0.2500 [0] {TEXTS[0]}"
    )


def test_model_is_the_current_one_by_default() -> None:
    """Without a model, the default of the command is asked."""
    client = FakeOpenRouter(200)

    call(client, DOCUMENTS, {"documents": TEXTS})

    assert json.loads(client.requests[0].content)["model"] == DEFAULT_MODEL


def test_blank_documents_are_set_aside_and_long_ones_cut_in_the_text() -> None:
    """A blank document sinks nothing; the text shows the beginning, the fields the whole."""
    long = "word " * 50

    result = call(FakeOpenRouter(200), DOCUMENTS, {"documents": [" ", long], "top_n": 1})

    assert result.structured_content is not None
    assert result.structured_content["set_aside"] == [0]
    assert result.structured_content["results"][0]["text"] == long
    assert read_text(result).endswith(f"{' '.join(long.split())[:100]}...")


def test_lines_come_in_order_with_their_places(folder: Path) -> None:
    """Each line has its file and number, and files that cannot be read are named."""
    client = FakeOpenRouter(answer(scores=[0.25, 0.5, 0.75]))

    result = call(client, LINES, {"files": "*", "top_n": 2}, folder=folder, model="m")

    assert result.structured_content is not None
    found = [(each["file"], each["line"]) for each in result.structured_content["results"]]
    assert found == [("notes.txt", 2), ("notes.txt", 1)]
    assert result.structured_content["line_count"] == 3
    assert result.structured_content["skipped"] == {"data.bin": "no text"}
    assert read_text(result).splitlines() == [
        "Ordered by relevance, by m:",
        f"1. 0.7500 notes.txt:2: {TEXTS[1]}",
        f"2. 0.5000 notes.txt:1: {TEXTS[0]}",
        "not read: data.bin: no text",
    ]


def test_failure_keeps_the_order(folder: Path) -> None:
    """When no model answers, the answer has the order given, and says why."""
    client = FakeOpenRouter(404, 404)

    documents = call(client, DOCUMENTS, {"documents": TEXTS, "top_n": 1})
    lines = call(client, LINES, {"files": "notes.txt"}, folder=folder)

    for result in (documents, lines):
        assert not result.is_error
        assert result.structured_content is not None
        assert result.structured_content["reranked"] is False
        assert result.structured_content["failure"] == "404: scripted error"
        assert result.structured_content["model"] is None
        assert result.structured_content["results"][0]["text"] == TEXTS[0]
        assert result.structured_content["results"][0]["score"] is None
    assert read_text(documents) == (
        f"NOT RERANKED, the order is the one given: 404: scripted error\n1. [0] {TEXTS[0]}"
    )


def test_late_answer_keeps_the_order() -> None:
    """When the API says nothing until the deadline, the host has the order given in time."""
    with running(faults=Faults("hang")) as url:
        client = OpenRouter("sk-or-mcp", server_url=url, deadline_ms=200)
        result = call(client, DOCUMENTS, {"documents": TEXTS})
        client.close()

    assert result.structured_content is not None
    assert result.structured_content["reranked"] is False
    assert "deadline" in result.structured_content["failure"]


def test_passages_are_told() -> None:
    """With a client that splits documents, a result says where its best passage stands."""
    client = FakeOpenRouter(answer(scores=[0.25, 0.75]), passages=Passages(10))

    result = call(client, DOCUMENTS, {"documents": ["One sentence is here. Another one is there."]})

    assert result.structured_content is not None
    (found,) = result.structured_content["results"]
    assert found["passage"] == {"start": 22, "end": 43}


@pytest.mark.parametrize(
    ("step", "arguments", "message"),
    [
        (401, {"documents": TEXTS}, "401: scripted error"),
        (200, {"documents": TEXTS, "query": " "}, "query"),
        (200, {"documents": TEXTS, "top_n": 0}, "top_n"),
        (200, {"documents": "one"}, "documents"),
    ],
)
def test_what_somebody_has_to_put_right_is_an_error(
    step: int, arguments: dict[str, Any], message: str
) -> None:
    """A wrong key or argument is told as the tool's error, and nothing is ranked."""
    result = call(FakeOpenRouter(step), DOCUMENTS, arguments)

    assert result.is_error
    assert message in read_text(result)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("../x", "leads out of the folder"),
        ("data.bin", "'data.bin' names no file with lines; data.bin: no text"),
        ("*.none", "'*.none' names no file with lines"),
        ("*", "'*' has more than the 2 lines that can be ranked at once"),
    ],
)
def test_files_without_lines_to_rank_are_an_error(folder: Path, files: str, message: str) -> None:
    """What cannot be read or is too much is told, and nothing is sent."""
    client = FakeOpenRouter()

    result = call(client, LINES, {"files": files}, folder=folder, max_lines=2)

    assert result.is_error
    assert message in read_text(result)
    assert client.requests == []


def test_many_files_that_cannot_be_read_are_counted(folder: Path) -> None:
    """The text names the first ones, and says how many more there are."""
    for number in range(30):
        (folder / f"{number}.png").write_bytes(b"\0")

    result = call(FakeOpenRouter(200), LINES, {"files": "*"}, folder=folder)

    assert result.structured_content is not None
    assert result.structured_content["skipped_count"] == 31
    assert read_text(result).endswith("not read: 11 more files")


def test_file_tool_needs_a_folder() -> None:
    """Without a folder there is no tool that reads files."""
    result = call(FakeOpenRouter(), LINES, {"files": "*"})

    assert result.is_error
    assert "Unknown tool" in read_text(result)


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    """No folder and no line to rank are told before a host waits."""
    client = FakeOpenRouter()

    with pytest.raises(FileNotFoundError):
        create_server(client, folder=tmp_path / "gone")
    with pytest.raises(ValueError, match="max_lines"):
        create_server(client, max_lines=0)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ("mcp", "needs the package mcp, version 2 or newer: run pip install"),
        ("pydantic", "import of pydantic halted"),
    ],
)
def test_missing_package_says_what_to_install(hidden: str, message: str) -> None:
    """Without the extra the import says so; another missing package is its own error."""
    code = f"import sys; sys.modules[{hidden!r}] = None; import openrouter_rerank.mcp"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)

    assert message in done.stderr.splitlines()[-1]
