"""The command `mcp` as hosts run it: a process that speaks the protocol on two pipes."""

import json
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import anyio
import pytest
from forking.processes import ForkServer, PipedProcess
from integration.cli.conftest import TIMEOUT_SECONDS, RunCommand
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server.stdio import stdio_server
from mcp.types import CallToolResult
from openrouter_rerank.cli._commands.mcp import DEFAULT_MAX_LINES
from openrouter_rerank.mcp import create_server

COMMAND = ["-m", "openrouter_rerank.cli", "mcp"]
QUERY = "What is the capital of France?"
BERLIN, PARIS = "Berlin is the capital of Germany.", "Paris is the capital of France."
NOWHERE = {"OPENROUTER_API_KEY": "sk-or-mcp", "OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1"}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def start(
    commands: ForkServer, environment: Mapping[str, str], *options: str
) -> AbstractContextManager[PipedProcess]:
    """Start the command in a fork that has the package for the protocol imported."""
    return commands.open(["mcp", *options], environment, imports=["openrouter_rerank.mcp"])


def call(
    commands: ForkServer,
    environment: Mapping[str, str],
    tool: str,
    arguments: Mapping[str, Any],
    *options: str,
) -> CallToolResult:
    """Start the command, and call one of its tools with the official package's client."""

    async def ask() -> CallToolResult:
        with (
            anyio.fail_after(TIMEOUT_SECONDS),
            start(commands, environment, *options) as process,
        ):
            # It is a server's, but the protocol on the pipes is the same on both sides.
            pipes = stdio_server(anyio.wrap_file(process.stdout), anyio.wrap_file(process.stdin))
            async with Client(pipes) as host:
                result = await host.call_tool(tool, {"query": QUERY, **arguments})
                process.stdin.close()
            return result

    return anyio.run(ask)


@contextmanager
def talk(commands: ForkServer, environment: Mapping[str, str]) -> Generator[PipedProcess]:
    """Start the command and exchange the first messages."""
    with start(commands, environment, "--local") as process:
        process.stdin.write(json.dumps(HELLO) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        yield process


def test_host_ranks_documents(
    environment: dict[str, str], fork_server: ForkServer, server_url: str
) -> None:
    """A host gets its documents in order from the API that the environment names."""
    environment |= {"OPENROUTER_API_KEY": "sk-or-mcp", "OPENROUTER_BASE_URL": server_url}
    arguments = {"documents": [BERLIN, PARIS]}

    result = call(fork_server, environment, "rerank_documents", arguments, "--model", "m")

    assert result.structured_content is not None
    assert result.structured_content["model"] == "m"
    assert [each["index"] for each in result.structured_content["results"]] == [1, 0]


def test_host_ranks_lines_on_this_machine(environment: dict[str, str], tmp_path: Path) -> None:
    """With --local and --folder, a host that starts the command gets lines of files ranked."""
    (tmp_path / "notes.txt").write_text(f"{BERLIN}\n{PARIS}\n", encoding="utf-8")
    options = ["--local", "--folder", str(tmp_path)]
    server = StdioServerParameters(
        command=sys.executable, args=[*COMMAND, *options], env=environment
    )

    async def ask() -> CallToolResult:
        with anyio.fail_after(TIMEOUT_SECONDS):
            async with Client(stdio_client(server)) as host:
                arguments = {"query": QUERY, "files": "*.txt", "top_n": 1}
                return await host.call_tool("rerank_file_lines", arguments)

    result = anyio.run(ask)

    assert result.structured_content is not None
    (found,) = result.structured_content["results"]
    assert (found["file"], found["line"], found["text"]) == ("notes.txt", 2, PARIS)
    assert result.structured_content["model"] == "local/minilm"


def test_host_goes_on_when_nobody_answers(
    environment: dict[str, str], fork_server: ForkServer
) -> None:
    """When the API cannot be reached, the documents come as they were, and the answer says so."""
    arguments = {"documents": [BERLIN, PARIS]}

    result = call(fork_server, {**environment, **NOWHERE}, "rerank_documents", arguments)

    assert not result.is_error
    assert result.structured_content is not None
    assert result.structured_content["reranked"] is False
    assert "could not connect" in result.structured_content["failure"]
    assert [each["index"] for each in result.structured_content["results"]] == [0, 1]


def test_fallback_and_cache_are_those_of_other_commands(
    environment: dict[str, str], fork_server: ForkServer, tmp_path: Path
) -> None:
    """The options of `rank` hold here: another model answers."""
    options = ["--fallback-model", "local", "--cache", str(tmp_path), "--deadline-ms", "20000"]
    arguments = {"documents": [BERLIN, PARIS]}

    result = call(fork_server, {**environment, **NOWHERE}, "rerank_documents", arguments, *options)

    assert result.structured_content is not None
    assert result.structured_content["model"] == "local/minilm"


def test_limit_is_that_of_the_server() -> None:
    """The command and the function have the same limit for lines."""
    assert signature(create_server).parameters["max_lines"].default == DEFAULT_MAX_LINES


def test_closed_input_ends_it(environment: dict[str, str], fork_server: ForkServer) -> None:
    """When the host closes the pipe, the command ends with 0 and says nothing."""
    with talk(fork_server, environment) as process:
        ended = process.end()

    assert ended == (0, "", "")


def test_interrupt_ends_it(environment: dict[str, str], fork_server: ForkServer) -> None:
    """Ctrl-C ends it at once, without a traceback."""
    with talk(fork_server, environment) as process:
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
        status = process.wait()

    assert (status, errors) == (130, "")


def test_host_that_went_away_ends_it(environment: dict[str, str], fork_server: ForkServer) -> None:
    """When the host dies before it has read its answer, it ends without a traceback."""
    with talk(fork_server, environment) as process:
        process.stdout.close()
        process.stdin.write(json.dumps({**HELLO, "id": 2, "method": "ping"}) + "\n")
        process.stdin.close()
        errors = process.stderr.read()
        status = process.wait()

    # The end of its input may come before it has tried to write.
    assert status in {0, 141}
    assert errors == ""


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ([], 1, "or rank on this machine, without a key, with --local."),
        (["--local", "--model", "m"], 2, "leave --model out"),
        (["--local", "--folder", "no-such-folder"], 2, "does not exist"),
    ],
)
def test_what_cannot_work_is_one_line(
    options: list[str], status: int, words: str, run_command: RunCommand
) -> None:
    """What is wrong is told on standard error before the protocol begins."""
    done = run_command(["mcp", *options])

    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.count(b"\n") == 1
    assert words in done.stderr.decode()
