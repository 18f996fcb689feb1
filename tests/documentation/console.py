"""Blocks of a console: commands after "$ ", and what they print."""

import os
import re
import selectors
import signal
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen
from documentation.blocks import ROOT

PROMPT = "$ "
CONTINUED = "> "
LIMIT_SECONDS = 60
DEFAULT_PORT = "8787"
# Those stay until somebody ends them; what they print first is compared.
_SERVERS = ("openrouter-rerank serve",)
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_EXTRAS = re.compile(r"openrouter-rerank\[([\w,-]+)\]")


@frozen
class Command:
    """A command, and the lines that it is said to print."""

    text: str
    output: str


def read_commands(source: str) -> Iterator[Command]:
    """
    Read the commands of a block.

    Args:
        source: The block's text. A line that begins with "> " goes on with the command before it.
    """
    command, output = "", list[str]()
    for line in source.splitlines():
        if line.startswith(PROMPT):
            if command:
                yield Command(command, "\n".join(output))
            command, output = line.removeprefix(PROMPT), []
        elif line.startswith(CONTINUED) and not output:
            command += "\n" + line.removeprefix(CONTINUED)
        else:
            output.append(line)
    assert command, f"a console block has a command after {PROMPT!r}"
    yield Command(command, "\n".join(output))


def write_commands(commands: Iterable[Command]) -> str:
    """
    Write a block, as `read_commands` reads it.

    Args:
        commands: Its commands, in their order.
    """
    lines = list[str]()
    for command in commands:
        lines.append(PROMPT + command.text.replace("\n", f"\n{CONTINUED}"))
        lines += [command.output] * bool(command.output)
    return "\n".join(lines) + "\n"


def run(command: Command, folder: Path) -> str:
    """
    Run a command and return what it printed, both streams as a terminal shows them.

    Args:
        command: A command for bash. Setting up an environment is not done again: of pip and make,
            only the extras and the targets are looked up.
        folder: Where it runs.
    """
    program, _, arguments = command.text.partition(" ")
    if program == "pip":
        _require_extras(arguments)
        return command.output
    if program == "make":
        _require_target(arguments)
        return command.output
    if command.text.startswith(_SERVERS):
        return _run_server(command, folder)
    result = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command.text],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return result.stdout.rstrip("\n")


def _require_extras(arguments: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert arguments.startswith("install "), arguments
    for extras in _EXTRAS.findall(arguments):
        assert set(extras.split(",")) <= set(project["optional-dependencies"]), extras


def _require_target(arguments: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = arguments.split(maxsplit=1)[0]
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def _run_server(command: Command, folder: Path) -> str:
    """Return the first lines of what a server prints, with the page's port in place of its own."""
    wanted = command.output.count("\n") + 1
    with subprocess.Popen(
        ["/bin/bash", "-c", f"exec {command.text} --port 0"],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(server.stdout, selectors.EVENT_READ)
            assert selector.select(LIMIT_SECONDS), f"{command.text} prints nothing"
        lines = [server.stdout.readline().rstrip("\n") for _ in range(wanted)]
        server.send_signal(signal.SIGINT)
        server.wait(LIMIT_SECONDS)
    shown = _PORT.search(command.output)
    return _PORT.sub(shown[0] if shown else DEFAULT_PORT, "\n".join(lines))
